/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The proof of chosen sites: known bytes are moved through the same library file, by a child without rights
 * (shuttle.h), under probes of our own, and what these saw is compared with what must have come. What was learnt is
 * kept by build-id and sites.
 */
#ifndef PROBE_TRIAL_H
#define PROBE_TRIAL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "probe/site.h"

enum trial_verdict {
	TRIAL_NONE = 0, /* nothing to prove: every probe is at its symbol */
	TRIAL_UNPROVEN, /* it could not be tried */
	TRIAL_PASSED,
	TRIAL_WITNESSED, /* it could not be tried, but the sockets of a traced process bore the probes out */
	TRIAL_FAILED,	 /* the sites are not to be used */
};

struct trial {
	int ssl_fd;
	int root;	  /* root_open: where libcrypto is sought */
	const char *path; /* of libssl inside root */
	uint32_t pid;	  /* whose library it is; 0: nobody's yet */
	const uint8_t *build_id;
	const struct site *sites;
	size_t count;
};

/* *why: a constant, the reason when it neither passed nor was there anything to prove, else NULL. *word: the child's last one,
 * where it said one. */
enum trial_verdict trial_run(const struct trial *t, const char **why, uint8_t *word);
/* The same, or what an earlier trial of the same code said. */
enum trial_verdict trial_get(const struct trial *t, const char **why);
/* Keeps that real bytes bore the sites out. */
void trial_keep_witness(const uint8_t *build_id, const struct site *sites, size_t count);
/* "passed", "witnessed", "failed", "unproven"; NULL for TRIAL_NONE. */
const char *trial_word(enum trial_verdict verdict);

#endif
