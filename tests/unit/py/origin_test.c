/* SPDX-License-Identifier: BSD-2-Clause */
/* Whose code a file is. */
#include "py/origin.h"

#include "harness.h"

#define SITE "/home/me/venv/lib/python3.11/site-packages/"

static void is(const struct origin *o, const char *file, enum py_origin want)
{
	enum py_origin got = origin_of(o, str_of(file));

	if (got != want)
		fail_msg("%s: %d, not %d", file, got, want);
}

static void files(void **state)
{
	const struct origin o = {0};

	(void)state;
	is(&o, "", PY_ORIGIN_UNKNOWN);
	is(&o, "/home/me/agent.py", PY_ORIGIN_USER);
	is(&o, "agent.py", PY_ORIGIN_USER);
	is(&o, "/usr/lib/python3.11/ssl.py", PY_ORIGIN_STDLIB);
	is(&o, "/usr/lib64/python3.9/asyncio/tasks.py", PY_ORIGIN_STDLIB);
	is(&o, "/opt/t/lib/python3.13t/threading.py", PY_ORIGIN_STDLIB);
	is(&o, "/usr/lib/python312.zip/ssl.py", PY_ORIGIN_STDLIB);
	is(&o, SITE "httpx/_client.py", PY_ORIGIN_PACKAGE);
	is(&o, "/usr/lib/python3/dist-packages/requests/api.py", PY_ORIGIN_PACKAGE);
	is(&o, "/usr/local/lib/python3.11/dist-packages/six.py", PY_ORIGIN_PACKAGE);
	is(&o, "site-packages/six.py", PY_ORIGIN_PACKAGE);
	is(&o, "/x/site-packages/site-packages/six.py", PY_ORIGIN_PACKAGE);
	/* Look-alikes. */
	is(&o, "/home/me/my-site-packages/agent.py", PY_ORIGIN_USER);
	is(&o, "/home/me/site-packages.py", PY_ORIGIN_USER);
	is(&o, "/home/me/lib/python3/agent.py", PY_ORIGIN_USER);
	is(&o, "/home/me/lib/python3.x/agent.py", PY_ORIGIN_USER);
	is(&o, "/home/me/lib/python3.11x/agent.py", PY_ORIGIN_USER);
	is(&o, "/home/me/python3.11/agent.py", PY_ORIGIN_USER);
	is(&o, "/home/me/mylib/python3.11", PY_ORIGIN_USER);
	is(&o, "/home/me/lib/python3.11", PY_ORIGIN_USER);
	is(&o, "/home/me/python3x.zip/agent.py", PY_ORIGIN_USER);
	is(&o, "/srv/python3/lib/python3.12/ssl.py", PY_ORIGIN_STDLIB);
	is(&o, "/python3/python3.12/python3", PY_ORIGIN_USER);
}

static void no_files(void **state)
{
	const struct origin o = {0}, text = {.text = true};

	(void)state;
	is(&o, "<frozen runpy>", PY_ORIGIN_STDLIB);
	is(&o, "<frozen importlib._bootstrap>", PY_ORIGIN_STDLIB);
	is(&o, "<string>", PY_ORIGIN_GENERATED);
	is(&text, "<string>", PY_ORIGIN_USER);
	is(&o, "<stdin>", PY_ORIGIN_USER);
	is(&o, "<python-input-3>", PY_ORIGIN_USER);
	is(&o, "<ipython-input-1-0a1b>", PY_ORIGIN_USER);
	is(&o, "<attrs generated init agent.Agent>", PY_ORIGIN_GENERATED);
	is(&text, "<lambdifygenerated-1>", PY_ORIGIN_GENERATED);
	is(&o, "<", PY_ORIGIN_GENERATED);
}

static void main_package(void **state)
{
	struct origin o = {.package = STR("crew")};

	(void)state;
	is(&o, SITE "crew/cli.py", PY_ORIGIN_USER);
	is(&o, SITE "crew.py", PY_ORIGIN_USER);
	is(&o, SITE "crewai/cli.py", PY_ORIGIN_PACKAGE);
	is(&o, SITE "x/crew/cli.py", PY_ORIGIN_PACKAGE);
	is(&o, SITE "crew", PY_ORIGIN_PACKAGE);
	is(&o, SITE "crew.pyx", PY_ORIGIN_PACKAGE);
	o.package = STR("google/adk");
	is(&o, SITE "google/adk/cli/main.py", PY_ORIGIN_USER);
	is(&o, SITE "google/genai/client.py", PY_ORIGIN_PACKAGE);
}

static void stdlib(const char *file, const char *function, const char *want)
{
	struct str dir = origin_stdlib(str_of(file), str_of(function));

	harness_assert_text(file, dir.p ? dir : STR("-"), str_of(want));
}

