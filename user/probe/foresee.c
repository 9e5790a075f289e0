/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/foresee.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "probe/elf.h"
#include "probe/ldcache.h"
#include "probe/procfs.h"
#include "probe/pyenv.h"
#include "probe/root.h"

#define HEAD_BYTES	4096 /* of an executable: the kernel looks at 256 for #!, shims are below 1 kB */
#define LINE_MAX_BYTES	256  /* BINPRM_BUF_SIZE */
#define DIR_ENTRIES_MAX 8192
#define VENV_FILE_MAX	(64u << 10) /* pyvenv.cfg: a few lines */
#define LIBRARIES_MAX	256
#define ARGV_LOOK	16 /* arguments in which an interpreter may stand: timeout 5 python x */
#define PATH_DEFAULT	"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

#if defined(__x86_64__)
#define MULTIARCH "x86_64-linux-gnu"
#else
#define MULTIARCH "aarch64-linux-gnu"
#endif

static const char *const standard_dirs[] = {
	"/lib/" MULTIARCH, "/usr/lib/" MULTIARCH, "/lib64", "/usr/lib64", "/lib",
	"/usr/lib",	   "/usr/local/lib",
};

/* ---- paths ---- */

bool foresee_join(char out[FORESEE_PATH_MAX], struct str dir, struct str name)
{
	int n;

	if (memchr(dir.p ? dir.p : "", '\0', dir.n) || memchr(name.p ? name.p : "", '\0', name.n))
		return false;
	if (dir.n == 0)
		n = snprintf(out, FORESEE_PATH_MAX, "%.*s", STR_ARG(name));
	else
		n = snprintf(out, FORESEE_PATH_MAX, "%.*s/%.*s", STR_ARG(dir), STR_ARG(name));
	return n > 0 && n < FORESEE_PATH_MAX;
}

/* A path made absolute by the command's working directory. */
static bool absolute(const struct foresee *f, char out[FORESEE_PATH_MAX], struct str path)
{
	if (path.n > 0 && path.p[0] == '/')
		return foresee_join(out, STR_NONE, path);
	return foresee_join(out, str_of(f->request->cwd), path);
}

static bool is_listed(const struct buf *list, size_t skip, const char *path)
{
	struct str rest = buf_str(list), entry;

	while (procfs_next_string(&rest, &entry))
		if (str_eq(str_skip(entry, skip), str_of(path)))
			return true;
	return false;
}

static void tell(struct foresee *f, const char *path)
{
	if (is_listed(&f->told, 0, path))
		return;
	buf_add(&f->told, str_make(path, strlen(path) + 1));
	if (buf_err(&f->told) == 0)
		f->request->found(f->request->ctx, path);
}

static bool is_library_name(struct str name)
{
	return (str_starts(name, STR("libssl")) || str_starts(name, STR("libpython")) ||
		str_starts(name, STR("libnode"))) &&
	       str_has(name, STR(".so"));
}

void foresee_queue(struct foresee *f, const char *path, unsigned depth)
{
	if (depth > FORESEE_DEPTH_MAX || f->queued >= FORESEE_QUEUE_MAX || is_listed(&f->queue, 1, path))
		return;
	f->queued++;
	buf_add_char(&f->queue, (char)('0' + depth));
	buf_add(&f->queue, str_make(path, strlen(path) + 1));
}

/* Whether exec would take it, as far as modes say. */
static bool is_executable(const struct foresee *f, const char *path)
{
	struct stat st;

	autodrop(drop_fd) int fd = root_open_file(f->request->root, path);
	return fd >= 0 && fstat(fd, &st) == 0 && (st.st_mode & 0111);
}

bool foresee_queue_command(struct foresee *f, struct str name, const char *without, unsigned depth)
{
	struct str search = procfs_variable(f->request->env, STR("PATH"));
	char path[FORESEE_PATH_MAX], joined[FORESEE_PATH_MAX];

	if (name.n == 0)
		return false;
	if (str_find_char(name, '/') >= 0) {
		if (!absolute(f, path, name))
			return false;
		foresee_queue(f, path, depth);
		return true;
	}
	if (search.p == NULL)
		search = STR(PATH_DEFAULT);
	while (search.n > 0) {
		struct str dir;

		search = str_cut(search, ':', &dir);
		if (without && str_eq(dir, str_of(without)))
			continue;
		if (!foresee_join(joined, dir, name) || !absolute(f, path, str_of(joined)))
			continue;
		if (is_executable(f, path)) {
			foresee_queue(f, path, depth);
			return true;
		}
	}
	return false;
}

/* ---- libraries of a directory, of the linker's cache, of an ELF file ---- */

