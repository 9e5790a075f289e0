/* SPDX-License-Identifier: BSD-2-Clause */
#include "flow/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

/* Linux's numbers, as on the wire of a record: a tape says the same everywhere. */
#define FAMILY_IPV4 2
#define FAMILY_IPV6 10

void address_format(uint16_t family, const uint8_t *bytes, uint16_t port, char out[ADDRESS_BYTES])
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	char text[INET6_ADDRSTRLEN] = "";

	out[0] = '\0';
	if (family == FAMILY_IPV6 && memcmp(bytes, mapped, sizeof(mapped)) == 0) {
		family = FAMILY_IPV4;
		bytes += sizeof(mapped);
	}
	if (family == FAMILY_IPV4 && inet_ntop(AF_INET, bytes, text, sizeof(text)))
		(void)snprintf(out, ADDRESS_BYTES, "%s:%u", text, port);
	else if (family == FAMILY_IPV6 && inet_ntop(AF_INET6, bytes, text, sizeof(text)))
		(void)snprintf(out, ADDRESS_BYTES, "[%s]:%u", text, port);
}

void address_format_ino(enum wire_transport transport, uint64_t ino, char out[ADDRESS_BYTES])
{
	out[0] = '\0';
	if (ino != 0)
		(void)snprintf(out, ADDRESS_BYTES, "%s:[%llu]", transport == WIRE_PIPE ? "pipe" : "socket",
			       (unsigned long long)ino);
}
