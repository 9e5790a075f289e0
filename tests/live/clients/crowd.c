// SPDX-License-Identifier: BSD-2-Clause
/* Threads that write lines of JSON-RPC into one pipe at once: crowd LINES THREADS BYTES. A child reads them. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int ends[2];
static long lines, size;

static void *say(void *unused)
{
	static const char head[] = "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\",\"params\":{\"a\":\"";
	char *line = malloc((size_t)size);

	(void)unused;
	if (!line)
		exit(1);
	memset(line, 'x', (size_t)size);
	memcpy(line, head, sizeof(head) - 1);
	memcpy(line + size - 4, "\"}}\n", 4);
	for (long i = 0; i < lines; i++)
		if (write(ends[1], line, (size_t)size) != size)
			exit(1);
	free(line);
	return NULL;
}

static void hear(void)
{
	static char buffer[65536];
	long sum = 0, n;

	close(ends[1]);
	while ((n = read(ends[0], buffer, sizeof(buffer))) > 0)
		sum += n;
	printf("read %ld\n", sum);
}

int main(int argc, char **argv)
{
	pthread_t threads[64];
	int count = argc == 4 ? atoi(argv[2]) : 0;

	if (count < 1 || count > 64 || pipe(ends))
		return 1;
	lines = atol(argv[1]);
	size = atol(argv[3]);
	if (size < 70)
		return 1;
	pid_t child = fork();
	if (child == 0) {
		hear();
		return 0;
	}
	close(ends[0]);
	for (int i = 0; i < count; i++)
		if (pthread_create(&threads[i], NULL, say, NULL))
			return 1;
	for (int i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	close(ends[1]);
	waitpid(child, NULL, 0);
	return 0;
}