static void tell_directory(struct foresee *f, const char *path)
{
	autodrop(drop_dir) DIR *dir = root_open_dir(f->request->root, path);
	if (dir == NULL)
		return;
	for (unsigned i = 0; i < DIR_ENTRIES_MAX; i++) {
		char file[FORESEE_PATH_MAX];
		struct dirent *e = readdir(dir);

		if (e == NULL)
			return;
		if (is_library_name(str_of(e->d_name)) && foresee_join(file, str_of(path), str_of(e->d_name)))
			tell(f, file);
	}
}

static void tell_system(struct foresee *f)
{
	autodrop(buf_fini) struct buf file;
	struct ldcache cache;
	struct str name, path;

	buf_init(&file, LDCACHE_BYTES_MAX);
	if (root_read(f->request->root, LDCACHE_PATH, &file) < 0 || !ldcache_open(&cache, buf_str(&file))) {
		for (size_t i = 0; i < sizeof(standard_dirs) / sizeof(standard_dirs[0]); i++)
			tell_directory(f, standard_dirs[i]);
		return;
	}
	for (unsigned told = 0; told < LIBRARIES_MAX && ldcache_next(&cache, &name, &path);) {
		char z[FORESEE_PATH_MAX];

		if (!str_starts(name, STR("libssl.so")) || !foresee_join(z, STR_NONE, path))
			continue;
		tell(f, z);
		told++;
	}
}

/* Every directory of a colon list; $ORIGIN is `origin`. name: the library sought there; empty: any libssl. */
static void tell_search_path(struct foresee *f, struct str list, struct str origin, struct str name)
{
	while (list.n > 0) {
		char dir[FORESEE_PATH_MAX], file[FORESEE_PATH_MAX];
		struct str entry;
		bool fits;

		list = str_cut(list, ':', &entry);
		if (str_starts(entry, STR("$ORIGIN")) || str_starts(entry, STR("${ORIGIN}"))) {
			struct str tail = str_skip(entry, entry.p[1] == '{' ? 9 : 7);
			int n = snprintf(dir, sizeof(dir), "%.*s%.*s", STR_ARG(origin), STR_ARG(tail));

			fits = n > 0 && (size_t)n < sizeof(dir);
		} else {
			fits = absolute(f, dir, entry);
		}
		if (!fits)
			continue;
		if (name.n == 0) {
			tell_directory(f, dir);
			continue;
		}
		if (!foresee_join(file, str_of(dir), name))
			continue;
		autodrop(drop_fd) int fd = root_open_file(f->request->root, file);
		if (fd >= 0)
			tell(f, file);
	}
}

/* The libssl that the file names, where its own search path has it. The linker's cache is told anyhow. */
static void tell_needs(struct foresee *f, int fd, const char *path)
{
	autodrop(drop_elf_file) struct elf_file *elf = NULL;
	autodrop(elf_needs_fini) struct elf_needs needs = {0};
	struct str name;

	if (elf_open(&elf, fd) < 0 || elf_needs(elf, &needs) < 0)
		return;
	struct str rest = buf_str(&needs.needed);
	while (procfs_next_string(&rest, &name)) {
		if (!is_library_name(str_base_name(name)))
			continue;
		tell_search_path(f, str_of(needs.rpath), str_dir_name(str_of(path)), name);
		tell_search_path(f, str_of(needs.runpath), str_dir_name(str_of(path)), name);
	}
}

/* ---- Python ---- */

static bool is_python_name(struct str name)
{
	return str_starts(name, STR("python")) || str_starts(name, STR("pypy"));
}

/* The marker module: what it says before somebody listens is not heard. */
static void look_for_markers(struct foresee *f, struct str dir)
{
	char file[FORESEE_PATH_MAX], path[FORESEE_PATH_MAX];

	if (!foresee_join(file, dir.n ? dir : STR("."), STR("bottrace.py")) ||
	    !absolute(f, path, str_of(file)))
		return;
	autodrop(drop_fd) int fd = root_open_file(f->request->root, path);
	if (fd >= 0)
		tell(f, path);
}

static void look_at_modules(struct foresee *f, const char *path)
{
	autodrop(drop_dir) DIR *dir = root_open_dir(f->request->root, path);
	if (dir == NULL)
		return;
	for (unsigned i = 0; i < DIR_ENTRIES_MAX; i++) {
		char file[FORESEE_PATH_MAX];
		struct dirent *e = readdir(dir);

		if (e == NULL)
			return;
		struct str name = str_of(e->d_name);
		if ((str_starts(name, STR("_asyncio.")) || str_starts(name, STR("_queue."))) &&
		    foresee_join(file, str_of(path), name))
			tell(f, file);
		if (!str_starts(name, STR("_ssl.")) || !str_ends(name, STR(".so")) ||
		    !foresee_join(file, str_of(path), name))
			continue;
		autodrop(drop_fd) int fd = root_open_file(f->request->root, file);
		if (fd >= 0)
			tell_needs(f, fd, file);
	}
}

