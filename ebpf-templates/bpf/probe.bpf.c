/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The probe program. One instance is loaded for each trace, with its own .rodata, over maps that all share; its sites say in their
 * cookies what happens there. A call outside any graph costs one look-up.
 */
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>

#include "layout.h"
#include "task.h"
#include "maps.h"
#include "generated.h"
#include "send.h"
#include "frames.h"
#include "event.h"
#include "scope.h"
#include "told.h"
#include "lives.h"
#include "step.h"

/*
 * The target's callers: its return address, then the chain of frame pointers (RBP still is the caller's at every entry site), as far as it
 * stays on the goroutine's stack. C code has another, and no frame pointers.
 */
static __noinline int keep_stack(struct pt_regs *ctx, const struct event *e, const struct chunk *chunk, u64 caller_pc)
{
	u32 zero = 0, i;
	struct { u64 next, address; } frame;
	u64 fp = ctx->rbp, below = e->rsp;
	void *none = bpf_map_lookup_elem(&empty, &zero);

	if (none)
		bpf_map_update_elem(&stacks, &e->key, none, BPF_ANY);
	struct stack *s = bpf_map_lookup_elem(&stacks, &e->key);
	if (!s) {
		count(COUNTER_LOST_RECORDS, 1);
		return 0;
	}
	s->chunk = *chunk;
	s->chunk.kind = CHUNK_STACK;
	s->addresses[0] = caller_pc;
	s->chunk.count = 1;
	for (i = 1; i < MAX_STACK && i < config.stack && fp; i++) {
		if (fp <= below || fp >= e->stack.hi || read_user(&frame, fp)) {
			s->chunk.flags = CHUNK_STACK_LEFT;
			break;
		}
		if (!frame.address)
			break;
		s->addresses[i] = frame.address;
		s->chunk.count = i + 1;
		below = fp;
		fp = frame.next;
	}
	return 0;
}

/* Whether this process's end will be noticed; without that, no graph of it is begun. */
static __noinline int is_known(const struct goroutine_key *goroutine)
{
	struct process_key key = { .image = goroutine->image, .tgid = bpf_get_current_pid_tgid() >> 32 };
	struct process process = { .tgid = goroutine->tgid };

	if (bpf_map_lookup_elem(&processes, &key))
		return 1;
	return !bpf_map_update_elem(&processes, &key, &process, BPF_NOEXIST) || bpf_map_lookup_elem(&processes, &key);
}

/* A target is entered outside any graph: the goroutine gets its state, or the whole call is left out. */
static __noinline struct goroutine *start_graph(struct pt_regs *ctx, const struct event *e)
{
	u32 zero = 0;

	if (!comm_in_scope() || !goroutine_in_scope(e->key.goid))
		return 0;
	void *none = bpf_map_lookup_elem(&empty, &zero);
	if (!none)
		return 0;
	int traced = sampled();
	if (!traced)
		count(COUNTER_FILTERED, 1);
	if (!is_known(&e->key)) {
		if (traced)
			count(COUNTER_PROCESSES_FULL, 1);
		return 0;
	}
	if (bpf_map_update_elem(&goroutines, &e->key, none, BPF_NOEXIST)) {
		if (traced)
			count(COUNTER_GOROUTINES_FULL, 1);
		return 0;
	}
	struct goroutine *g = bpf_map_lookup_elem(&goroutines, &e->key);
	if (!g)
		return 0;
	g->thread = bpf_get_current_pid_tgid();
	if (!traced) {
		g->skip_depth = e->depth;
		return 0;
	}
	g->chunk.trace = e->key.trace;
	g->chunk.tgid = e->key.tgid;
	g->chunk.tid = e->tid;
	g->chunk.goid = e->key.goid;
	g->chunk.image = e->key.image;
	g->chunk.entry_ip = e->ip;
	if (config.keep || config.where_return || config.until || config.aggregate || config.arguments || config.results)
		tell_entry(&g->inputs.facts, e, 0);
	if (config.keep)
		keep(context(ctx), &g->inputs.facts, &g->inputs.kept);
	if (config.arguments || config.results || config.aggregate)
		take_values(g);
	return g;
}

/* What this hit costs is part of the calls that are open around it. */
static __always_inline void count_inside(struct goroutine *g, const struct event *e)
{
	if (e->stepped)
		g->stepped++;
	else
		g->hits++;
}

/* If the caller has nothing left to do after this call but return, its frame ends with this one. */
static __noinline int mark_last_call(const struct event *e, struct goroutine *g, struct frame *f)
{
	struct last_call_key key = {
		.trace = config.trace,
		.callee = e->function,
		.distance = f->caller_pc - e->ip,
	};
	struct last_call *last = bpf_map_lookup_elem(&last_calls, &key);

	if (!last || g->level < 2)
		return 0;
	struct frame *caller = frame_at(g, &e->key, g->level - 2);
	if (caller && caller->function == last->caller && caller->depth + last->released == f->depth)
		f->flags = FRAME_LAST_CALL | last->offset << FRAME_OFFSET_SHIFT;
	return 0;
}

