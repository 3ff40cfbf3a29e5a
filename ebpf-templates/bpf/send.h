/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* From a goroutine's state to the ring buffer: in one piece when its graph ends, in pieces when the buffer fills earlier. */
#ifndef GOFUNCGRAPH_SEND_H
#define GOFUNCGRAPH_SEND_H

/* A wake-up costs an interrupt on the target's CPU, so the reader polls and is woken only when much waits. */
static __always_inline u64 wakeup_flags(void)
{
	return bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) >= config.wakeup_bytes ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP;
}

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
	bpf_ringbuf_output(&events, s, sizeof(struct chunk) + n * sizeof(u64), BPF_RB_NO_WAKEUP);
}

/* Counts this graph against the trace's limit; 0: it is one too many. */
static __always_inline int within_limit(u64 now)
{
	if (!config.limit)
		return 1;
	struct trace_state *t = trace_state();
	if (!t)
		return 1;
	if (config.limit_per_ns && now - t->window_ns >= config.limit_per_ns) {
		t->window_ns = now;
		t->kept = 0;
	}
	return __sync_fetch_and_add(&t->kept, 1) < config.limit;
}

/* Forgets a graph; what had been sent of it is taken back. */
static __always_inline void drop_graph(struct goroutine *g)
{
	g->chunk.count = 0;
	if (g->chunk.sent)
		send_calls(g, CHUNK_DISCARD);
}

static __always_inline void delete_state(const struct goroutine_key *key)
{
	if (config.stack)
		bpf_map_delete_elem(&stacks, key);
	bpf_map_delete_elem(&goroutines, key);
}

/* The target's call has ended: keep its graph or not. The goroutine's state is gone afterwards. */
__noinline int finish_graph(struct goroutine *g, const struct goroutine_key *of, u64 duration, u64 now)
{
	if (!g || !of)
		return 0;
	/* Kernels before 6.12 take no key from an argument that points to memory. */
	struct goroutine_key copy = *of, *key = &copy;
	if (duration >= config.min_ns && duration <= config.max_ns && within_limit(now)) {
		if (config.stack)
			send_stack(key);
		count(COUNTER_GRAPHS, 1);
		struct trace_state *t = trace_state();
		if (t && t->unread_ns >= g->chunk.start_ns)
			g->chunk.flags = CHUNK_UNREAD;
		send_calls(g, CHUNK_GRAPH);
	} else {
		count(COUNTER_FILTERED, 1);
		drop_graph(g);
	}
	delete_state(key);
	return 0;
}

/* Ends a graph that cannot be told rightly. */
static __always_inline void give_up_graph(struct goroutine *g, const struct goroutine_key *key)
{
	count(COUNTER_LOST_GRAPHS, 1);
	drop_graph(g);
	delete_state(key);
}

#endif