/* Wheels that bring TLS of their own: libssl in NAME.libs, where auditwheel puts it, and files known to carry it inside. Most
 * are used right after they are loaded, which is too late to begin looking. */
static void look_at_packages(struct foresee *f, const char *path)
{
	static const char *const carriers[] = {
		"cryptography/hazmat/bindings/_rust.abi3.so",
		"curl_cffi/_wrapper.abi3.so",
	};
	char file[FORESEE_PATH_MAX];

	look_for_markers(f, str_of(path));
	autodrop(drop_dir) DIR *dir = root_open_dir(f->request->root, path);
	if (dir == NULL)
		return;
	for (unsigned i = 0; i < DIR_ENTRIES_MAX; i++) {
		struct dirent *e = readdir(dir);

		if (e == NULL)
			break;
		if (str_ends(str_of(e->d_name), STR(".libs")) &&
		    foresee_join(file, str_of(path), str_of(e->d_name)))
			tell_directory(f, file);
	}
	for (size_t i = 0; i < sizeof(carriers) / sizeof(carriers[0]); i++) {
		if (!foresee_join(file, str_of(path), str_of(carriers[i])))
			continue;
		autodrop(drop_fd) int fd = root_open_file(f->request->root, file);
		if (fd >= 0)
			tell(f, file);
	}
}

/* PREFIX/lib/python3.N/{lib-dynload/_ssl.*.so,site-packages} and PREFIX/lib/libssl*.so*. */
static void look_at_prefix(struct foresee *f, struct str prefix)
{
	static const char *const libs[] = {"lib", "lib64"};

	for (size_t k = 0; k < 2; k++) {
		char lib[FORESEE_PATH_MAX];

		if (!foresee_join(lib, prefix, str_of(libs[k])))
			continue;
		autodrop(drop_dir) DIR *dir = root_open_dir(f->request->root, lib);
		for (unsigned i = 0; dir && i < DIR_ENTRIES_MAX; i++) {
			char path[FORESEE_PATH_MAX], modules[FORESEE_PATH_MAX];
			struct dirent *e = readdir(dir);

			if (e == NULL)
				break;
			struct str name = str_of(e->d_name);
			if (!foresee_join(path, str_of(lib), name))
				continue;
			if (is_library_name(name))
				tell(f, path);
			if (!str_starts(name, STR("python")))
				continue;
			if (foresee_join(modules, str_of(path), STR("lib-dynload")))
				look_at_modules(f, modules);
			if (foresee_join(modules, str_of(path), STR("site-packages")))
				look_at_packages(f, modules);
			if (foresee_join(modules, str_of(path), STR("dist-packages")))
				look_for_markers(f, str_of(modules));
		}
	}
}

/* `home = DIR` of the pyvenv.cfg beside or above an interpreter's directory (PEP 405). */
static void look_at_venv(struct foresee *f, struct str bin)
{
	struct str dirs[2] = {bin, str_dir_name(bin)};

	for (size_t i = 0; i < 2; i++) {
		autodrop(buf_fini) struct buf text;
		char path[FORESEE_PATH_MAX];

		buf_init(&text, VENV_FILE_MAX);
		if (!foresee_join(path, dirs[i], STR("pyvenv.cfg")) ||
		    root_read(f->request->root, path, &text) < 0)
			continue;
		struct str rest = buf_str(&text);
		while (rest.n > 0) {
			struct str line, key;

			rest = str_cut(rest, '\n', &line);
			struct str value = str_trim(str_cut(line, '=', &key));
			if (str_ieq(str_trim(key), STR("home")) && value.n > 1 && value.p[0] == '/')
				look_at_prefix(f, str_dir_name(value));
		}
	}
}

static void look_at_elf(struct foresee *f, int fd, const char *path)
{
	char real[FORESEE_PATH_MAX];

	/* The program itself: Node and static interpreters bring their own OpenSSL. */
	tell(f, path);
	tell_needs(f, fd, path);
	if (root_real_path(f->request->root, fd, real, sizeof(real)) < 0)
		real[0] = '\0';
	struct str given = str_of(path), found = str_of(real);
	if (!is_python_name(str_base_name(given)) && !is_python_name(str_base_name(found)))
		return;
	look_at_prefix(f, str_dir_name(str_dir_name(given)));
	if (found.n > 0 && !str_eq(found, given))
		look_at_prefix(f, str_dir_name(str_dir_name(found)));
	look_at_venv(f, str_dir_name(given));
}

/* ---- scripts ---- */

static bool next_word(struct str *rest, struct str *word)
{
	size_t n = 0;

	*rest = str_trim(*rest);
	while (n < rest->n && rest->p[n] != ' ' && rest->p[n] != '\t')
		n++;
	*word = str_head(*rest, n);
	*rest = str_skip(*rest, n);
	return n > 0;
}