static __noinline int enter(struct pt_regs *ctx, const struct event *e, struct goroutine *g)
{
	u64 caller_pc = 0, ended = 0, began;
	u32 finished, thread;

	if (g && config.callback_size) {
		thread = bpf_get_current_pid_tgid();
		if (g->thread != thread)
			ended = changed_hands(&e->key, g, e->stack.hi, thread);
	}
	if (g && g->skip_depth) {
		if (!ended && e->depth > g->skip_depth)
			return 0;
		bpf_map_delete_elem(&goroutines, &e->key);
		g = 0;
	}
	if (g) {
		began = ended ? ended : bpf_ktime_get_ns();
		finished = unwind(g, &e->key, began, ended ? 0 : e->depth, 1);
		if (finished == FINISHED_TARGET)
			finish_graph(context(ctx), g, &e->key, began);
		if (finished)
			g = 0;
	}
	if (!g) {
		if (!(e->cookie >> COOKIE_FLAGS_SHIFT & FLAG_TARGET))
			return 0;
		if (config.where_entry && !e->admitted && !is_admitted(ctx, e))
			return 0;
		g = start_graph(ctx, e);
		if (!g)
			return 0;
	}
	count_inside(g, e);
	if (g->level > config.depth)
		return 0;
	read_user(&caller_pc, e->rsp);
	struct frame *f = push_frame(g, &e->key);
	if (!f)
		return 0;
	f->caller_pc = caller_pc;
	f->depth = e->depth;
	f->function = e->function;
	f->missing = 0;
	f->flags = 0;
	f->hits = g->hits;
	f->stepped = g->stepped;
	if (e->kind == SITE_ENTER_LAST_CALL)
		mark_last_call(e, g, f);
	if (config.stack && g->level == 1)
		keep_stack(ctx, e, &g->chunk, caller_pc);
	u64 now = config.arguments ? capture_arguments(ctx, e, g) : bpf_ktime_get_ns();
	f->entry_ns = now;
	if (g->level == 1) {
		g->chunk.start_ns = now;
		if (config.stack) {
			struct stack *s = bpf_map_lookup_elem(&stacks, &e->key);
			if (s)
				s->chunk.start_ns = now;
		}
	}
	return 0;
}

#define CHAIN 4 /* callers that return with the function that they have jumped into, or called as their last act */

/* A call returns, and its results are there to be seen. */
static __noinline int returns(struct pt_regs *ctx, const struct event *e, struct goroutine *g, const struct frame *top, u64 now)
{
	if (config.results)
		capture_results(ctx, e, g, top, now);
	if (g->level != 1)
		return 0;
	u64 duration = now - top->entry_ns;
	if ((config.where_return == STAGE_RESULTS || config.until == STAGE_RESULTS || config.aggregate == STAGE_RESULTS) && has_lasted(duration)) {
		g->inputs.facts.rsp = e->rsp;
		decide(context(ctx), g, duration, STAGE_RESULTS);
	}
	return 0;
}

static __noinline int leave(struct pt_regs *ctx, const struct event *e, struct goroutine *g, u64 now, u32 kind)
{
	struct frame *top;
	u32 i, offset, flags, depth = e->depth, finished;

	if (g->skip_depth) {
		/* runtime.Goexit ends the goroutine from deep inside the call. */
		if (kind == SITE_EXIT || (e->depth <= g->skip_depth && kind != SITE_TAIL_INTO))
			bpf_map_delete_elem(&goroutines, &e->key);
		return 0;
	}
	if (kind == SITE_UNWOUND || kind == SITE_EXIT)
		depth = kind == SITE_EXIT ? 0 : e->depth - 1;
	finished = unwind(g, &e->key, now, depth, 0);
	if (finished == FINISHED_TARGET)
		finish_graph(context(ctx), g, &e->key, now);
	if (finished)
		return 0;
	top = frame_at(g, &e->key, g->level - 1);
	if (kind == SITE_UNWOUND || kind == SITE_EXIT || !top || top->depth != e->depth)
		goto stays;
	if (kind == SITE_TAIL_INTO) {
		if (top->function == e->function)
			top->flags = FRAME_TAIL | cookie_field(e->cookie, OFFSET) << FRAME_OFFSET_SHIFT;
		goto stays;
	}
	/* Some callers return with this function. */
	offset = cookie_field(e->cookie, OFFSET);
	for (i = 0; i < CHAIN; i++) {
		flags = top->flags;
		if (kind == SITE_RETURN)
			returns(ctx, e, g, top, now);
		if (close_top(g, &e->key, now, offset)) {
			finish_graph(context(ctx), g, &e->key, now);
			return 0;
		}
		top = frame_at(g, &e->key, g->level - 1);
		if (!top)
			break;
		if (flags & FRAME_LAST_CALL)
			offset = flags >> FRAME_OFFSET_SHIFT;
		else if (top->depth == e->depth)
			offset = top->flags >> FRAME_OFFSET_SHIFT;
		else
			break;
	}
stays:
	if (kind == e->kind)
		count_inside(g, e); /* where a site is both, enter() has counted it */
	return 0;
}

