/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* A hit of a site: what its cookie says, and whose it is. */
#ifndef GOFUNCGRAPH_EVENT_H
#define GOFUNCGRAPH_EVENT_H

#include "flags.h"
#include "user.h"

/* runtime.g.stack, with which runtime.g begins in every Go version from 1.19 on */
struct stack_bounds {
	u64 lo;
	u64 hi;
};

struct event {
	struct goroutine_key key;
	struct stack_bounds stack; /* of the goroutine; 0: not read yet */
	u64 cookie;
	u64 g;
	u64 ip;  /* address of the site, and … */
	u64 rsp; /* stack pointer before its instruction, though another program may have carried that out */
	u32 tid;
	u32 depth;
	u32 function;
	u8 kind;
	u8 stepped; /* the kernel single-steps the instruction */
	u8 admitted; /* where has been asked, and does not speak against it */
};

#define COOKIE_FUNCTION_SHIFT 0
#define cookie_field(cookie, name) ((u32)((cookie) >> COOKIE_##name##_SHIFT) & ((1u << COOKIE_##name##_BITS) - 1))

/* The jump at the site does not go the way that the site stands for. */
static __always_inline int goes_elsewhere(u64 cookie, u64 flags)
{
	u32 when = cookie_field(cookie, WHEN);

	if (when == WHEN_ALWAYS || when == WHEN_CARRY_OUT)
		return 0;
	return condition_holds(cookie_field(cookie, CONDITION), flags) != (when == WHEN_TAKEN);
}

/* Takes g from its thread-local word; not 0: it cannot be read. */
static __always_inline long read_g(struct event *e)
{
	struct task_struct *task = bpf_get_current_task_btf();
	u64 offset = config.tls_offset;
	u32 function = e->function;

	if (config.tls_word) {
		u64 *start = bpf_map_lookup_elem(&starts, &function);
		if (!start)
			return 1;
		u64 bias = e->ip - *start - cookie_field(e->cookie, OFFSET);
		if (read_user(&offset, config.tls_word + bias))
			return 1;
	}
	return read_user(&e->g, task->thread.fsbase + offset);
}

/* What was taken for g is one if the stack pointer is in its stack; 0: it is none, or cannot be read. */
static __always_inline int is_g(struct event *e)
{
	return !read_user(&e->stack, e->g) && e->stack.lo < e->rsp && e->rsp < e->stack.hi && e->stack.hi - e->rsp <= 1u << 31;
}

#endif
