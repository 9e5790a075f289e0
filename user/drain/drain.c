/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The drain thread: ring -> queue. It sleeps when the ring is empty, and says so in the shared page, so that a busy
 * kernel side never pays for a wake-up. While the queue is full, half the ring is its extension; what does not fit
 * then becomes a WIRE_DRAIN_LOSS; when even the queue's reserve is full, it leaves records in the ring, where the
 * kernel counts what finds no room: either way each lost byte has its place and cause.
 */
#include "drain/drain.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>

#include "drain/queue.h"
#include "drain/ring.h"

#define BATCH	 64  /* records between two looks at the rest of the world */
#define SLEEP_MS 500 /* a lost wake-up costs at most this */
/* As long as each look finds records we nap before the next instead of asking to be woken: a wake-up costs the traced
 * process more than its probe, and us two changes of thread for each record. Briefly while they come fast, since what
 * is learnt from them should reach the kernel soon; else so long as nobody who reads along would notice. */
#define NAP_MS	    2
#define NAP_RECORDS 8
#define GATHER_MS   40
#define FULL_MS	    5 /* between two tries while the reserve is full */
#define BUSY_NS	    50000
/* One second: a program that was killed while it wrote cannot exist, but do not hang. */
#define BUSY_STOP_TRIES 20000

struct drain {
	struct drain_settings settings;
	struct ring ring;
	struct queue *queue;
	int stop_fd;
	int epoll_fd;
	pthread_t thread;
	bool running;
	atomic_bool stopping;
	/* counted by the thread, read by anybody */
	atomic_uint_fast64_t consumed, malformed, dropped, dropped_events, wakeups;
	uint64_t delivered; /* worker's */
};

/* ---- one record ---- */

static struct wire_drain_loss loss_of(const struct wire_tls_data *d)
{
	struct wire_drain_loss l = {
		.head = d->head,
		.conn = d->conn,
		.offset = d->offset,
		.call_len = d->call_len,
		.call_off = d->call_off,
		.len = d->len,
		.dir = d->dir,
		.cause = WIRE_CAUSE_QUEUE_FULL,
		.hole_cause = d->hole_cause,
		.skipped = d->skipped,
	};

	l.head.size = sizeof(l);
	l.head.kind = WIRE_DRAIN_LOSS;
	return l;
}

/* False: there is no room, the record must stay where it is. */
static bool move(struct drain *d, const struct wire_head *rec)
{
	bool stopping = atomic_load(&d->stopping);
	/* At the end the ring's content bounds what can still come, and nobody empties the queue meanwhile. */
	enum queue_class class = stopping ? QUEUE_ALWAYS : QUEUE_RESERVE;
	int r;

	if (rec->kind != WIRE_TLS_DATA) {
		r = queue_add(d->queue, rec, class);
		if (r == -ENOMEM && stopping)
			atomic_fetch_add(&d->dropped_events, 1);
		return r == 0 || (r == -ENOMEM && stopping);
	}
	if (queue_add(d->queue, rec, stopping ? QUEUE_ALWAYS : QUEUE_ORDINARY) == 0)
		return true;
	/* The ring's free half is the queue's extension. Of the other half nothing may be kept waiting: a full ring loses
	 * what cannot be told again, the births and ends of processes. */
	if (!stopping && ring_used_bytes(&d->ring) < d->ring.size / 2)
		return false;
	struct wire_drain_loss loss = loss_of((const struct wire_tls_data *)rec);
	r = queue_add(d->queue, &loss.head, class);
	if (r < 0 && !(r == -ENOMEM && stopping))
		return false;
	atomic_fetch_add(&d->dropped, 1);
	return true;
}

enum outcome { DRAINED, MORE, BUSY, FULL };

/* Moves up to BATCH records. */
static enum outcome move_batch(struct drain *d)
{
	const void *slot;
	size_t slot_bytes;

	for (int i = 0; i < BATCH; i++) {
		enum ring_state state = ring_get(&d->ring, &slot, &slot_bytes);

		if (state == RING_EMPTY)
			return DRAINED;
		if (state == RING_BUSY)
			return BUSY;
		/* A slot may be longer than its record: reservations come in a few sizes. */
		const struct wire_head *rec = slot;
		bool good = state == RING_RECORD && slot_bytes >= sizeof(*rec) && rec->size <= slot_bytes &&
			    drain_valid(rec, rec->size);
		if (good && !move(d, rec))
			return FULL;
		if (!good)
			atomic_fetch_add_explicit(&d->malformed, 1, memory_order_relaxed);
		atomic_fetch_add_explicit(&d->consumed, 1, memory_order_relaxed);
		ring_remove(&d->ring);
	}
	return MORE;
}

/* ---- the thread ---- */

static void sleep_until_woken(struct drain *d)
{
	struct epoll_event events[2];

	/*
	 * The kernel side reserves, then looks at `sleeping`; we set it, then look for reservations. With both in
	 * sequential order one of us sees the other, and a record that is not yet committed keeps us awake.
	 */
	__atomic_store_n(&d->settings.shared->sleeping, 1, __ATOMIC_SEQ_CST);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (ring_is_empty(&d->ring) && !atomic_load(&d->stopping))
		(void)epoll_wait(d->epoll_fd, events, 2, SLEEP_MS);
	__atomic_store_n(&d->settings.shared->sleeping, 0, __ATOMIC_SEQ_CST);
	atomic_fetch_add_explicit(&d->wakeups, 1, memory_order_relaxed);
}

