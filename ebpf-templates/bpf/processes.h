/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Processes that have been in a graph: here, so that their ends are noticed (lifetime.bpf.c) and user space can look after them. */
#ifndef GOFUNCGRAPH_PROCESSES_H
#define GOFUNCGRAPH_PROCESSES_H

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_PROCESSES);
	__type(key, struct process_key);
	__type(value, struct process);
} processes SEC(".maps");

#endif
