/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* What generated code is told of a call when it is asked about it, and where what it captures goes. */
#ifndef GOFUNCGRAPH_TOLD_H
#define GOFUNCGRAPH_TOLD_H

#include "event.h"
#include "values.h"

static __always_inline void tell_facts(struct facts *f, const struct event *e, u32 function, u32 level)
{
	f->function = function;
	f->goroutine = e->key.goid;
	f->process = e->key.tgid;
	f->thread = e->tid;
	f->depth = level;
	f->rsp = e->rsp;
}

/* At an entry site. */
static __always_inline void tell_entry(struct facts *f, const struct event *e, u32 level)
{
	tell_facts(f, e, e->function, level);
	if (config.facts & FACT_CALLER)
		read_user(&f->caller, e->rsp);
	if (config.facts & FACT_BIAS) {
		u32 function = e->function;
		u64 *entry = bpf_map_lookup_elem(&entries, &function);
		f->bias = entry ? e->ip - *entry : 0;
	}
}

/* Does the condition hold that is about the arguments of a target's call? */
static __noinline int is_admitted(struct pt_regs *ctx, const struct event *e)
{
	struct facts f = {};
	int decided;

	tell_entry(&f, e, 0);
	decided = where_entry(context(ctx), &f, 0);
	if (decided == DECIDED_YES)
		return 1;
	count(decided == DECIDED_UNDECIDED ? COUNTER_UNDECIDED : COUNTER_FILTERED, 1);
	return 0;
}

/* Captures the arguments of a call that begins; returns when that was done. */
static __noinline u64 capture_arguments(struct pt_regs *ctx, const struct event *e, struct goroutine *g)
{
	struct values *v = values_of(g);
	struct values_header *h;
	u32 size;
	u64 now;

	if (!v) {
		no_values(g);
		return bpf_ktime_get_ns();
	}
	tell_entry(&v->inputs.facts, e, g->level - 1);
	h = next_values(g, v);
	if (!h)
		return bpf_ktime_get_ns();
	size = arguments(context(ctx), &v->inputs.facts, (struct captured *)(h + 1));
	now = bpf_ktime_get_ns();
	if (!size || size > CAPTURE_MAX)
		return now;
	h->entry_ns = now;
	tell_capture(h, e->function, g->level - 1, MOMENT_ARGUMENTS, size);
	end_capture(v, h);
	return now;
}

/* Captures the results of a call that returns. */
static __noinline int capture_results(struct pt_regs *ctx, const struct event *e, struct goroutine *g, const struct frame *top, u64 now)
{
	struct values *v = values_of(g);
	struct values_header *h;
	struct facts *facts;
	u32 size;

	if (!v) {
		no_values(g);
		return 0;
	}
	facts = &v->inputs.facts;
	tell_facts(facts, e, top->function, g->level - 1);
	facts->caller = top->caller_pc;
	facts->bias = g->inputs.facts.bias;
	facts->duration = now - top->entry_ns;
	facts->self_time = g->level == 1 && facts->duration > g->inside_ns ? facts->duration - g->inside_ns : 0;
	if (config.keep && g->level == 1)
		v->inputs.kept = g->inputs.kept;
	h = next_values(g, v);
	if (!h)
		return 0;
	size = results(context(ctx), &v->inputs, (struct captured *)(h + 1));
	if (!size || size > CAPTURE_MAX)
		return 0;
	h->entry_ns = top->entry_ns;
	tell_capture(h, top->function, g->level - 1, MOMENT_RESULTS, size);
	end_capture(v, h);
	return 0;
}

#endif
