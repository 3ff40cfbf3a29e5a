//! Both sides have the same layouts: what the object was compiled from, and what user space reads it by.

use std::{collections::BTreeMap, fs, mem, path::Path};

use btf_rs::{Btf, Type};
use ebpf_templates::*;

/// Size and members (name, offset in bytes) of a C struct.
type Layout = (usize, Vec<(String, usize)>);

fn in_c(btf: &Btf, name: &str) -> Layout {
    let types = btf
        .resolve_types_by_name(name)
        .expect("a type of that name");
    let found = types.into_iter().find_map(|ty| match ty {
        Type::Struct(s) => Some(s),
        _ => None,
    });
    let found = found.unwrap_or_else(|| panic!("no struct {name}"));
    let members = found
        .members
        .iter()
        .map(|m| {
            (
                btf.resolve_name(m).expect("a name"),
                m.bit_offset() as usize / 8,
            )
        })
        .collect();
    (found.size(), members)
}

macro_rules! in_rust {
    ($ty:ty { $($field:ident),* $(,)? }) => {
        (mem::size_of::<$ty>(), vec![$((stringify!($field).to_owned(), mem::offset_of!($ty, $field))),*])
    };
}

#[test]
fn layouts_agree() {
    let object = aya_obj::Object::parse(object()).expect("the object");
    let btf = Btf::from_bytes(&object.btf.expect("BTF").to_bytes()).expect("BTF");
    let layouts: [(&str, Layout); 22] = [
        (
            "config",
            in_rust!(Config {
                min_ns,
                max_ns,
                prune_ns,
                limit,
                limit_per_ns,
                sample,
                goroutines,
                pid_ns_dev,
                pid_ns_ino,
                aggregations,
                tls_offset,
                tls_word,
                callback,
                callback_size,
                trace,
                depth,
                goid_offset,
                stack,
                pids,
                pid_count,
                goroutine_count,
                comm_count,
                have_loop,
                wakeup_bytes,
                write_registers,
                sleepable,
                generation,
                first_hit,
                facts,
                where_entry,
                keep,
                arguments,
                results,
                where_return,
                until,
                aggregate,
                aggregation_count,
                no_graphs,
                rooms,
                comms,
            }),
        ),
        (
            "goroutine_key",
            in_rust!(GoroutineKey {
                tgid,
                trace,
                goid,
                image
            }),
        ),
        (
            "process_key",
            in_rust!(ProcessKey {
                image,
                tgid,
                unused
            }),
        ),
        (
            "process",
            in_rust!(Process {
                ended_ns,
                end,
                tgid
            }),
        ),
        (
            "frame",
            in_rust!(Frame {
                entry_ns,
                caller_pc,
                depth,
                function,
                missing,
                flags,
                hits,
                stepped
            }),
        ),
        (
            "call",
            in_rust!(CallRecord {
                entry_ns,
                duration_ns,
                caller_pc,
                function,
                return_offset,
                missing,
                level,
                exit,
                unused,
                hits,
                stepped
            }),
        ),
        (
            "chunk",
            in_rust!(Chunk {
                kind,
                trace,
                tgid,
                tid,
                goid,
                image,
                start_ns,
                entry_ip,
                count,
                lost,
                missing,
                sent,
                flags,
                lost_values
            }),
        ),
        (
            "goroutine",
            in_rust!(Goroutine {
                inputs,
                inside_ns,
                decided,
                until,
                keys,
                slot,
                level,
                skip_depth,
                hits,
                stepped,
                thread,
                unused,
                frames,
                chunk,
                calls
            }),
        ),
        (
            "step",
            in_rust!(Step {
                operation,
                width,
                to,
                from,
                value,
                len
            }),
        ),
        (
            "facts",
            in_rust!(Facts {
                function,
                goroutine,
                process,
                thread,
                depth,
                caller,
                bias,
                rsp,
                duration,
                self_time
            }),
        ),
        ("inputs", in_rust!(Inputs { facts, kept })),
        (
            "values_header",
            in_rust!(ValuesHeader {
                entry_ns,
                function,
                level,
                moment,
                unused,
                size,
                unused2
            }),
        ),
        (
            "values",
            in_rust!(Values {
                used,
                records,
                inputs,
                keys,
                first,
                chunk,
                bytes
            }),
        ),
        ("hits", in_rust!(Hits { emulated, stepped })),
        (
            "last_call_key",
            in_rust!(LastCallKey {
                trace,
                callee,
                distance
            }),
        ),
        (
            "last_call",
            in_rust!(LastCall {
                caller,
                offset,
                released,
                unused
            }),
        ),
        ("stack", in_rust!(Stack { chunk, addresses })),
        (
            "trace_state",
            in_rust!(TraceState {
                sampled,
                kept,
                window_ns,
                unread_ns,
                generation,
                ended,
                epochs
            }),
        ),
        (
            "aggregation_config",
            in_rust!(AggregationConfig {
                kind,
                results,
                low,
                high,
                step
            }),
        ),
        (
            "aggregate_key",
            in_rust!(AggregateKey {
                trace,
                aggregation,
                bucket,
                bytes
            }),
        ),
        (
            "aggregate",
            in_rust!(Aggregate {
                count,
                sum,
                upper,
                min,
                max,
                epoch
            }),
        ),
        (
            "deep_key",
            in_rust!(DeepKey {
                goroutine,
                level,
                unused
            }),
        ),
    ];
    for (name, rust) in layouts {
        assert_eq!(in_c(&btf, name), rust, "struct {name}");
    }
}

