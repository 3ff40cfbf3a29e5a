/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Which processes have which inodes mapped to run code from. An inode is told by its address in the kernel, as the kernel does when it puts
 * probes into processes: on an overlay file system the numbers that user space sees do not tell.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "layout.h"

#define VM_EXEC 4

struct file {
	void *f_inode;
} __attribute__((preserve_access_index));

struct vm_area_struct {
	unsigned long vm_start;
	unsigned long vm_flags;
	struct file *vm_file;
} __attribute__((preserve_access_index));

struct upid {
	int nr;
	void *ns;
};

struct pid {
	unsigned int level;
	struct upid numbers[1];
} __attribute__((preserve_access_index));

struct task_struct {
	int tgid;
	struct task_struct *group_leader;
	struct pid *thread_pid;
} __attribute__((preserve_access_index));

/* A mapping of a file in a process; src/layout/process.rs says the same. */
struct mapped {
	u64 inode; /* where the kernel has it: the same for the same one, as long as somebody has it open */
	u64 start; /* in the process */
	u32 tgid;  /* in the tracer's namespace */
	u32 runs;  /* its code may run there; other mappings are told of the tracer only */
};

/* The kernel's, as far as it is needed. */
struct bpf_iter_meta {
	struct seq_file *seq;
};

struct bpf_iter__task_vma {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	struct vm_area_struct *vma;
};

SEC("iter/task_vma")
int mapped(struct bpf_iter__task_vma *ctx)
{
	struct task_struct *me = bpf_get_current_task_btf();
	struct vm_area_struct *vma = ctx->vma;
	struct task_struct *task = ctx->task;
	struct mapped mapped = {};
	struct file *file;
	struct pid *pid;

	if (!task || !vma)
		return 0;
	file = vma->vm_file;
	if (!file)
		return 0;
	mapped.runs = !!(vma->vm_flags & VM_EXEC);
	/* The reader looks up its own mappings, whatever they are for. */
	if (!mapped.runs && task->tgid != me->tgid)
		return 0;
	mapped.inode = (u64)file->f_inode;
	mapped.start = vma->vm_start;
	/* In the reader's namespace, as all that is iterated over. */
	pid = task->group_leader->thread_pid;
	if (bpf_probe_read_kernel(&mapped.tgid, sizeof(mapped.tgid),
				  (void *)&pid->numbers[0].nr + me->thread_pid->level * sizeof(struct upid)))
		return 0;
	bpf_seq_write(ctx->meta->seq, &mapped, sizeof(mapped));
	return 0;
}

char _license[] SEC("license") = "Dual MIT/GPL";
