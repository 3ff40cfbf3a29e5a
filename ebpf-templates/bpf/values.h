/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* What is captured of calls: kept aside until the graph's fate is decided, sent before it. */
#ifndef GOFUNCGRAPH_VALUES_H
#define GOFUNCGRAPH_VALUES_H

/* The number of the one bit that is set. */
static __always_inline u32 bit_number(u64 bit)
{
	u32 n = 0;

	n += bit & 0xffffffff00000000ull ? 32 : 0;
	n += bit & 0xffff0000ffff0000ull ? 16 : 0;
	n += bit & 0xff00ff00ff00ff00ull ? 8 : 0;
	n += bit & 0xf0f0f0f0f0f0f0f0ull ? 4 : 0;
	n += bit & 0xccccccccccccccccull ? 2 : 0;
	n += bit & 0xaaaaaaaaaaaaaaaaull ? 1 : 0;
	return n;
}

/* Times that all rooms are gone through: another one may always have been quicker. */
#define ROOMS_ROUNDS 4

/* Finds room for this goroutine's values, wherever there is some. Processors begin at different words. */
static __noinline int take_values(struct goroutine *g)
{
	u32 first = bpf_get_smp_processor_id(), i, at;

	for (i = 0; i < ROOMS * ROOMS_ROUNDS; i++) {
		if (i >= config.rooms * ROOMS_ROUNDS)
			break;
		at = (first + i) & (config.rooms - 1);
		u64 *taken = bpf_map_lookup_elem(&rooms, &at);
		if (!taken)
			break;
		u64 free = ~*taken & (*taken + 1); /* the lowest bit that is 0 */
		if (!free || __sync_fetch_and_or(taken, free) & free)
			continue;
		u32 slot = at * 64 + bit_number(free);
		struct values *v = bpf_map_lookup_elem(&values, &slot);
		if (!v)
			break;
		v->used = 0;
		v->records = 0;
		g->slot = slot + 1;
		return 0;
	}
	g->chunk.flags |= CHUNK_NO_ROOM;
	return 0;
}

static __always_inline struct values *values_of(const struct goroutine *g)
{
	u32 slot = g->slot - 1;

	return g->slot ? bpf_map_lookup_elem(&values, &slot) : 0;
}

static __noinline int let_values_go(struct goroutine *g)
{
	u32 slot = g->slot - 1, at = slot / 64;
	u64 *taken = g->slot ? bpf_map_lookup_elem(&rooms, &at) : 0;

	if (taken)
		__sync_fetch_and_and(taken, ~(1ull << (slot % 64)));
	g->slot = 0;
	return 0;
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
