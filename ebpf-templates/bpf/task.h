/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* What is looked at of the kernel's own structs, as far as they are needed here; the loader puts this kernel's offsets in. */
#ifndef GOFUNCGRAPH_TASK_H
#define GOFUNCGRAPH_TASK_H

typedef struct {
	int counter;
} __attribute__((preserve_access_index)) atomic_t;

struct thread_struct {
	unsigned long fsbase;
} __attribute__((preserve_access_index));

struct signal_struct {
	atomic_t live;
} __attribute__((preserve_access_index));

struct task_struct {
	struct task_struct *group_leader;
	struct signal_struct *signal;
	u64 start_boottime;
	u64 self_exec_id;
	struct thread_struct thread;
} __attribute__((preserve_access_index));

/*
 * Which program of which process this is: see struct process_key. A thread has its process's exec count, since it is copied when the thread
 * is created, and exec ends all other threads (fs/exec.c, begin_new_exec).
 */
static __always_inline u64 image_before(struct task_struct *task, u64 execs)
{
	return (task->group_leader->start_boottime & ~IMAGE_EXECS) | ((task->self_exec_id - execs) & IMAGE_EXECS);
}

static __always_inline u64 current_image(void)
{
	return image_before(bpf_get_current_task_btf(), 0);
}

#endif