#[test]
fn constants_agree() {
    let header = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("bpf/layout.h"))
        .expect("layout.h");
    for (name, value) in [
        ("MAX_TRACES", MAX_TRACES),
        ("MAX_SCOPE", MAX_SCOPE),
        ("COMM_LEN", COMM_LEN),
        ("MAX_STACK", MAX_STACK),
        ("MAX_AGGREGATIONS", MAX_AGGREGATIONS),
        ("AGGREGATE_KEY", AGGREGATE_KEY),
        ("CHUNK_UNREAD", CHUNK_UNREAD as usize),
        ("CHUNK_UNTIL", CHUNK_UNTIL as usize),
        ("CHUNK_STACK_LEFT", CHUNK_STACK_LEFT as usize),
        ("CHUNK_NO_ROOM", CHUNK_NO_ROOM as usize),
        ("CAPTURE_MAX", CAPTURE_MAX),
        ("VALUES_FULL", VALUES_FULL),
        ("KEEP_MAX", KEEP_MAX),
        ("FACT_CALLER", FACT_CALLER as usize),
        ("FACT_BIAS", FACT_BIAS as usize),
        ("INLINE_FRAMES", INLINE_FRAMES),
        ("MAX_FRAMES", MAX_FRAMES),
        ("MAX_PROCESSES", MAX_PROCESSES),
        ("CHUNK_CALLS_MAX", CHUNK_CALLS_MAX),
        ("COOKIE_FUNCTION_BITS", 21),
        ("COOKIE_STEPPED_SHIFT", 21),
        ("COOKIE_OFFSET_SHIFT", 22),
        ("COOKIE_OFFSET_BITS", 20),
        ("COOKIE_KIND_SHIFT", 42),
        ("COOKIE_FLAGS_SHIFT", 46),
        ("COOKIE_WHEN_SHIFT", 48),
        ("COOKIE_CONDITION_SHIFT", 50),
        ("COOKIE_RELEASED_SHIFT", 54),
    ] {
        assert_eq!(defined(&header, name), value as u64, "{name}");
    }
    let sites = enumerators(&header, "SITE_");
    for (name, kind) in [
        ("ENTER", SiteKind::Enter),
        ("RETURN", SiteKind::Return),
        ("TAIL_OUT", SiteKind::TailOut),
        ("TAIL_INTO", SiteKind::TailInto),
        ("ENTER_RETURN", SiteKind::EnterReturn),
        ("UNWOUND", SiteKind::Unwound),
        ("EXIT", SiteKind::Exit),
        ("ENTER_TAIL_INTO", SiteKind::EnterTailInto),
        ("ENTER_LAST_CALL", SiteKind::EnterLastCall),
        ("ENTER_RETURN_IF", SiteKind::EnterReturnIf),
    ] {
        assert_eq!(sites.get(name), Some(&(kind as u64)), "{name}");
    }
    assert_eq!(sites.len(), SiteKind::ALL.len());
    let counters = enumerators(&header, "COUNTER_");
    for (name, counter) in [
        ("GRAPHS", Counter::Graphs),
        ("FILTERED", Counter::Filtered),
        ("LOST_RECORDS", Counter::LostRecords),
        ("LOST_GRAPHS", Counter::LostGraphs),
        ("GOROUTINES_FULL", Counter::GoroutinesFull),
        ("MISSING_CALLS", Counter::MissingCalls),
        ("NO_G", Counter::NoG),
        ("PROCESSES_FULL", Counter::ProcessesFull),
        ("UNDECIDED", Counter::Undecided),
        ("AGGREGATES_FULL", Counter::AggregatesFull),
        ("NO_ROOM", Counter::NoRoom),
    ] {
        assert_eq!(counters.get(name), Some(&(counter as u64)), "{name}");
    }
    let aggregations = enumerators(&header, "AGGREGATION_");
    for (name, kind) in [
        ("COUNT", AggregationKind::Count),
        ("NUMBERS", AggregationKind::Numbers),
        ("HISTOGRAM", AggregationKind::Histogram),
        ("LINEAR", AggregationKind::Linear),
    ] {
        assert_eq!(aggregations.get(name), Some(&(kind as u64)), "{name}");
    }
    let stages = enumerators(&header, "STAGE_");
    for (name, stage) in [
        ("NONE", Stage::None),
        ("ANY", Stage::Any),
        ("RESULTS", Stage::Results),
    ] {
        assert_eq!(stages.get(name), Some(&(stage as u64)), "{name}");
    }
    assert_eq!(counters.get("MAX"), Some(&(COUNTER_MAX as u64)));
    let chunks = enumerators(&header, "CHUNK_");
    for (name, kind) in [
        ("CALLS", ChunkKind::Calls),
        ("GRAPH", ChunkKind::Graph),
        ("DISCARD", ChunkKind::Discard),
        ("STACK", ChunkKind::Stack),
        ("VALUES", ChunkKind::Values),
    ] {
        assert_eq!(chunks.get(name), Some(&(kind as u64)), "{name}");
    }
    let ends = enumerators(&header, "END_");
    for (name, end) in [("EXIT", ProcessEnd::Exit), ("EXEC", ProcessEnd::Exec)] {
        assert_eq!(ends.get(name), Some(&(end as u64)), "{name}");
    }
    let moments = enumerators(&header, "MOMENT_");
    for (name, moment) in [
        ("ARGUMENTS", Moment::Arguments),
        ("RESULTS", Moment::Results),
    ] {
        assert_eq!(moments.get(name), Some(&(moment as u64)), "{name}");
    }
}

