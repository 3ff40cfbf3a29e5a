/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Counting kept graphs by keys, where nobody has to read them one by one. */
#ifndef GOFUNCGRAPH_AGGREGATE_H
#define GOFUNCGRAPH_AGGREGATE_H

#define AGGREGATION_SHIFT COOKIE_FUNCTION_BITS /* of the aggregation in facts.function, above the function */

/* Captures value and keys of each aggregation. */
static __always_inline void capture_keys(struct bpf_user_pt_regs_t *ctx, struct goroutine *g)
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

	switch (a->kind) {
	case AGGREGATION_HISTOGRAM:
		return power(value);
	case AGGREGATION_LINEAR:
		if (value < a->low)
			return -1;
		high = value < a->high ? value : a->high;
		if (!a->step)
			return 0;
		if (value >= a->high)
			return ((u64)high - (u64)a->low + a->step - 1) / a->step;
		return ((u64)high - (u64)a->low) / a->step;
	}
	return 0;
}

/* Counts this graph once. */
static __noinline int add_to_aggregate(struct values *v, u32 index)
{
	struct aggregate_key *key = &v->keys[index & (MAX_AGGREGATIONS - 1)];
	const volatile struct aggregation_config *a = &config.aggregations[index & (MAX_AGGREGATIONS - 1)];
	struct trace_state *t = trace_state();
	struct aggregate *there;
	u64 epoch = t ? t->epochs[index & (MAX_AGGREGATIONS - 1)] : 0;
	s64 value = 0;

	if (*(u64 *)key->bytes.bytes) {
		count(COUNTER_UNDECIDED, 1);
		return 0;
	}
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
		v->first.min = value;
		v->first.max = value;
		v->first.epoch = epoch;
		bpf_map_update_elem(&aggregates, key, &v->first, BPF_NOEXIST);
		there = bpf_map_lookup_elem(&aggregates, key);
		if (!there) {
			count(COUNTER_AGGREGATES_FULL, 1);
			return 0;
		}
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
	__sync_fetch_and_add(&there->sum, value);
	__sync_fetch_and_add(&there->count, 1);
	return 0;
}

static __always_inline void add_to_aggregates(struct goroutine *g)
{
	struct values *v = values_of(g);
	u32 i;

	if (!v || !g->keys) {
		count(v ? COUNTER_UNDECIDED : COUNTER_LOST_VALUES, 1);
		return;
	}
	for (i = 0; i < MAX_AGGREGATIONS; i++)
		if (i < config.aggregation_count)
			add_to_aggregate(v, i);
}

#endif
