/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * What the probe program and user space share: cookies, configuration, goroutine state, records.
 * src/layout.rs says the same in Rust; a test compares sizes and offsets through the object's BTF.
 */
#ifndef GOFUNCGRAPH_LAYOUT_H
#define GOFUNCGRAPH_LAYOUT_H

typedef __u64 u64;
typedef __u32 u32;
typedef __u16 u16;
typedef __u8 u8;
typedef __s32 s32;
typedef __s64 s64;

/*
 * Attach cookie. Offset is that of the instruction that the site stands for: an exit edge stands for its ret. When and condition say in
 * which direction of a conditional jump the site counts. Released is the stack, in units of 8 bytes, that goes away between site and ret.
 */
#define COOKIE_FUNCTION_BITS 21
#define COOKIE_STEPPED_SHIFT 21 /* the kernel single-steps the instruction */
#define COOKIE_OFFSET_SHIFT 22
#define COOKIE_OFFSET_BITS 20
#define COOKIE_KIND_SHIFT 42
#define COOKIE_KIND_BITS 4
#define COOKIE_FLAGS_SHIFT 46
#define COOKIE_WHEN_SHIFT 48
#define COOKIE_WHEN_BITS 2
#define COOKIE_CONDITION_SHIFT 50
#define COOKIE_CONDITION_BITS 4
#define COOKIE_RELEASED_SHIFT 54

enum site_kind {
	SITE_ENTER = 0,        /* the frame begins; [rsp] is the return address */
	SITE_RETURN = 1,       /* a ret, or an exit edge: straight code leads from here to a ret */
	SITE_TAIL_OUT = 2,     /* a jump to a function that is not probed: the frame ends here */
	SITE_TAIL_INTO = 3,    /* a jump to a probed function: that call becomes a child at the same depth */
	SITE_ENTER_RETURN = 4, /* the function leaves through its first instruction */
	SITE_UNWOUND = 5,      /* runtime.deferreturn's entry: frames at or below this depth are dead */
	SITE_EXIT = 6,         /* the entry of a function by which the goroutine ends */
	SITE_ENTER_TAIL_INTO = 7, /* the function's first instruction jumps to a probed function */
	SITE_ENTER_LAST_CALL = 8, /* as SITE_ENTER, and another probed function may call this one as its last act: see last_calls */
	SITE_ENTER_RETURN_IF = 9, /* the frame begins, and it ends too if the jump here goes as `when` says */
};

#define FLAG_TARGET 1u        /* starts a graph */
#define FLAG_G_FROM_TLS 2u    /* R14 does not hold g here: take it from its thread-local word */

enum when {
	WHEN_ALWAYS = 0,
	WHEN_TAKEN = 1,
	WHEN_NOT_TAKEN = 2,
	WHEN_CARRY_OUT = 3, /* always; if it may write registers, the program carries the instruction out itself: a ret, or one in the map steps */
};

enum counter {
	COUNTER_GRAPHS = 0,          /* kept graphs sent */
	COUNTER_FILTERED = 1,        /* target calls dropped by min, max, sample or limit */
	COUNTER_LOST_RECORDS = 2,    /* call records that the ring buffer could not take */
	COUNTER_LOST_GRAPHS = 3,     /* graphs whose last chunk the ring buffer could not take */
	COUNTER_GOROUTINES_FULL = 4, /* target calls not traced: goroutine table full */
	COUNTER_MISSING_CALLS = 5,   /* calls not stored: frame store full */
	COUNTER_NO_G = 6,            /* events whose g or stack could not be read */
	COUNTER_PROCESSES_FULL = 7,  /* target calls not traced: too many processes */
	COUNTER_UNDECIDED = 8,       /* conditions and aggregates of calls that needed something unreadable */
	COUNTER_AGGREGATES_FULL = 9, /* calls not counted in an aggregate: the table of keys was full */
	COUNTER_NO_ROOM = 10,        /* calls not counted in aggregates: there was no room for their values */
	COUNTER_MAX = 11,
};

#define MAX_TRACES 64
#define MAX_SCOPE 16 /* entries of each scope list */
#define COMM_LEN 16
#define MAX_STACK 64
#define MAX_AGGREGATIONS 8 /* of a trace */
#define AGGREGATE_KEY 128  /* bytes of captured keys */

/* Whether a generated function is there, and whether it has to see the registers of the return. */
enum stage {
	STAGE_NONE = 0,
	STAGE_ANY = 1,     /* it looks at no registers of the return: it runs however the call ends */
	STAGE_RESULTS = 2, /* it does */
};

