/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Functions that the compiler generates for a trace (compiler/src/predicate/generate.rs). Here are stubs: user space finds each by its
 * mark, and puts the generated code in its place. Where config does not say that there is one, it is never called.
 */
#ifndef GOFUNCGRAPH_GENERATED_H
#define GOFUNCGRAPH_GENERATED_H

/* Nothing may be known of what a stub does, or the compiler would build upon it. */
#define GENERATED(name, mark)                                                          \
	static __noinline int name(struct pt_regs *ctx, struct facts *facts, void *to) \
	{                                                                              \
		int result = mark;                                                     \
		asm volatile("" : "+r"(result) : "r"(ctx), "r"(facts), "r"(to) : "memory"); \
		return result;                                                         \
	}

/* The marks are those of Stub in ../src/layout.rs. */
GENERATED(where_entry, 0x6f670001)
GENERATED(keep, 0x6f670002)
GENERATED(where_return, 0x6f670003)
GENERATED(arguments, 0x6f670004)
GENERATED(results, 0x6f670005)
GENERATED(aggregate, 0x6f670006)
GENERATED(until, 0x6f670007)

/* As generated functions tell it. */
#define DECIDED_YES 1
#define DECIDED_UNDECIDED 2

#endif
