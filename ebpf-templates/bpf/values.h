/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* What is captured of calls: kept aside until the graph's fate is decided, sent before it. */
#ifndef GOFUNCGRAPH_VALUES_H
#define GOFUNCGRAPH_VALUES_H

/* Tries made to find a place. */
#define VALUES_TRIES 8

/* Finds a place for this goroutine's values. Without one they are counted as lost. */
static __always_inline void take_values(struct goroutine *g, const struct goroutine_key *key)
{
	u64 owner = 1ull << 63 | ((u64)key->tgid << 40 ^ key->goid << 6 ^ key->trace);
	u32 i, slot;

	for (i = 0; i < VALUES_TRIES; i++) {
		slot = ((u32)key->goid * 8 + key->trace + i) & config.values_mask;
		struct values *v = bpf_map_lookup_elem(&values, &slot);
		if (v && !v->owner && !__sync_val_compare_and_swap(&v->owner, 0, owner)) {
			v->used = 0;
			v->records = 0;
			g->slot = slot + 1;
			return;
		}
	}
}

static __always_inline struct values *values_of(const struct goroutine *g)
{
	u32 slot = g->slot - 1;

	return g->slot ? bpf_map_lookup_elem(&values, &slot) : 0;
}

static __always_inline void let_values_go(struct goroutine *g)
{
	struct values *v = values_of(g);

	if (v)
		v->owner = 0;
	g->slot = 0;
}

/* Not static: see send_calls. */
__noinline int send_values(struct goroutine *g, struct values *v)
{
	u32 n;

	if (!g || !v)
		return 0;
	n = v->used;
	if (n > sizeof(v->bytes))
		n = sizeof(v->bytes);
	v->chunk = g->chunk;
	v->chunk.kind = CHUNK_VALUES;
	v->chunk.count = n;
	if (bpf_ringbuf_output(&events, &v->chunk, sizeof(struct chunk) + n, wakeup_flags())) {
		g->chunk.lost_values += v->records;
		count(COUNTER_LOST_VALUES, v->records);
	} else {
		g->chunk.sent++;
	}
	v->used = 0;
	v->records = 0;
	return 0;
}

/* Where the next capture goes; 0: there is no room. */
static __always_inline struct values_header *next_values(struct goroutine *g, struct values *v)
{
	u32 used = v->used;

	if (used > VALUES_FULL) {
		send_values(g, v);
		used = 0;
	}
	keep_mask(used);
	if (used > VALUES_FULL)
		return 0;
	return (struct values_header *)(v->bytes + used);
}

static __always_inline void no_values(struct goroutine *g)
{
	g->chunk.lost_values++;
	count(COUNTER_LOST_VALUES, 1);
}

static __always_inline void tell_capture(struct values_header *h, u32 function, u32 level, u32 moment, u32 size)
{
	h->function = function;
	h->level = level;
	h->moment = moment;
	h->unused = 0;
	h->size = size;
	h->unused2 = 0;
}

static __noinline int end_capture(struct values *v, const struct values_header *h)
{
	v->used += sizeof(*h) + h->size;
	v->records++;
	return 0;
}

#endif
