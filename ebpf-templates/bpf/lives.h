/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The runtime lends a goroutine to each thread that C has created and that calls Go (needm, runtime/proc.go). When the thread ends the next one
 * gets it, the same id and the same stack: calls that C ended the thread inside of stay on that stack for ever, and the next thread's lie
 * below them. Such a goroutine does not change threads otherwise.
 */
#ifndef GOFUNCGRAPH_LIVES_H
#define GOFUNCGRAPH_LIVES_H

#include "user.h"

/* The top of a lent goroutine's stack (oneNewExtraM, runtime/proc.go, and cgocallback, runtime/asm_amd64.s), but for four words. */
struct outermost {
	u64 callback; /* into runtime.cgocallback */
	u64 frame[4]; /* its own */
	u64 goexit;   /* where other goroutines' functions return to */
};
#define OUTERMOST_DEPTH (sizeof(struct outermost) + 4 * sizeof(u64))

/* If the goroutine is lent and another thread has it now: when the old one ended, as far as that is known. 0: it has not changed hands. */
static __noinline u64 changed_hands(const struct goroutine_key *key, struct goroutine *g, u64 stack_hi, u32 thread)
{
	struct thread_key before = { .image = key->image, .tid = g->thread };
	struct outermost outermost;

	if (read_user(&outermost, stack_hi - OUTERMOST_DEPTH))
		return 0;
	if (outermost.callback - outermost.goexit - config.callback >= config.callback_size) {
		g->thread = thread;
		return 0;
	}
	u64 *ended = bpf_map_lookup_elem(&threads, &before);
	/* A thread that ended before had the same id. */
	if (!ended || *ended < g->chunk.start_ns)
		return bpf_ktime_get_ns();
	return *ended;
}

#endif