/* What `env [-S] [-i] [NAME=value] command ...` runs. */
static void look_at_env(struct foresee *f, struct str args, unsigned depth)
{
	struct str word;

	while (next_word(&args, &word)) {
		if (str_starts(word, STR("-S")) && word.n > 2)
			word = str_skip(word, 2);
		else if (str_starts(word, STR("--split-string=")))
			word = str_skip(word, sizeof("--split-string=") - 1);
		else if (word.p[0] == '-' || str_find_char(word, '=') >= 0)
			continue;
		(void)foresee_queue_command(f, word, NULL, depth);
		return;
	}
}

static void look_at_script(struct foresee *f, const char *path, struct str head, unsigned depth)
{
	struct str line, word;
	char interpreter[FORESEE_PATH_MAX];

	(void)str_cut(str_head(head, LINE_MAX_BYTES), '\n', &line);
	line = str_skip(line, 2);
	if (!next_word(&line, &word))
		return;
	if (str_eq(str_base_name(word), STR("env")))
		look_at_env(f, line, depth + 1);
	if (absolute(f, interpreter, word))
		foresee_queue(f, interpreter, depth + 1);
	if (pyenv_is_shim(head))
		pyenv_queue(f, path, head, depth + 1);
}

static void look_at(struct foresee *f, const char *path, unsigned depth)
{
	char head[HEAD_BYTES];

	autodrop(drop_fd) int fd = root_open_file(f->request->root, path);
	if (fd < 0)
		return;
	ssize_t n = pread(fd, head, sizeof(head), 0);
	if (n >= 2 && memcmp(head, "#!", 2) == 0)
		look_at_script(f, path, str_make(head, (size_t)n), depth);
	else
		look_at_elf(f, fd, path);
}

/* ---- the command ---- */

static void queue_arguments(struct foresee *f)
{
	struct str rest = f->request->argv, word;

	for (unsigned i = 0; i < ARGV_LOOK && procfs_next_string(&rest, &word); i++)
		if (i > 0 && is_python_name(str_base_name(word)))
			(void)foresee_queue_command(f, word, NULL, 0);
	/* A shell, a launcher or a test runner most likely starts one of these. */
	(void)foresee_queue_command(f, STR("python3"), NULL, 0);
	(void)foresee_queue_command(f, STR("python"), NULL, 0);
}

/* Directories of sys.path that the command names: its script's, the working directory, PYTHONPATH. */
static void look_beside(struct foresee *f)
{
	struct str rest = f->request->argv, word;
	struct str path = procfs_variable(f->request->env, STR("PYTHONPATH"));

	for (unsigned i = 0; i < ARGV_LOOK && procfs_next_string(&rest, &word); i++)
		if (str_ends(word, STR(".py")))
			look_for_markers(f, str_find_char(word, '/') < 0 ? STR_NONE : str_dir_name(word));
	look_for_markers(f, STR_NONE);
	while (path.n > 0) {
		struct str dir;

		path = str_cut(path, ':', &dir);
		look_for_markers(f, dir);
	}
}

static void fini(struct foresee *f)
{
	buf_fini(&f->queue);
	buf_fini(&f->told);
}

int foresee_libraries(const struct foresee_request *request)
{
	autodrop(fini) struct foresee f = {.request = request};

	buf_init(&f.queue, FORESEE_QUEUE_MAX * (FORESEE_PATH_MAX + 2));
	buf_init(&f.told, LIBRARIES_MAX * FORESEE_PATH_MAX);
	tell_search_path(&f, procfs_variable(request->env, STR("LD_LIBRARY_PATH")), STR("/"), STR_NONE);
	(void)foresee_queue_command(&f, str_of(request->program), NULL, 0);
	queue_arguments(&f);
	struct str home = procfs_variable(request->env, STR("PYTHONHOME"));
	if (home.n > 0 && home.p[0] == '/')
		look_at_prefix(&f, home);
	/* The queue grows while it is walked: each entry is copied out. */
	for (size_t at = 0; at < f.queue.n;) {
		char path[FORESEE_PATH_MAX];
		unsigned depth = (unsigned)(f.queue.p[at] - '0');
		size_t n = strnlen(f.queue.p + at + 1, f.queue.n - at - 1);

		if (n >= sizeof(path))
			break;
		memcpy(path, f.queue.p + at + 1, n);
		path[n] = '\0';
		at += n + 2;
		look_at(&f, path, depth);
	}
	look_beside(&f);
	tell_system(&f);
	return buf_err(&f.queue) == -ENOMEM || buf_err(&f.told) == -ENOMEM ? -ENOMEM : 0;
}