#define FACT_CALLER 1u
#define FACT_BIAS 2u

/* What an aggregation makes of its calls. */
enum aggregation_kind {
	AGGREGATION_COUNT = 0,
	AGGREGATION_NUMBERS = 1,   /* count, sum, least and greatest of its value */
	AGGREGATION_HISTOGRAM = 2, /* the same, by powers of two */
	AGGREGATION_LINEAR = 3,    /* the same, by steps */
};

struct aggregation_config {
	u32 kind;    /* enum aggregation_kind */
	u32 results; /* 1: it looks at registers of the return */
	s64 low;  /* of AGGREGATION_LINEAR: the least value that is not below all steps, */
	s64 high; /* the least above all of them, */
	u64 step; /* and how wide one is */
};

/* .rodata, one instance a trace. 0 means "no limit" everywhere. */
struct config {
	u64 min_ns;
	u64 max_ns; /* ~0 where none was given */
	u64 prune_ns;
	u64 limit;        /* kept graphs … */
	u64 limit_per_ns; /* … in each such interval; 0: in all */
	u64 sample;       /* one target call in this many; 0 and 1: all */
	u64 goroutines[MAX_SCOPE];
	u64 pid_ns_dev; /* our pid namespace; 0: the initial one */
	u64 pid_ns_ino;
	struct aggregation_config aggregations[MAX_AGGREGATIONS];
	s64 tls_offset; /* of the thread-local word with g, from the thread pointer … */
	u64 tls_word;   /* … or the link-time address of where the dynamic loader wrote that; 0: it is known */
	u64 callback; /* address of runtime.cgocallback, less the outermost return address of a goroutine */
	u64 callback_size; /* bytes of that function; 0: there is none */
	u32 trace; /* index of this trace */
	u32 depth; /* levels below the target; ~0 where none was given */
	u32 goid_offset; /* of runtime.g.goid */
	u32 stack;       /* return addresses of the target's callers to keep */
	u32 pids[MAX_SCOPE];
	u32 pid_count;
	u32 goroutine_count;
	u32 comm_count;
	u32 have_loop; /* bpf_loop exists (Linux 5.17) */
	u32 wakeup_bytes; /* wake the reader once this much waits in the ring buffer */
	u32 write_registers; /* the program may change registers, and so does a ret itself */
	u32 sleepable;  /* the program may wait for memory that is not there at the moment */
	u32 generation; /* does nothing while the trace's state says another one */
	u32 first_hit;  /* index of function 0 in the map hits */
	u32 facts;      /* FACT_… that generated functions look at */
	u32 where_entry; /* not 0: the generated function is there … */
	u32 keep;
	u32 arguments;
	u32 results;
	u32 where_return; /* enum stage, as the next two */
	u32 until;
	u32 aggregate;
	u32 aggregation_count;
	u32 no_graphs; /* kept graphs are not sent */
	u32 rooms; /* words of the map rooms, a power of two */
	char comms[MAX_SCOPE][COMM_LEN];
};

/*
 * A process, from one exec to the next. Its id is used again when it has ended, but not within the time that IMAGE_EXECS cuts off its start.
 * The id is that of the initial namespace.
 */
struct process_key {
	u64 image; /* when the process was started, and in the lowest bits how many execs there were before it, those of its ancestors too */
	u32 tgid;
	u32 unused;
};
#define IMAGE_EXECS 0xffffull
#define MAX_PROCESSES 4096

enum process_end {
	END_NOT = 0,
	END_EXIT = 1,
	END_EXEC = 2, /* it runs another program now, or the same anew */
};

struct process {
	u64 ended_ns;
	u32 end;  /* enum process_end */
	u32 tgid; /* as goroutine_key has it */
};

/* A thread that has ended. */
struct thread_key {
	u64 image; /* of process_key */
	u32 tid;   /* in the initial namespace */
	u32 unused;
};
#define MAX_THREADS 4096

struct goroutine_key {
	u32 tgid; /* in the tracer's namespace */
	u32 trace;
	u64 goid;
	u64 image; /* of process_key */
};

