/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Functions that the compiler generates for a trace (compiler/src/predicate/generate.rs). Here are stubs: user space finds each by its
 * mark, and puts the generated code in its place. Where config does not say that there is one, it is never called.
 */
#ifndef GOFUNCGRAPH_GENERATED_H
#define GOFUNCGRAPH_GENERATED_H

/*
 * The kernel tells by this name that a function that is not static is given the program's context: up to Linux 6.2 btf_get_prog_ctx_type in
 * kernel/bpf/btf.c compares it with the typedef of include/uapi/linux/bpf_perf_event.h.
 */
struct bpf_user_pt_regs_t {
	struct pt_regs registers;
};

#define context(ctx) ((struct bpf_user_pt_regs_t *)(ctx))

/*
 * Nothing may be known of what a stub does, or the compiler would build upon it. None is static, so that the verifier goes through what is
 * generated once, and not once for each way that leads there.
 */
#define GENERATED(name, mark, given, taken)                                                      \
	__noinline int name(struct bpf_user_pt_regs_t *ctx, struct given *facts, struct taken *to) \
	{                                                                                          \
		int result = mark;                                                                 \
		asm volatile("" : "+r"(result) : "r"(ctx), "r"(facts), "r"(to) : "memory");       \
		return result;                                                                     \
	}

/* The marks are those of Stub in ../src/layout/generated.rs. */
GENERATED(where_entry, 0x6f670001, facts, captured)
GENERATED(keep, 0x6f670002, facts, kept)
GENERATED(where_return, 0x6f670003, inputs, captured)
GENERATED(arguments, 0x6f670004, facts, captured)
GENERATED(results, 0x6f670005, inputs, captured)
GENERATED(aggregate, 0x6f670006, inputs, captured_key)
GENERATED(until, 0x6f670007, inputs, captured)

/* As generated functions tell it. */
#define DECIDED_YES 1
#define DECIDED_UNDECIDED 2

#endif
