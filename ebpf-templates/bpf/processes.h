/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Processes that have been in a graph: here, so that their ends, and those of their threads, are noticed (lifetime.bpf.c) and user space can
 * look after them.
 */
#ifndef GOFUNCGRAPH_PROCESSES_H
#define GOFUNCGRAPH_PROCESSES_H

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_PROCESSES);
	__type(key, struct process_key);
	__type(value, struct process);
} processes SEC(".maps");

/* When threads of those processes ended, the last ones. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MAX_THREADS);
	__type(key, struct thread_key);
	__type(value, u64);
} threads SEC(".maps");

#endif
