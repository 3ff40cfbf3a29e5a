/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* From a goroutine's state to the ring buffer: in one piece when its graph ends, in pieces when the buffer fills earlier. */
#ifndef GOFUNCGRAPH_SEND_H
#define GOFUNCGRAPH_SEND_H

#include "ring.h"
#include "values.h"
#include "aggregate.h"

/* Not static, like close_top: the verifier then looks at it once, and not once for each way that leads here. */
__noinline int send_calls(struct goroutine *g, u32 kind)
{
	u32 n;

	if (!g)
		return 0;
	n = g->chunk.count;
	if (n > CHUNK_CALLS_MAX)
		n = CHUNK_CALLS_MAX;
	g->chunk.kind = kind;
	if (bpf_ringbuf_output(&events, &g->chunk, sizeof(struct chunk) + n * sizeof(struct call), wakeup_flags())) {
		g->chunk.lost += n;
		count(COUNTER_LOST_RECORDS, n);
		if (kind != CHUNK_CALLS)
			count(COUNTER_LOST_GRAPHS, 1);
	} else {
		g->chunk.sent++;
	}
	g->chunk.count = 0;
	return 0;
}

static __always_inline void send_stack(const struct goroutine_key *key)
{
	struct stack *s = bpf_map_lookup_elem(&stacks, key);
	if (!s)
		return;
	u32 n = s->chunk.count;
	if (n > MAX_STACK)
		n = MAX_STACK;
	if (bpf_ringbuf_output(&events, s, sizeof(struct chunk) + n * sizeof(u64), BPF_RB_NO_WAKEUP))
		count(COUNTER_LOST_RECORDS, 1);
}

/* Counts this graph against the trace's limit; 0: it is one too many. */
static __always_inline int within_limit(u64 now)
{
	if (!config.limit)
		return 1;
	struct trace_state *t = trace_state();
	if (!t)
		return 1;
	u64 began = t->window_ns;
	/* Signed: another processor may have begun a window that is later than this call. */
	if (config.limit_per_ns && (s64)(now - began) >= (s64)config.limit_per_ns &&
	    __sync_val_compare_and_swap(&t->window_ns, began, now) == began)
		t->kept = 0;
	return __sync_fetch_and_add(&t->kept, 1) < config.limit;
}

/* Forgets a graph; what had been sent of it is taken back. */
static __always_inline void drop_graph(struct goroutine *g)
{
	g->chunk.count = 0;
	if (g->chunk.sent)
		send_calls(g, CHUNK_DISCARD);
}

static __always_inline void delete_state(struct goroutine *g, const struct goroutine_key *key)
{
	let_values_go(g);
	if (config.stack)
		bpf_map_delete_elem(&stacks, key);
	bpf_map_delete_elem(&goroutines, key);
}

/* What a generated function says of the graph that ends. */
static __always_inline u32 verdict(int decided)
{
	return decided == DECIDED_YES ? VERDICT_YES : decided == DECIDED_UNDECIDED ? VERDICT_UNDECIDED : VERDICT_NO;
}

/* All that is decided about a target's call at its return, of what belongs to this stage. */
static __always_inline void decide(struct bpf_user_pt_regs_t *ctx, struct goroutine *g, u64 duration, u32 stage)
{
	g->inputs.facts.duration = duration;
	g->inputs.facts.self_time = duration > g->inside_ns ? duration - g->inside_ns : 0;
	if (config.where_return == stage)
		g->decided = verdict(where_return(ctx, &g->inputs, 0));
	if (config.until == stage)
		g->until = until(ctx, &g->inputs, 0) == DECIDED_YES;
	if (g->decided == VERDICT_NO || g->keys)
		return;
	/* A call that did not return is counted where results do not matter. */
	if (config.aggregate == stage || (config.aggregate && stage == STAGE_ANY))
		capture_keys(ctx, g, config.aggregate == stage);
}

/* Does the condition hold, as far as there is one? */
static __always_inline int is_wanted(const struct goroutine *g)
{
	if (!config.where_return || g->decided == VERDICT_YES)
		return 1;
	if (g->decided != VERDICT_NO)
		count(COUNTER_UNDECIDED, 1);
	return 0;
}

static __always_inline int has_lasted(u64 duration)
{
	return duration >= config.min_ns && duration <= config.max_ns;
}

/* Is this graph later than the one with which until has ended the trace? */
static __always_inline int is_too_late(const struct goroutine *g)
{
	struct trace_state *t = config.until ? trace_state() : 0;

	if (!t)
		return 0;
	return g->until ? __sync_fetch_and_or(&t->ended, 1) & 1 : t->ended;
}

/*
 * The target's call has ended: keep its graph or not. The goroutine's state is gone afterwards. To be called from the outermost functions:
 * what is generated needs room on the stack.
 */
__noinline int finish_graph(struct bpf_user_pt_regs_t *ctx, struct goroutine *g, const struct goroutine_key *of, u64 now)
{
	if (!g || !of)
		return 0;
	/* Kernels before 6.12 take no key from an argument that points to memory. */
	struct goroutine_key copy = *of, *key = &copy;
	u64 duration = g->inputs.facts.duration;
	int lasted = has_lasted(duration);
	if (lasted && (config.where_return == STAGE_ANY || config.until == STAGE_ANY || (config.aggregate && !g->keys)))
		decide(ctx, g, duration, STAGE_ANY);
	if (lasted && is_wanted(g) && within_limit(now) && !is_too_late(g)) {
		count(COUNTER_GRAPHS, 1);
		if (config.aggregate)
			add_to_aggregates(g);
		if (config.no_graphs && !g->until) {
			drop_graph(g);
			delete_state(g, key);
			return 0;
		}
		if (config.stack)
			send_stack(key);
		struct trace_state *t = trace_state();
		if (t && t->unread_ns >= g->chunk.start_ns)
			g->chunk.flags |= CHUNK_UNREAD;
		if (g->until)
			g->chunk.flags |= CHUNK_UNTIL;
		struct values *v = values_of(g);
		if (v && v->used)
			send_values(g, v);
		send_calls(g, CHUNK_GRAPH);
	} else {
		count(COUNTER_FILTERED, 1);
		drop_graph(g);
	}
	delete_state(g, key);
	return 0;
}

/* Ends a graph that cannot be told rightly. */
static __always_inline void give_up_graph(struct goroutine *g, const struct goroutine_key *key)
{
	count(COUNTER_LOST_GRAPHS, 1);
	drop_graph(g);
	delete_state(g, key);
}

#endif
