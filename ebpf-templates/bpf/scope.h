/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* What a trace is narrowed to: processes, threads by their names, goroutines, and a part of the calls. */
#ifndef GOFUNCGRAPH_SCOPE_H
#define GOFUNCGRAPH_SCOPE_H

static __always_inline int in_scope(u32 tgid)
{
	u32 i;

	if (!config.pid_count)
		return 1;
	for (i = 0; i < MAX_SCOPE; i++)
		if (i < config.pid_count && config.pids[i] == tgid)
			return 1;
	return 0;
}

static __always_inline int comm_in_scope(void)
{
	char comm[COMM_LEN] = {};
	u32 i, j;

	if (!config.comm_count)
		return 1;
	bpf_get_current_comm(comm, sizeof(comm));
	for (i = 0; i < MAX_SCOPE; i++) {
		int same = 1;
		if (i >= config.comm_count)
			break;
		for (j = 0; j < COMM_LEN; j++)
			same &= comm[j] == config.comms[i][j];
		if (same)
			return 1;
	}
	return 0;
}

static __always_inline int goroutine_in_scope(u64 goid)
{
	u32 i;

	if (!config.goroutine_count)
		return 1;
	for (i = 0; i < MAX_SCOPE; i++)
		if (i < config.goroutine_count && config.goroutines[i] == goid)
			return 1;
	return 0;
}

/* sample, an exhausted limit and a fulfilled until leave whole graphs out. */
static __always_inline int sampled(void)
{
	if (config.sample <= 1 && !config.limit && !config.until)
		return 1;
	struct trace_state *t = trace_state();
	if (!t)
		return 1;
	if (config.limit && !config.limit_per_ns && t->kept >= config.limit)
		return 0;
	if (config.until && t->ended)
		return 0;
	return config.sample <= 1 || __sync_fetch_and_add(&t->sampled, 1) % config.sample == 0;
}

#endif