#[test]
fn cookies_are_packed_as_the_header_says() {
    let cookie = Cookie {
        function: 0x1b_cdef,
        stepped: true,
        offset: 0xa_3456,
        kind: SiteKind::Exit,
        target: true,
        g_from_tls: false,
        when: When::NotTaken(6),
        released: 0x1f8,
    };
    let packed = cookie.pack();
    assert_eq!(packed & 0x1f_ffff, 0x1b_cdef);
    assert_eq!(packed >> 21 & 1, 1);
    assert_eq!(packed >> 22 & 0xf_ffff, 0xa_3456);
    assert_eq!(packed >> 42 & 0xf, 6);
    assert_eq!(packed >> 46 & 3, 1);
    assert_eq!(packed >> 48 & 3, 2);
    assert_eq!(packed >> 50 & 0xf, 6);
    assert_eq!(packed >> 54, 0x3f);
    assert_eq!(Cookie::unpack(packed), Some(cookie));
    for kind in SiteKind::ALL {
        for when in [
            When::Always,
            When::Taken(15),
            When::NotTaken(0),
            When::CarryOut,
        ] {
            let other = Cookie {
                kind,
                when,
                released: Cookie::RELEASED - 8,
                target: false,
                g_from_tls: true,
                stepped: false,
                ..cookie
            };
            assert_eq!(Cookie::unpack(other.pack()), Some(other));
        }
    }
    assert_eq!(Cookie::unpack(10 << 42), None);
}

fn enumerators(header: &str, prefix: &str) -> BTreeMap<String, u64> {
    header
        .lines()
        .filter_map(|line| {
            let (name, rest) = line.trim().strip_prefix(prefix)?.split_once(" = ")?;
            let number = rest.split(|c: char| !c.is_ascii_digit()).next()?;
            Some((name.to_owned(), number.parse().ok()?))
        })
        .collect()
}

fn defined(header: &str, name: &str) -> u64 {
    let line = header.lines().find_map(|line| {
        line.strip_prefix("#define ")?
            .strip_prefix(name)?
            .strip_prefix(' ')
    });
    let digits: String = line
        .unwrap_or_else(|| panic!("no {name}"))
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    digits.parse().expect("a number")
}
