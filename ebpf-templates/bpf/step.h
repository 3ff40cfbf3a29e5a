/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Carrying out the instruction under a probe in the processor's stead. The kernel steps over an instruction only where the instruction
 * pointer is still at it (7.2, kernel/events/uprobes.c handle_swbp). Where memory cannot be read, all is left as it is, and stepped.
 */
#ifndef GOFUNCGRAPH_STEP_H
#define GOFUNCGRAPH_STEP_H

#include "flags.h"
#include "user.h"

/*
 * Several programs may stand at one site, of one tracer or of two: only the first may carry the instruction out, and the others have to know
 * where it stood (bpf_get_func_ip tells where the instruction pointer is now). In the frame of a breakpoint's exception orig_rax is -1: no
 * system call (arch/x86/entry/entry_64.S). What the kernel looks at is the lower half (syscall_get_nr), so the upper half can hold, as long
 * as this exception lasts, twice how far the instruction pointer was moved, which is never -1.
 */
static __always_inline int is_carried_out(struct pt_regs *ctx)
{
	return ctx->orig_rax >> 32 != 0xffffffff;
}

static __always_inline void note_carried_out(struct pt_regs *ctx, u64 site)
{
	if (ctx->rip != site)
		ctx->orig_rax = (ctx->rip - site) << 33 | 0xffffffff;
}

static __always_inline u64 carried_out_at(struct pt_regs *ctx)
{
	s32 moved = ctx->orig_rax >> 32;

	return ctx->rip - (moved >> 1);
}

static __always_inline int leaves_by_ret(u32 kind)
{
	return kind == SITE_RETURN || kind == SITE_ENTER_RETURN;
}

static __always_inline void do_ret(struct pt_regs *ctx)
{
	u64 to;

	if (!read_user(&to, ctx->rsp)) {
		ctx->rsp = ctx->rsp + 8;
		ctx->rip = to;
	}
}

#define EACH_REGISTER(X)                                                                \
	X(0, rax) X(1, rcx) X(2, rdx) X(3, rbx) X(4, rsp) X(5, rbp) X(6, rsi) X(7, rdi) \
	X(8, r8) X(9, r9) X(10, r10) X(11, r11) X(12, r12) X(13, r13) X(14, r14) X(15, r15)

static __noinline u64 get_register(struct pt_regs *ctx, u32 number)
{
#define GET(n, name) case n: return ctx->name;
	switch (number) {
		EACH_REGISTER(GET)
	case STEP_IP:
		return ctx->rip;
	}
#undef GET
	return 0;
}

static __noinline int set_register(struct pt_regs *ctx, u32 number, u64 value)
{
#define SET(n, name) case n: ctx->name = value; break;
	switch (number) {
		EACH_REGISTER(SET)
	}
#undef SET
	return 0;
}

static __noinline int do_step(struct pt_regs *ctx, u32 function)
{
	struct step *s = bpf_map_lookup_elem(&steps, &function);
	u64 from, to, flags = 0, loaded = 0;
	u32 bits;

	if (!s || !s->operation)
		return 0;
	bits = s->width == 8 ? 64 : 32;
	from = get_register(ctx, s->from) + s->value;
	to = get_register(ctx, s->to);
	switch (s->operation) {
	case OPERATION_SET:
		set_register(ctx, s->to, bits == 64 ? from : (u32)from);
		break;
	case OPERATION_LOAD:
		if (s->width == 8) {
			if (read_user(&loaded, from))
				return 0;
		} else if (s->width == 4) {
			if (read_user((u32 *)&loaded, from))
				return 0;
		} else if (s->width == 2) {
			if (read_user((u16 *)&loaded, from))
				return 0;
		} else if (read_user((u8 *)&loaded, from)) {
			return 0;
		}
		set_register(ctx, s->to, loaded);
		break;
	case OPERATION_CLEAR:
		set_register(ctx, s->to, 0);
		flags = flags_of(0, 64);
		break;
	case OPERATION_TEST:
		flags = flags_of(bits == 64 ? to : (u32)to, bits);
		break;
	case OPERATION_COMPARE:
		flags = compared(to, from, bits);
		break;
	default:
		return 0;
	}
	if (s->operation >= OPERATION_CLEAR)
		ctx->eflags = (ctx->eflags & ~(u64)FLAGS_ARITHMETIC) | flags;
	ctx->rip = ctx->rip + s->len;
	return 0;
}

#endif