/* An open call. */
struct frame {
	u64 entry_ns;  /* CLOCK_MONOTONIC */
	u64 caller_pc; /* return address, as the process sees it */
	u32 depth;     /* g.stack.hi - address of the return address */
	u32 function;
	u32 missing; /* calls made below this one that the frame store could not hold */
	u32 flags;   /* FRAME_… */
	u32 hits;    /* of the goroutine's when this call began */
	u32 stepped;
};
#define FRAME_TAIL 1u /* has jumped into another probed function: the next entry at this depth is its child */
#define FRAME_LAST_CALL 2u /* its caller has nothing left to do but return, and does so with it */
#define FRAME_OFFSET_SHIFT 8 /* where this frame, or its caller's, is left */

enum call_exit { EXIT_RETURN = 0, EXIT_UNWOUND = 1, EXIT_OPEN = 2, EXIT_EXEC = 3 };

/* A finished call. */
struct call {
	u64 entry_ns;
	u64 duration_ns;
	u64 caller_pc;
	u32 function;
	u32 return_offset; /* of the leaving instruction in the function; ~0 where it did not return */
	u32 missing;
	u16 level; /* 0 = the target */
	u8 exit;   /* enum call_exit */
	u8 unused;
	u32 hits; /* emulated probe hits in calls made inside this one */
	u32 stepped; /* single-stepped ones */
};

enum chunk_kind {
	CHUNK_CALLS = 1,   /* finished calls of a graph whose fate is not decided */
	CHUNK_GRAPH = 2,   /* the last calls of a kept graph, the target's own among them */
	CHUNK_DISCARD = 3, /* a graph that had sent CHUNK_CALLS and was not kept */
	CHUNK_STACK = 4,   /* followed by `count` return addresses instead of calls; comes before CHUNK_GRAPH */
	CHUNK_VALUES = 5,  /* followed by `count` bytes of struct values_header, each with what was captured */
};

/* Goes before `count` calls in the ring buffer. (tgid, image, trace, goid, start_ns) identify the graph. */
struct chunk {
	u32 kind;
	u32 trace;
	u32 tgid;
	u32 tid;
	u64 goid;
	u64 image;
	u64 start_ns;
	u64 entry_ip; /* address of the target's entry site, as the process sees it */
	u32 count;
	u32 lost;    /* calls of this graph lost so far on the way to the ring buffer */
	u32 missing; /* calls of this graph not stored so far */
	u32 sent;    /* chunks of this graph sent before this one */
	u32 flags;   /* CHUNK_… */
	u32 lost_values; /* captures of calls of this graph lost so far */
};
#define CHUNK_UNREAD 1u /* while this graph ran, g could not be read at a hit that may have been its own */
#define CHUNK_UNTIL 2u  /* the condition that ends the trace holds of this graph */
#define CHUNK_STACK_LEFT 4u /* of CHUNK_STACK: the callers beyond are not on the goroutine's stack */
#define CHUNK_NO_ROOM 8u /* there was no room for this graph's values */

#define INLINE_FRAMES 32
#define MAX_FRAMES 65535
#define CHUNK_CALLS_MAX 48

/* What generated functions are told of a call: Input in compiler/src/predicate/ir.rs, in the same order. */
struct facts {
	u64 function;
	u64 goroutine;
	u64 process;
	u64 thread;
	u64 depth;
	u64 caller;
	u64 bias;
	u64 rsp;
	u64 duration;
	u64 self_time;
};

#define KEEP_MAX 256     /* bytes kept from a target's entry to its return */
#define CAPTURE_MAX 1024 /* bytes captured at one moment of a call */

struct kept {
	u8 bytes[KEEP_MAX];
};

struct captured {
	u8 bytes[CAPTURE_MAX];
};

struct captured_key {
	u8 bytes[AGGREGATE_KEY];
};

/* What is known of a target's call at its return. */
struct inputs {
	struct facts facts;
	struct kept kept; /* what was captured at its entry to be decided about now */
};

/* A goroutine in a graph. */
struct goroutine {
	struct inputs inputs; /* of the target's call */
	u64 inside_ns; /* time in calls made by the target */
	u32 decided;   /* enum verdict of where, with the registers of the return seen; 0: it has not come to that */
	u32 until;     /* 1: the trace is to end with this graph */
	u32 keys;      /* 1: the keys of this graph's aggregates are there */
	u32 slot;      /* index in the map values, plus 1 */
	u32 level; /* open frames */
	u32 skip_depth; /* not 0: this call is not traced, and neither is anything in it, down from this depth */
	u32 hits;    /* emulated probe hits since the graph began */
	u32 stepped; /* single-stepped ones */
	u32 thread; /* on which it was at last, as far as that matters: see lives.h */
	u32 unused;
	struct frame frames[INLINE_FRAMES]; /* deeper ones are in the map deep_frames */
	struct chunk chunk;                 /* header and … */
	struct call calls[CHUNK_CALLS_MAX]; /* … finished calls not sent yet, contiguous */
};

