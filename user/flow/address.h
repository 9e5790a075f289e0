/* SPDX-License-Identifier: BSD-2-Clause */
/* Socket addresses as people write them. */
#ifndef FLOW_ADDRESS_H
#define FLOW_ADDRESS_H

#include <stdint.h>

#include "wire.h"

#define ADDRESS_BYTES 56 /* "[" + 45 + "]:65535" and a NUL, and some */

/* "10.0.0.7:51822", "[::1]:443"; IPv4 in IPv6 as IPv4; family 0 (unknown): "". bytes: network order, 16. */
void address_format(uint16_t family, const uint8_t *bytes, uint16_t port, char out[ADDRESS_BYTES]);

/* As the links in /proc/PID/fd name it: "pipe:[4711]", "socket:[4712]"; "" for number 0. */
void address_format_ino(enum wire_transport transport, uint64_t ino, char out[ADDRESS_BYTES]);

#endif
