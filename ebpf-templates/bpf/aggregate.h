/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Counting kept graphs by keys, where nobody has to read them one by one. */
#ifndef GOFUNCGRAPH_AGGREGATE_H
#define GOFUNCGRAPH_AGGREGATE_H

#define AGGREGATION_SHIFT COOKIE_FUNCTION_BITS /* of the aggregation in facts.function, above the function */

/* Captures value and keys of each aggregation; without `returned` of none that needs results. */
static __always_inline void capture_keys(struct bpf_user_pt_regs_t *ctx, struct goroutine *g, u32 returned)
{
	struct values *v = values_of(g);
	u64 function = g->inputs.facts.function;
	u32 i;

	if (!v)
		return;
	for (i = 0; i < MAX_AGGREGATIONS; i++) {
		if (i >= config.aggregation_count)
			break;
		__builtin_memset(&v->keys[i].bytes, 0, AGGREGATE_KEY);
		if (!returned && config.aggregations[i].results) {
			*(u64 *)v->keys[i].bytes.bytes = 1;
			continue;
		}
		g->inputs.facts.function = function | (u64)i << AGGREGATION_SHIFT;
		aggregate(ctx, &g->inputs, &v->keys[i].bytes);
	}
	g->inputs.facts.function = function;
	g->keys = 1;
}

/* n for 2^(n-1) <= value < 2^n, 0 for 0, -n for negative ones. */
static __always_inline s64 power(s64 value)
{
	u64 rest = value < 0 ? -(u64)value : value;
	s64 n = 0;

#define HALVE(bits)                        \
	if (rest >> bits) {                \
		n += bits;                 \
		rest >>= bits;             \
	}
	HALVE(32)
	HALVE(16)
	HALVE(8)
	HALVE(4)
	HALVE(2)
	HALVE(1)
#undef HALVE
	n += rest;
	return value < 0 ? -n : n;
}

static __always_inline s64 bucket_of(const volatile struct aggregation_config *a, s64 value)
{
	s64 high;
	u64 bucket;

	switch (a->kind) {
	case AGGREGATION_HISTOGRAM:
		return power(value);
	case AGGREGATION_LINEAR:
		if (value < a->low)
			return -1;
		high = value < a->high ? value : a->high;
		if (!a->step)
			return 0;
		bucket = ((u64)high - (u64)a->low) / a->step;
		/* What is above the steps is behind the last of them, which may be a shorter one. */
		return bucket + (value >= a->high && bucket * a->step != (u64)high - (u64)a->low);
	}
	return 0;
}

#define NOT_READ 1
#define NO_ROOM 2

/* Counts this graph once; not 0: why it could not. */
static __noinline int add_to_aggregate(struct values *v, u32 index)
{
	struct aggregate_key *key = &v->keys[index & (MAX_AGGREGATIONS - 1)];
	const volatile struct aggregation_config *a = &config.aggregations[index & (MAX_AGGREGATIONS - 1)];
	struct trace_state *t = trace_state();
	struct aggregate *there;
	u64 epoch = t ? t->epochs[index & (MAX_AGGREGATIONS - 1)] : 0;
	s64 value = 0, upper;

	if (*(u64 *)key->bytes.bytes)
		return NOT_READ;
	if (a->kind != AGGREGATION_COUNT) {
		value = *(s64 *)(key->bytes.bytes + 8);
		*(s64 *)(key->bytes.bytes + 8) = 0;
	}
	key->trace = config.trace;
	key->aggregation = index;
	key->bucket = bucket_of(a, value);
	there = bpf_map_lookup_elem(&aggregates, key);
	if (!there) {
		v->first.count = 0;
		v->first.sum = 0;
		v->first.upper = 0;
		v->first.min = value;
		v->first.max = value;
		v->first.epoch = epoch;
		bpf_map_update_elem(&aggregates, key, &v->first, BPF_NOEXIST);
		there = bpf_map_lookup_elem(&aggregates, key);
		if (!there)
			return NO_ROOM;
	}
	/* The entry is this processor's, where another thread can take its turn in between all the same. */
	if (!there->count || there->epoch != epoch) {
		there->min = value;
		there->max = value;
		there->epoch = epoch;
	} else if (value < there->min) {
		there->min = value;
	} else if (value > there->max) {
		there->max = value;
	}
	upper = (value >> 32) + ((value >> 31) & 1);
	if (upper)
		__sync_fetch_and_add(&there->upper, upper);
	__sync_fetch_and_add(&there->sum, value);
	__sync_fetch_and_add(&there->count, 1);
	return 0;
}

static __always_inline void add_to_aggregates(struct goroutine *g)
{
	struct values *v = values_of(g);
	u32 i, failed = 0;

	if (!v || !g->keys) {
		count(v ? COUNTER_UNDECIDED : COUNTER_NO_ROOM, 1);
		return;
	}
	for (i = 0; i < MAX_AGGREGATIONS; i++)
		if (i < config.aggregation_count)
			failed |= add_to_aggregate(v, i);
	/* Calls are counted, however many aggregates miss one. */
	if (failed & NOT_READ)
		count(COUNTER_UNDECIDED, 1);
	if (failed & NO_ROOM)
		count(COUNTER_AGGREGATES_FULL, 1);
}

#endif