static void learned(void **state)
{
	struct origin o = {.stdlib = STR("/opt/odd/std/")};

	(void)state;
	is(&o, "/opt/odd/std/ssl.py", PY_ORIGIN_STDLIB);
	is(&o, "/opt/odd/agent.py", PY_ORIGIN_USER);
	is(&o, "/opt/odd/std/site-packages/httpx/a.py", PY_ORIGIN_PACKAGE);
	stdlib("/opt/odd/std/threading.py", "Thread._bootstrap", "/opt/odd/std/");
	stdlib("/opt/odd/std/threading.py", "_bootstrap_inner", "/opt/odd/std/");
	stdlib("/opt/odd/std/asyncio/base_events.py", "BaseEventLoop.run_forever", "/opt/odd/std/");
	stdlib("/opt/odd/std/http/client.py", "HTTPConnection.send", "/opt/odd/std/");
	stdlib("/opt/odd/std/ssl.py", "SSLObject.write", "/opt/odd/std/");
	stdlib("/opt/odd/std/ssl.py", "SSLObject.rewrite", "-");
	stdlib("/opt/odd/std/ssl.py", "SSLObject.read", "-");
	stdlib("/opt/odd/std/myssl.py", "SSLObject.write", "-");
	stdlib("/client.py", "send", "-");
	stdlib("/http/client.py", "send", "-"); /* all would be below it */
	stdlib("http/client.py", "send", "-");
	stdlib(SITE "gevent/threading.py", "_bootstrap", "-");
	stdlib("", "send", "-");
}

static void package(struct str (*of)(const char *, char *), const char *what, const char *want)
{
	char out[ORIGIN_NAME_MAX];
	struct str got = of(what, out);

	harness_assert_text(what, got.n ? got : STR("-"), str_of(want));
}

static struct str of_file(const char *file, char *out)
{
	return str_make(out, origin_package(str_of(file), out));
}

static struct str of_module(const char *name, char *out)
{
	return str_make(out, origin_module(str_of(name), out));
}

static void packages(void **state)
{
	char longer[ORIGIN_NAME_MAX + 40];

	(void)state;
	package(of_file, SITE "crew/cli/__main__.py", "crew");
	package(of_file, SITE "tool.py", "tool");
	package(of_file, SITE "google/adk/__main__.py", "google/adk");
	package(of_file, SITE "google", "google");
	package(of_file, "/home/me/agent.py", "-");
	package(of_file, SITE, "-");
	package(of_module, "crew.cli.cli", "crew");
	package(of_module, "crew", "crew");
	package(of_module, "google.adk.cli", "google/adk");
	package(of_module, "opentelemetry.instrumentation", "opentelemetry/instrumentation");
	package(of_module, "", "-");
	memset(longer, 'a', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	package(of_module, longer, "-");
	memcpy(longer, "/site-packages/", 15);
	package(of_file, longer, "-");
}

struct line {
	const char *args[6];
	enum origin_main kind;
	const char *what;
};

static void command_lines(void **state)
{
	static const struct line lines[] = {
		{{"python3", "agent.py", "-m", "x"}, ORIGIN_MAIN_FILE, "agent.py"},
		{{"python3", "-m", "crew.cli", "run"}, ORIGIN_MAIN_MODULE, "crew.cli"},
		{{"python3", "-mcrew", "run"}, ORIGIN_MAIN_MODULE, "crew"},
		{{"python3", "-uBm", "crew", "run"}, ORIGIN_MAIN_MODULE, "crew"},
		{{"python3", "-W", "error", "-X", "dev", "a.py"}, ORIGIN_MAIN_FILE, "a.py"},
		{{"python3", "-Werror", "-Xdev", "-Im", "a"}, ORIGIN_MAIN_MODULE, "a"},
		{{"python3", "--check-hash-based-pycs", "always", "a.py"}, ORIGIN_MAIN_FILE, "a.py"},
		{{"python3", "--help-all", "a.py"}, ORIGIN_MAIN_FILE, "a.py"},
		{{"python3", "-c", "print(1)", "-m", "x"}, ORIGIN_MAIN_TEXT, "print(1)"},
		{{"python3", "-"}, ORIGIN_MAIN_NONE, ""},
		{{"python3", "-m"}, ORIGIN_MAIN_NONE, ""},
		{{"python3", "-c"}, ORIGIN_MAIN_NONE, ""},
		{{"python3", "-i"}, ORIGIN_MAIN_NONE, ""},
		{{"python3", "-X"}, ORIGIN_MAIN_NONE, ""},
		{{"python3", ""}, ORIGIN_MAIN_FILE, ""},
		{{"python3"}, ORIGIN_MAIN_NONE, ""},
		{{NULL}, ORIGIN_MAIN_NONE, ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct str argv[6], what = STR("");
		uint32_t argc = 0;

		while (argc < 6 && lines[i].args[argc]) {
			argv[argc] = str_of(lines[i].args[argc]);
			argc++;
		}
		assert_int_equal(origin_main(argv, argc, &what), lines[i].kind);
		if (lines[i].kind != ORIGIN_MAIN_NONE)
			harness_assert_text("what", what, str_of(lines[i].what));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files),   cmocka_unit_test(no_files), cmocka_unit_test(main_package),
		cmocka_unit_test(learned), cmocka_unit_test(packages), cmocka_unit_test(command_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