/* The event cannot be told whose it is: the graphs of this trace that are open now may lack it. */
static __always_inline int unread(void)
{
	struct trace_state *t = trace_state();

	count(COUNTER_NO_G, 1);
	if (t)
		t->unread_ns = bpf_ktime_get_ns();
	return 0;
}

static __always_inline int handle(struct pt_regs *ctx, u64 cookie, u64 rsp, u64 ip)
{
	struct event e = {};
	u64 now = 0;
	u32 kind, enters, hit, from_tls = cookie >> COOKIE_FLAGS_SHIFT & FLAG_G_FROM_TLS;
	int elsewhere;

	if (config.pid_ns_dev) {
		struct bpf_pidns_info ns = {};
		if (bpf_get_ns_current_pid_tgid(config.pid_ns_dev, config.pid_ns_ino, &ns, sizeof(ns)))
			return 0;
		e.key.tgid = ns.tgid;
		e.tid = ns.pid;
	} else {
		u64 tgid_tid = bpf_get_current_pid_tgid();
		e.key.tgid = tgid_tid >> 32;
		e.tid = tgid_tid;
	}
	if (!in_scope(e.key.tgid))
		return 0;
	e.cookie = cookie;
	e.function = cookie_field(cookie, FUNCTION);
	e.kind = kind = cookie_field(cookie, KIND);
	e.stepped = cookie >> COOKIE_STEPPED_SHIFT & 1 && !(config.write_registers && cookie_field(cookie, WHEN) == WHEN_CARRY_OUT);
	hit = config.first_hit + e.function;
	struct hits *h = bpf_map_lookup_elem(&hits, &hit);
	/* Not atomic: what is lost to a preemption in between is a hit less in an estimate. */
	if (h && e.stepped)
		h->stepped++;
	else if (h)
		h->emulated++;
	elsewhere = goes_elsewhere(cookie, ctx->eflags);
	if (elsewhere && kind != SITE_ENTER_RETURN_IF)
		return 0;
	enters = kind == SITE_ENTER || kind == SITE_ENTER_RETURN || kind == SITE_ENTER_TAIL_INTO || kind == SITE_ENTER_LAST_CALL ||
		 kind == SITE_ENTER_RETURN_IF;
	e.ip = ip;
	e.rsp = rsp;
	e.g = ctx->r14;
	if (from_tls && (read_g(&e) || !is_g(&e)))
		return unread();
	e.key.trace = config.trace;
	if (read_user(&e.key.goid, e.g + config.goid_offset))
		return unread();
	if (!e.key.goid)
		return 0; /* on g0: no goroutine's call */
	e.key.image = current_image();
	struct goroutine *g = bpf_map_lookup_elem(&goroutines, &e.key);
	if (!g) {
		if (!(cookie >> COOKIE_FLAGS_SHIFT & FLAG_TARGET) || !enters)
			return 0;
		if (config.where_entry && !is_admitted(ctx, &e))
			return 0;
		e.admitted = 1;
	}
	if (!enters)
		now = bpf_ktime_get_ns();
	if (!from_tls && !is_g(&e))
		return unread();
	/* Where rsp will be when the ret is reached that the site stands for. */
	e.depth = e.stack.hi - rsp - (cookie >> COOKIE_RELEASED_SHIFT) * 8;
	if (enters) {
		enter(ctx, &e, g);
		if (kind == SITE_ENTER || kind == SITE_ENTER_LAST_CALL || elsewhere)
			return 0;
		now = bpf_ktime_get_ns();
		kind = kind == SITE_ENTER_TAIL_INTO ? SITE_TAIL_INTO : SITE_RETURN;
		g = bpf_map_lookup_elem(&goroutines, &e.key);
	}
	if (g)
		leave(ctx, &e, g, now, kind);
	return 0;
}

SEC("uprobe")
int probe(struct pt_regs *ctx)
{
	u64 cookie = bpf_get_attach_cookie(ctx), rsp = ctx->rsp, ip = ctx->rip;
	struct trace_state *t = trace_state();
	u32 carries_out = config.write_registers && cookie_field(cookie, WHEN) == WHEN_CARRY_OUT, kind = cookie_field(cookie, KIND);
	u32 done = carries_out && is_carried_out(ctx);

	if (!t || t->generation != config.generation)
		return 0;
	if (config.trace >= MAX_TRACES)
		bpf_tail_call(ctx, &no_programs, 0); /* never */
	if (done) {
		ip = carried_out_at(ctx);
		if (leaves_by_ret(kind))
			rsp -= 8;
	}
	handle(ctx, cookie, rsp, ip);
	if (carries_out && !done) {
		if (leaves_by_ret(kind))
			do_ret(ctx);
		else
			do_step(ctx, cookie_field(cookie, FUNCTION));
		note_carried_out(ctx, ip);
	}
	return 0;
}

char _license[] SEC("license") = "Dual MIT/GPL";
