/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The maps. User space sets max_entries of the large ones before loading; all instances of the program share them. */
#ifndef GOFUNCGRAPH_MAPS_H
#define GOFUNCGRAPH_MAPS_H

#include "processes.h"

const volatile struct config config = {};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 24);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct goroutine_key);
	__type(value, struct goroutine);
} goroutines SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct deep_key);
	__type(value, struct frame);
} deep_frames SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct goroutine_key);
	__type(value, struct stack);
} stacks SEC(".maps");

/* What a new entry is copied from; never written. Too large for the program's own stack. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct goroutine);
} empty SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_TRACES);
	__type(key, u32);
	__type(value, struct trace_state);
} traces SEC(".maps");

/* By function: instructions at entry sites that the program can carry out. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct step);
} steps SEC(".maps");

/*
 * Holds nothing, and is there to be named in a tail call that never happens: since Linux 6.13 the frames of such programs as ours lie in
 * memory that each processor has once (kernel/bpf/verifier.c bpf_enable_priv_stack), but not where a program has tail calls. A uprobe program
 * can be preempted, or sleep, and another thread's would overwrite its frames. Where it sleeps, user space has it name no map.
 */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(u32));
	__uint(value_size, sizeof(u32));
} no_programs SEC(".maps");

/* What each function's probes have been hit, by trace: index config.first_hit + function. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct hits);
} hits SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct last_call_key);
	__type(value, struct last_call);
} last_calls SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct values);
} values SEC(".maps");

/* A bit for each entry of values: 1, it is somebody's. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64);
} rooms SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 1);
	__type(key, struct aggregate_key);
	__type(value, struct aggregate);
} aggregates SEC(".maps");

/* By function: the link-time address of its entry site. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64);
} entries SEC(".maps");

/* By function: the link-time address of its first instruction. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64);
} starts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, COUNTER_MAX);
	__type(key, u32);
	__type(value, u64);
} counters SEC(".maps");

static __always_inline struct trace_state *trace_state(void)
{
	u32 trace = config.trace;
	return bpf_map_lookup_elem(&traces, &trace);
}

static __always_inline void count(u32 counter, u64 n)
{
	u64 *v = bpf_map_lookup_elem(&counters, &counter);
	if (v)
		__sync_fetch_and_add(v, n);
}

#endif
