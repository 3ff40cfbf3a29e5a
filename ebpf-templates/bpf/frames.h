/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The open calls of a goroutine. A frame is identified by its depth, the distance of its return address from the top of the
 * goroutine's stack, which stays the same when the stack is copied to grow or shrink.
 */
#ifndef GOFUNCGRAPH_FRAMES_H
#define GOFUNCGRAPH_FRAMES_H

/* Apart from its callers, whose stack room is short. */
static __noinline struct frame *deep_frame(const struct goroutine_key *key, u32 level)
{
	struct deep_key k = { .goroutine = *key, .level = level };
	return bpf_map_lookup_elem(&deep_frames, &k);
}

static __always_inline struct frame *frame_at(struct goroutine *g, const struct goroutine_key *key, u32 level)
{
	if (level < INLINE_FRAMES) {
		keep_mask(level);
		return &g->frames[level & (INLINE_FRAMES - 1)];
	}
	return deep_frame(key, level);
}

/* Makes room for one more frame; 0: there is none, and the call is counted where it is missing. */
static __noinline struct frame *push_frame(struct goroutine *g, const struct goroutine_key *key)
{
	u32 level = g->level;

	if (level < INLINE_FRAMES) {
		g->level = level + 1;
		keep_mask(level);
		return &g->frames[level & (INLINE_FRAMES - 1)];
	}
	if (level < MAX_FRAMES) {
		struct deep_key k = { .goroutine = *key, .level = level };
		struct frame f = {};
		if (!bpf_map_update_elem(&deep_frames, &k, &f, BPF_ANY)) {
			g->level = level + 1;
			return bpf_map_lookup_elem(&deep_frames, &k);
		}
	}
	struct frame *top = frame_at(g, key, level - 1);
	if (top)
		top->missing++;
	g->chunk.missing++;
	count(COUNTER_MISSING_CALLS, 1);
	return 0;
}

/* Ends the innermost frame; 1: it was the target's, and the graph is to be finished. ~0 as offset: it was unwound. */
__noinline int close_top(struct goroutine *g, const struct goroutine_key *of, u64 now, u32 return_offset)
{
	if (!g || !of)
		return 0;
	struct goroutine_key copy = *of, *key = &copy;
	u32 level = g->level - 1;
	if (level >= MAX_FRAMES)
		return 0;
	g->level = level;
	struct frame *f = frame_at(g, key, level);
	if (!f) {
		g->chunk.lost++;
		count(COUNTER_LOST_RECORDS, 1);
		return 0;
	}
	u64 duration = now - f->entry_ns;
	if (level == 1)
		g->inside_ns += duration;
	if (!level || (duration >= config.prune_ns && !config.no_graphs)) {
		u32 n = g->chunk.count;
		if (n >= CHUNK_CALLS_MAX) {
			send_calls(g, CHUNK_CALLS);
			n = 0;
		}
		struct call *c = &g->calls[n];
		c->entry_ns = f->entry_ns;
		c->duration_ns = duration;
		c->caller_pc = f->caller_pc;
		c->function = f->function;
		c->return_offset = return_offset;
		c->missing = f->missing;
		c->level = level;
		c->exit = return_offset == ~0u ? EXIT_UNWOUND : EXIT_RETURN;
		c->unused = 0;
		c->hits = g->hits - f->hits;
		c->stepped = g->stepped - f->stepped;
		g->chunk.count = n + 1;
	}
	if (level >= INLINE_FRAMES) {
		struct deep_key k = { .goroutine = *key, .level = level };
		bpf_map_delete_elem(&deep_frames, &k);
	}
	if (level)
		return 0;
	g->inputs.facts.duration = duration;
	return 1;
}

/* What has become of a graph. FINISHED_TARGET: the target's call has ended, and the graph is to be finished. */
enum finished { FINISHED_NOT = 0, FINISHED_TARGET = 1, FINISHED_GIVEN_UP = 2 };

/* Which frames are dead, and since when. */
struct leave {
	struct goroutine *g;
	const struct goroutine_key *key;
	u64 now;
	u32 depth;    /* frames deeper than this are dead, */
	u32 replaced; /* and, if not 0, those as deep that have not jumped into another function */
	u32 finished; /* enum finished */
	u32 unused;
};

/* One step of unwinding; 1: done. */
static __noinline long unwind_step(u32 i, struct leave *l)
{
	struct goroutine *g = l->g;
	u32 level = g->level - 1;

	if (l->finished || level >= MAX_FRAMES)
		return 1;
	struct frame *top = frame_at(g, l->key, level);
	if (top && top->depth < l->depth)
		return 1;
	if (top && top->depth == l->depth && (!l->replaced || top->flags & FRAME_TAIL))
		return 1;
	if (!close_top(g, l->key, l->now, ~0u))
		return 0;
	l->finished = FINISHED_TARGET;
	return 1;
}

#define UNWIND_WITHOUT_LOOP 64

/* Ends the frames that are dead, as struct leave says it, as unwound. Apart from its callers, whose stack room is short. */
static __noinline u32 unwind(struct goroutine *g, const struct goroutine_key *key, u64 now, u32 depth, u32 replaced)
{
	struct leave l = { .g = g, .key = key, .now = now, .depth = depth, .replaced = replaced };
	int i;

	if (unwind_step(0, &l))
		return l.finished;
	if (config.have_loop) {
		bpf_loop(MAX_FRAMES, unwind_step, &l, 0);
		return l.finished;
	}
	for (i = 0; i < UNWIND_WITHOUT_LOOP; i++)
		if (unwind_step(0, &l))
			return l.finished;
	/* Too many for this kernel: what remains would stand in the way of all later calls, so the whole graph is given up. */
	give_up_graph(g, key);
	return FINISHED_GIVEN_UP;
}

#endif
