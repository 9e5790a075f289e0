/* SPDX-License-Identifier: BSD-2-Clause */
/* Bounded readers of /proc/PID. All of it is a stranger's text: names hold any byte, files change while read. */
#ifndef PROBE_PROCFS_H
#define PROBE_PROCFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/drop.h"
#include "base/str.h"

#define PROCFS_PATH_MAX	      4096
#define PROCFS_MAPS_MAX	      (16u << 20)
#define PROCFS_ENVIRON_MAX    (1u << 20)
#define PROCFS_STATUS_MAX     (64u << 10) /* its lists of groups and processors can be long */
#define PROCFS_MAP_FILE_BYTES 96u	  /* "/proc/PID/map_files/START-END" */
#define PROCFS_TICK_NS \
	10000000ull /* of stat's start time: USER_HZ is 100 on every architecture we build for */
#define PROCFS_PF_KTHREAD 0x00200000u /* stat's flags: no user side */

struct procfs_stat {
	uint32_t pid;
	uint32_t parent_pid;
	uint32_t flags;	      /* PF_* */
	char state;	      /* R S D Z T X ... */
	char comm[17];	      /* as the kernel keeps it: 15 bytes, any but NUL */
	uint64_t start_ticks; /* since boot, boot-time clock of the reader's time namespace */
};

struct procfs_mapping {
	uint64_t start, end;
	uint64_t offset; /* in the file */
	uint64_t ino;	 /* 0: no file */
	uint32_t dev_major, dev_minor;
	bool executable;
	bool deleted;	 /* the path named it once */
	struct str path; /* borrowed; newlines are written \012; empty: anonymous */
};

/* The path that opens the file behind a mapping, whatever has its name by now. */
void procfs_map_file(char out[PROCFS_MAP_FILE_BYTES], uint32_t pid, const struct procfs_mapping *m);
/* The parsers. 0, -EBADMSG. */
int procfs_parse_stat(struct str text, struct procfs_stat *out) MUST_CHECK;
/* The next well-formed line of maps text; false at the end. Others are skipped. */
bool procfs_next_mapping(struct str *rest, struct procfs_mapping *out);
/* The next entry of a block of NUL-terminated strings (cmdline, environ); false at the end. */
bool procfs_next_string(struct str *rest, struct str *out);
/* The value of NAME=value in such a block; p NULL when it is not there. */
struct str procfs_variable(struct str block, struct str name);
/* The number after "Name:" in status text, in `base`; false when it is not there. */
bool procfs_status_field(struct str text, struct str name, unsigned base, uint64_t *out);

/* Appends /proc/PID/NAME, at most out->max bytes of it: 0 whole, 1 cut there; -ESRCH, -EACCES, ... */
int procfs_read(uint32_t pid, const char *name, struct buf *out) MUST_CHECK;
int procfs_stat(uint32_t pid, struct procfs_stat *out) MUST_CHECK;
/* The target of the symbolic link, NUL-terminated, without " (deleted)". Its length; -ENAMETOOLONG, -ESRCH, ... */
int procfs_link(uint32_t pid, const char *name, char *out, size_t size) MUST_CHECK;
/* Device and inode of a file that a link of /proc/PID names. */
int procfs_identity(uint32_t pid, const char *name, dev_t *dev, ino_t *ino) MUST_CHECK;
/* 64, 32; 0: not an ELF program, or no right to look. */
unsigned procfs_bits(uint32_t pid);

#endif