enum verdict { VERDICT_NO = 1, VERDICT_YES = 2, VERDICT_UNDECIDED = 3 };

enum moment {
	MOMENT_ARGUMENTS = 0, /* entry */
	MOMENT_RESULTS = 1,   /* return */
};

/* Goes before what was captured of a call. (entry_ns, level) identify the call in its graph. */
struct values_header {
	u64 entry_ns;
	u32 function;
	u16 level;
	u8 moment; /* enum moment */
	u8 unused;
	u32 size; /* bytes that follow */
	u32 unused2;
};

#define ROOMS 64 /* most words of the map rooms, each of as many bits */
#define VALUES_FULL 4096 /* once it holds so many bytes, a goroutine's buffer is sent */
#define VALUES_BYTES (VALUES_FULL + sizeof(struct values_header) + CAPTURE_MAX)

/* What is counted together. */
struct aggregate_key {
	u32 trace;
	u32 aggregation; /* index in config.aggregations */
	/*
	 * Of AGGREGATION_HISTOGRAM: 0 for 0, n for 2^(n-1) up to but not 2^n, -n for negative values of that size. Of AGGREGATION_LINEAR: the
	 * step, -1 below the first, the number of steps above the last. 0 otherwise.
	 */
	s64 bucket;
	struct captured_key bytes; /* with 0 in place of the value; 0 after it */
};

/* All but the count are of no use where the aggregation has no value. */
struct aggregate {
	u64 count;
	s64 sum;   /* wraps; and … */
	s64 upper; /* … each value in units of 2^32, rounded */
	s64 min; /* since … */
	s64 max;
	u64 epoch; /* … the aggregation's epoch became this one */
};

/* What was captured of a graph's calls and not sent yet. Whoever's goroutine is in a graph has one, as long as there are enough. */
struct values {
	u32 used;
	u32 records;
	struct inputs inputs; /* of the call that something is captured of */
	struct aggregate_key keys[MAX_AGGREGATIONS];
	struct aggregate first; /* what a new entry of aggregates is made of */
	struct chunk chunk; /* header and … */
	u8 bytes[VALUES_BYTES];    /* … records, contiguous */
};

/* Return addresses above the target's frame, innermost first. */
struct stack {
	struct chunk chunk;
	u64 addresses[MAX_STACK];
};

/* Sampling and limits of a trace. User space writes generation and epochs only. */
struct trace_state {
	u64 sampled;
	u64 kept;
	u64 window_ns; /* start of the interval in which `kept` counts */
	u64 unread_ns; /* when g could not be read the last time */
	u64 generation; /* of the program that is to work */
	u64 ended;      /* 1: until has ended the trace */
	u64 epochs[MAX_AGGREGATIONS]; /* how often each aggregation was cleared */
};

/* Probe hits of a function. */
struct hits {
	u64 emulated;
	u64 stepped;
};

/* What the instruction at a function's entry site does. Registers are numbered as the processor does. */
struct step {
	u8 operation; /* enum operation; 0: not known */
	u8 width;     /* bytes that it is done on */
	u8 to;
	u8 from;
	s32 value;
	u32 len; /* bytes of the instruction */
};
#define STEP_IP 16   /* from: the address of the instruction */
#define STEP_NONE 17 /* from: no register, counts as 0 */

enum operation {
	OPERATION_SET = 1,     /* to = from + value */
	OPERATION_LOAD = 2,    /* to = memory at from + value */
	OPERATION_CLEAR = 3,   /* to = 0, flags as of xor */
	OPERATION_TEST = 4,    /* flags as of test to, to */
	OPERATION_COMPARE = 5, /* flags as of cmp to, from + value */
};

/* A call site from which its caller goes straight to its ret. */
struct last_call_key {
	u32 trace;
	u32 callee;
	u64 distance; /* return address - address of the callee's entry site */
};

struct last_call {
	u32 caller;
	u32 offset; /* of the caller's ret */
	u32 released; /* bytes of stack between the return address of this call and the caller's */
	u32 unused;
};

struct deep_key {
	struct goroutine_key goroutine;
	u32 level;
	u32 unused;
};

#endif