/* How long to nap before the next look; 0: nothing has come since the last one. */
static int nap_ms(struct drain *d, uint_fast64_t *seen)
{
	uint_fast64_t before = *seen;

	*seen = atomic_load_explicit(&d->consumed, memory_order_relaxed);
	return *seen == before ? 0 : *seen - before >= NAP_RECORDS ? NAP_MS : GATHER_MS;
}

static void *run(void *arg)
{
	struct drain *d = arg;
	struct pollfd stop = {.fd = d->stop_fd, .events = POLLIN};
	const struct timespec busy = {.tv_nsec = BUSY_NS};
	struct epoll_event events[2];
	int busy_tries = 0;
	uint_fast64_t seen = 0;

	for (;;) {
		/* Asked before looking into the ring: what was in it by then is moved before we end. */
		bool stopping = atomic_load(&d->stopping);
		enum outcome o = move_batch(d);

		queue_flush(d->queue);
		if (o == BUSY) {
			if (stopping && ++busy_tries > BUSY_STOP_TRIES)
				return NULL;
			nanosleep(&busy, NULL);
			continue;
		}
		busy_tries = 0;
		if (o == FULL)
			(void)poll(&stop, 1, FULL_MS);
		else if (o == DRAINED && stopping)
			return NULL;
		if (o != DRAINED)
			continue;
		int ms = nap_ms(d, &seen);
		if (ms)
			(void)epoll_wait(d->epoll_fd, events, 2, ms); /* an eighth of the ring wakes us too */
		else
			sleep_until_woken(d);
	}
}

/* ---- life ---- */

static int watch(struct drain *d)
{
	struct epoll_event stop = {.events = EPOLLIN};
	/* One return per wake-up: what the ring holds is known from its positions, and read before each sleep. */
	struct epoll_event ring = {.events = EPOLLIN | EPOLLET};

	d->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	d->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (d->epoll_fd < 0 || d->stop_fd < 0 ||
	    epoll_ctl(d->epoll_fd, EPOLL_CTL_ADD, d->stop_fd, &stop) < 0 ||
	    epoll_ctl(d->epoll_fd, EPOLL_CTL_ADD, d->settings.ring_fd, &ring) < 0)
		return -errno;
	return 0;
}

/* Signals are for the worker. */
static int start(struct drain *d)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	int r = pthread_create(&d->thread, NULL, run, d);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	d->running = r == 0;
	return -r;
}

static void release(struct drain *d)
{
	queue_free(d->queue);
	if (d->stop_fd >= 0)
		close(d->stop_fd);
	if (d->epoll_fd >= 0)
		close(d->epoll_fd);
	free(d);
}

struct drain *drain_new_on(const struct drain_settings *settings, const struct ring *ring)
{
	struct drain *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return NULL;
	d->settings = *settings;
	d->ring = *ring;
	d->stop_fd = d->epoll_fd = -1;
	d->queue = queue_new(settings->queue_bytes);
	int r = d->queue ? watch(d) : -errno;
	if (r == 0)
		r = start(d);
	if (r == 0)
		return d;
	release(d);
	errno = -r;
	return NULL;
}

struct drain *drain_new(const struct drain_settings *settings)
{
	struct ring ring = {0};
	int r = ring_open(&ring, settings->ring_fd, settings->ring_bytes);

	if (r < 0) {
		errno = -r;
		return NULL;
	}
	struct drain *d = drain_new_on(settings, &ring);
	if (d == NULL) {
		r = errno;
		ring_close(&ring);
		errno = r;
	}
	return d;
}

int drain_event_fd(const struct drain *d)
{
	return queue_event_fd(d->queue);
}

size_t drain_feed(struct drain *d, drain_record_fn *fn, void *ctx, size_t max_records)
{
	size_t n = 0;

	while (n < max_records) {
		const struct wire_head *rec = queue_take(d->queue);

		if (rec == NULL)
			break;
		d->delivered++;
		n++;
		fn(ctx, rec);
	}
	return n;
}

void drain_stop(struct drain *d)
{
	static const uint64_t one = 1;

	if (!d->running)
		return;
	atomic_store(&d->stopping, true);
	while (write(d->stop_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
	pthread_join(d->thread, NULL);
	d->running = false;
}

struct drain_stats drain_stats(const struct drain *d)
{
	return (struct drain_stats){
		.consumed = atomic_load(&d->consumed),
		.malformed = atomic_load(&d->malformed),
		.delivered = d->delivered,
		.dropped = atomic_load(&d->dropped),
		.dropped_events = atomic_load(&d->dropped_events),
		.wakeups = atomic_load(&d->wakeups),
	};
}

void drain_free(struct drain *d)
{
	if (d == NULL)
		return;
	drain_stop(d);
	ring_close(&d->ring);
	release(d);
}
