/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * When processes and their threads end, and when processes become another program: noted for those that have been in a graph, at the moment
 * when it happens. No instruction of the old program runs after it.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "layout.h"
#include "task.h"
#include "processes.h"

static __always_inline void ends(u64 image, u32 end)
{
	struct process_key key = { .tgid = bpf_get_current_pid_tgid() >> 32, .image = image };
	struct process *p = bpf_map_lookup_elem(&processes, &key);

	if (!p || p->end)
		return;
	p->ended_ns = bpf_ktime_get_ns();
	/* Says that the time is there: not before it is. */
	__sync_val_compare_and_swap(&p->end, END_NOT, end);
}

static __always_inline void thread_ends(u64 image)
{
	u64 pid_tgid = bpf_get_current_pid_tgid(), now = bpf_ktime_get_ns();
	struct process_key process = { .tgid = pid_tgid >> 32, .image = image };
	struct thread_key thread = { .tid = pid_tgid, .image = image };

	if (bpf_map_lookup_elem(&processes, &process))
		bpf_map_update_elem(&threads, &thread, &now, BPF_ANY);
}

/* A thread ends; with the last one its process does. */
SEC("raw_tp/sched_process_exit")
int process_exits(void *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();

	/* do_exit has counted this thread out before. */
	if (task->signal->live.counter) {
		thread_ends(image_before(task, 0));
		return 0;
	}
	ends(image_before(task, 0), END_EXIT);
	/* An exec that fails halfway ends the process too, when its old program is gone already. */
	ends(image_before(task, 1), END_EXIT);
	return 0;
}

SEC("raw_tp/sched_process_exec")
int process_execs(void *ctx)
{
	ends(image_before(bpf_get_current_task_btf(), 1), END_EXEC);
	return 0;
}

char _license[] SEC("license") = "Dual MIT/GPL";
