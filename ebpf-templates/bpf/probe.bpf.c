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
#include "user.h"
#include "lives.h"
#include "step.h"

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

/* Does the condition of a jump hold? The lowest bit of its code negates (Intel SDM, volume 1, appendix B). */
static __always_inline u32 condition_holds(u32 code, u64 flags)
{
	u32 less = !(flags & FLAG_SF) != !(flags & FLAG_OF), holds;

	switch (code >> 1) {
	case 0:
		holds = !!(flags & FLAG_OF);
		break;
	case 1:
		holds = !!(flags & FLAG_CF);
		break;
	case 2:
		holds = !!(flags & FLAG_ZF);
		break;
	case 3:
		holds = !!(flags & (FLAG_CF | FLAG_ZF));
		break;
	case 4:
		holds = !!(flags & FLAG_SF);
		break;
	case 5:
		holds = !!(flags & FLAG_PF);
		break;
	case 6:
		holds = less;
		break;
	default:
		holds = less || flags & FLAG_ZF;
	}
	return holds ^ (code & 1);
}

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
