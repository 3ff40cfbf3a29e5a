//! What `--format graph` looks like.

mod common;
#[path = "graph_format/values.rs"]
mod values;

use common::*;
use graph::Graph;
use insta::assert_snapshot;
use render::{Clock, Format, Options};
use unicode_width::UnicodeWidthStr;

fn shown(graph: Graph) -> String {
    with(Format::Graph, options(), &[graph])
}

fn on_terminal(width: usize, graph: Graph) -> String {
    let options = Options {
        width: Some(width),
        ..options()
    };
    with(Format::Graph, options, &[graph])
}

#[test]
fn a_single_call() {
    assert_snapshot!(shown(simple()), @"
    ── 16:21:55.255312  pid 4242  goroutine 18  main.handleBar ──
        850 ns │ main.handleBar()  net/http/server.go:2122
    ");
}

#[test]
fn nested_calls() {
    assert_snapshot!(shown(nested()), @"
    ── 16:21:55.255312  pid 4242  goroutine 18  main.handleBar ──
    @ 354.6 ms │ main.handleBar() {                net/http/server.go:2122
    @ 354.5 ms │   example/internal/log.Debug() {  main.go:18
    +  12.3 µs │     net/http.(*response).Write()  internal/storage/postgres/connection_pool.go:1234
               │   }
        7.1 µs │   net/http.(*response).Write()    main.asm+12
    #   1.7 ms │   main.crash()                    0x9999
               │ }
    ");
}

#[test]
fn unwound_calls() {
    assert_snapshot!(shown(unwound()), @"
    ── 16:21:55.255312  pid 4242  goroutine 18  main.handleBar ──
    #   2.0 ms │ main.handleBar() {          net/http/server.go:2122
    #   1.5 ms │   main.crash() ⟂ {          main.go:18
    #   1.4 ms │     main.crash() ⟂ unwound  main.go:18
               │   } ⟂ unwound
               │ }
    ");
}

#[test]
fn open_calls() {
    assert_snapshot!(shown(open()), @"
    ── 16:21:55.255312  pid 4242  goroutine 18  main.handleBar ──
    $   5.00 s │ main.handleBar() … {                         net/http/server.go:2122
    *  20.0 ms │   example/internal/log.Debug()               main.go:18
    $   4.97 s │   example/internal/log.Debug() … still open  main.go:18
               │ } … still open
    ");
}

/// Issue 9, case exec-other-executable.
#[test]
fn calls_that_an_exec_ended() {
    let mut graph = open();
    for call in &mut graph.calls {
        if call.exit == graph::Exit::Open {
            call.exit = graph::Exit::Exec;
        }
    }
    assert_snapshot!(shown(graph), @"
    ── 16:21:55.255312  pid 4242  goroutine 18  main.handleBar ──
    $   5.00 s │ main.handleBar() … {                                 net/http/server.go:2122
    *  20.0 ms │   example/internal/log.Debug()                       main.go:18
    $   4.97 s │   example/internal/log.Debug() … cut off by an exec  main.go:18
               │ } … cut off by an exec
    ");
}

#[test]
fn incomplete_graphs() {
    assert_snapshot!(shown(incomplete()), @"
    ── 16:21:55.255312  pid 4242  goroutine 18  main.handleBar ──
    ! incomplete: 12 calls lost, 9980 deeper calls not stored
    ! 900.0 µs │ main.handleBar() {    net/http/server.go:2122
    ! 800.0 µs │     main.recurse() {  main.go:18
               │       ! 9980 deeper calls not stored
               │     }
               │ }
    ");
    assert_snapshot!(shown(rootless()), @"
    ── 16:21:55.255312  pid 4242  goroutine 18  main.handleBar ──
    ! incomplete: the end was lost
        1.0 µs │   example/internal/log.Debug()  main.go:18
        3.0 µs │   example/internal/log.Debug()  main.go:18
    ");
}

#[test]
fn the_callers_of_the_target() {
    assert_snapshot!(on_terminal(80, with_stack()), @"
    ── 16:21:55.255312  pid 4242  goroutine 18  main.handleBar ─────────────────────
               │ ↓ (unknown)
               │ ↓ ?                               0x9999
               │ ↓ net/http.(*conn).serve          net/http/server.go:2092
               │ ↓ net/http.HandlerFunc.ServeHTTP  net/http/server.go:2122
    @ 354.6 ms │ main.handleBar() {                net/http/server.go:2122
    @ 354.5 ms │   example/internal/log.Debug() {  main.go:18
    +  12.3 µs │     net/http.(*response).Write()  …/connection_pool.go:1234
               │   }
        7.1 µs │   net/http.(*response).Write()    main.asm+12
    #   1.7 ms │   main.crash()                    0x9999
               │ }
    ");
}

#[test]
fn recursive_calls_on_a_terminal() {
    assert_snapshot!(on_terminal(80, recursion(14)), @"
    ── 16:21:55.255312  pid 4242  goroutine 18  main.handleBar ─────────────────────
    +  14.0 µs │ main.recurse() {                        main.go:18
    +  13.0 µs │   main.recurse() {                      main.go:18
    +  12.0 µs │     main.recurse() {                    main.go:18
    +  11.0 µs │       main.recurse() {                  main.go:18
       10.0 µs │         main.recurse() {                main.go:18
        9.0 µs │           main.recurse() {              main.go:18
        8.0 µs │             main.recurse() {            main.go:18
        7.0 µs │               main.recurse() {          main.go:18
        6.0 µs │                 main.recurse() {        main.go:18
        5.0 µs │                   main.recurse() {      main.go:18
        4.0 µs │                     main.recurse() {    main.go:18
        3.0 µs │                       main.recurse() {  main.go:18
        2.0 µs │                       [12] main.recurse() {  main.go:18
        1.0 µs │                       [13] main.recurse()  main.go:18
               │                       [12] }
               │                       }
               │                     }
               │                   }
               │                 }
               │               }
               │             }
               │           }
               │         }
               │       }
               │     }
               │   }
               │ }
    ");
}

#[test]
fn long_names_on_a_terminal() {
    assert_snapshot!(on_terminal(80, long_names()), @"
    ── 16:21:55.255312  pid 4242  goroutine 18  main.handleBar ─────────────────────
    $   1.20 s │ main.handleBar() {       …/storage/postgres/connection_pool.go:1234
    $   1.10 s │   postgres.(…l).AcquireWithDeadline() {  …/connection_pool.go:1234
    ! 900.0 µs │     postgres.(*ConnectionPool).AcquireWithDeadline() {  main.go:18
    +  20.0 µs │       net/http.(*response).Write()  …/connection_pool.go:1234
               │     }
               │   }
               │ }
    ");
}

#[test]
fn long_names_in_a_file() {
    assert_snapshot!(shown(long_names()), @"
    ── 16:21:55.255312  pid 4242  goroutine 18  main.handleBar ──
    $   1.20 s │ main.handleBar() {                  internal/storage/postgres/connection_pool.go:1234
    $   1.10 s │   github.com/some-organisation/a-long-repository-name/internal/storage/postgres.(*ConnectionPool).AcquireWithDeadline() {  internal/storage/postgres/connection_pool.go:1234
    ! 900.0 µs │     github.com/some-organisation/a-long-repository-name/internal/storage/postgres.(*ConnectionPool).AcquireWithDeadline() {  main.go:18
    +  20.0 µs │       net/http.(*response).Write()  internal/storage/postgres/connection_pool.go:1234
               │     }
               │   }
               │ }
    ");
}

#[test]
fn hostile_names() {
    assert_snapshot!(shown(hostile()), @r"
    ── 16:21:55.255312  pid 4242  goroutine 18  a label\a with a bell and so many patterns that it cannot fit a line, *.*, net/http.* ──
          1 ns │ main.\x1b[2Jevil\u202e()  \x1b]0;evil\a.go:3
    ");
    assert_snapshot!(on_terminal(60, hostile()), @r"
    ── 16:21:55.255312  pid 4242  goroutine 18  a la…t/http.* ──
          1 ns │ main.\x1b[2Jevil\u202e()  \x1b]0;evil\a.go:3
    ");
}

#[test]
fn verbose() {
    let options = Options {
        verbose: true,
        width: Some(80),
        ..options()
    };
    assert_snapshot!(with(Format::Graph, options, &[nested()]), @"
    ── 16:21:55.255312  pid 4242  goroutine 18  main.handleBar ─────────────────────
    @ 354.6 ms │ main.handleBar() {                net/http.HandlerFunc.ServeHTTP+47 /usr/local/go/src/net/http/server.go:2122
    @ 354.5 ms │   example/internal/log.Debug() {  main.handleBar+69 /src/example/main.go:18
    +  12.3 µs │     net/http.(*response).Write()  example/internal/storage.(*Pool).acquire+512 /src/example/internal/storage/postgres/connection_pool.go:1234 → +160
               │   }                               → +160 /src/example/internal/log/log.go:20
        7.1 µs │   net/http.(*response).Write()    main.asm+12 → +160
    #   1.7 ms │   main.crash()                    0x9999 → +160
               │ }                                 → +160 /src/example/main.go:20
    ");
}

#[test]
fn colours() {
    let options = Options {
        color: true,
        width: Some(80),
        ..options()
    };
    let graphs = [nested(), unwound(), incomplete(), with_values()];
    let coloured = with(Format::Graph, options.clone(), &graphs);
    assert_snapshot!(coloured.replace('\x1b', "^"), @r#"
    ^[2m──^[0m 16:21:55.255312  pid 4242  goroutine 18  ^[1mmain.handleBar^[0m ^[2m─────────────────────^[0m
    ^[31m@ 354.6 ms^[0m ^[2m│^[0m main.handleBar() {                ^[2mnet/http/server.go:2122^[0m
    ^[31m@ 354.5 ms^[0m ^[2m│^[0m   example/internal/log.Debug() {  ^[2mmain.go:18^[0m
    +  12.3 µs ^[2m│^[0m     net/http.(*response).Write()  ^[2m…/connection_pool.go:1234^[0m
               ^[2m│^[0m   ^[2m}^[0m
        7.1 µs ^[2m│^[0m   net/http.(*response).Write()    ^[2mmain.asm+12^[0m
    #   1.7 ms ^[2m│^[0m   main.crash()                    ^[2m0x9999^[0m
               ^[2m│^[0m ^[2m}^[0m

    ^[2m──^[0m 16:21:55.255312  pid 4242  goroutine 18  ^[1mmain.handleBar^[0m ^[2m─────────────────────^[0m
    #   2.0 ms ^[2m│^[0m main.handleBar() {          ^[2mnet/http/server.go:2122^[0m
    #   1.5 ms ^[2m│^[0m   ^[35mmain.crash() ⟂ {^[0m          ^[2mmain.go:18^[0m
    #   1.4 ms ^[2m│^[0m     ^[35mmain.crash() ⟂ unwound^[0m  ^[2mmain.go:18^[0m
               ^[2m│^[0m   ^[35m} ⟂ unwound^[0m
               ^[2m│^[0m ^[2m}^[0m

    ^[2m──^[0m 16:21:55.255312  pid 4242  goroutine 18  ^[1mmain.handleBar^[0m ^[2m─────────────────────^[0m
    ^[1m^[31m! incomplete: 12 calls lost, 9980 deeper calls not stored^[0m
    ! 900.0 µs ^[2m│^[0m main.handleBar() {    ^[2mnet/http/server.go:2122^[0m
    ! 800.0 µs ^[2m│^[0m     main.recurse() {  ^[2mmain.go:18^[0m
               ^[2m│^[0m       ^[1m^[31m! 9980 deeper calls not stored^[0m
               ^[2m│^[0m     ^[2m}^[0m
               ^[2m│^[0m ^[2m}^[0m

    ^[2m──^[0m 16:21:55.255312  pid 4242  goroutine 18  ^[1mmain.handleBar^[0m ^[2m─────────────────────^[0m
    ^[31m@ 354.6 ms^[0m ^[2m│^[0m main.handleBar() {                ^[2mnet/http/server.go:2122^[0m
    ^[31m@ 354.5 ms^[0m ^[2m│^[0m   main.(*DB).query(^[36msql="SELECT * FRO…"+22, limit=500^[0m) {  ^[2mmain.go:18^[0m
    +  12.3 µs ^[2m│^[0m     net/http.(*response).Write()  ^[2m…/connection_pool.go:1234^[0m
        1.1 µs ^[2m│^[0m     ^[35mmain.(*DB).query(^[0m^[36msql="\x1b…"+4, limit=-1^[0m^[35m) ⟂ unwound^[0m  ^[2mmain.go:18^[0m
               ^[2m│^[0m   ^[2m}^[0m^[36m = ([]main.Row len 3, err=nil)^[0m
        7.1 µs ^[2m│^[0m   main.(*DB).query(^[36msql="", limit=0^[0m)^[36m = (…, err=‹unreada…^[0m  ^[2mmain.go:18^[0m
        1.7 µs ^[2m│^[0m   main.(*DB).query(^[36msql=…, limit=1^[0m)^[36m = ‹not captured›^[0m  ^[2mmain.go:18^[0m
               ^[2m│^[0m ^[2m}^[0m
    "#);
    // Colours change nothing else.
    let plain = with(
        Format::Graph,
        Options {
            color: false,
            ..options
        },
        &graphs,
    );
    let mut stripped = String::new();
    let mut parts = coloured.split('\x1b');
    stripped.extend(parts.next());
    stripped.extend(
        parts
            .filter_map(|part| part.split_once('m'))
            .map(|(_, text)| text),
    );
    assert_eq!(stripped, plain);
}

#[test]
fn several_graphs_and_a_new_day() {
    let day = 24 * 3_600 * 1_000_000_000;
    let midnight = START - START % day + day;
    let at = |start_ns| Graph {
        start_ns,
        ..simple()
    };
    let graphs = [at(midnight - 1), at(midnight), at(midnight + 1_000)];
    assert_snapshot!(with(Format::Graph, options(), &graphs), @"
    ── 23:59:59.999999  pid 4242  goroutine 18  main.handleBar ──
        850 ns │ main.handleBar()  net/http/server.go:2122

    ── 2026-11-19 ──

    ── 00:00:00.000000  pid 4242  goroutine 18  main.handleBar ──
        850 ns │ main.handleBar()  net/http/server.go:2122

    ── 00:00:00.000001  pid 4242  goroutine 18  main.handleBar ──
        850 ns │ main.handleBar()  net/http/server.go:2122
    ");
}

#[test]
fn times_are_those_of_the_wall_clock_in_the_time_zone() {
    let time_zone = render::TimeZone::fixed(jiff::tz::offset(2));
    let clock = Clock::new(START as i64 - 1_000_000_000);
    let options = Options {
        clock,
        time_zone,
        ..options()
    };
    let graph = Graph {
        start_ns: 1_000_000_000,
        ..simple()
    };
    let text = with(Format::Graph, options, &[graph]);
    assert!(text.starts_with("── 18:21:55.255312  pid 4242"), "{text}");
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    let all = [
        simple(),
        nested(),
        unwound(),
        open(),
        incomplete(),
        rootless(),
        with_stack(),
        recursion(3_000),
        hostile(),
        long_names(),
    ];
    for width in [60, 72, 80, 100, 132, 200] {
        let options = Options {
            width: Some(width),
            ..options()
        };
        for line in with(Format::Graph, options, &all).lines() {
            assert!(line.width() <= width, "{width}: {line}");
        }
    }
}

#[test]
fn durations_end_in_one_column() {
    let options = Options {
        width: Some(80),
        ..options()
    };
    let text = with(
        Format::Graph,
        options,
        &[nested(), open(), long_names(), recursion(30)],
    );
    let timed: Vec<&str> = text
        .lines()
        .filter(|line| !line.starts_with('─') && !line.is_empty())
        .collect();
    assert!(timed.len() > 70);
    for line in timed {
        assert_eq!(
            line.chars().position(|character| character == '│'),
            Some(11),
            "{line}"
        );
    }
}

#[test]
fn ten_thousand_levels_stay_linear() {
    let size = |levels: u32, width: Option<usize>| {
        with(
            Format::Graph,
            Options { width, ..options() },
            &[recursion(levels)],
        )
        .len()
    };
    for width in [None, Some(80)] {
        let small = size(1_000, width);
        let large = size(10_000, width);
        assert!(large < 11 * small, "{small} and {large} bytes");
        assert!(large < 10_000 * 250, "{large} bytes");
    }
    let text = shown(recursion(10_000));
    assert_eq!(text.lines().count(), 1 + 2 * 10_000 - 1);
    assert!(text.contains("[9999] main.recurse()"));
}

#[test]
fn durations_without_the_probes() {
    assert_snapshot!(shown(compensated()), @"
    ── 16:21:55.255312  pid 4242  goroutine 18  main.handleBar ──
    @ 359.4 ms │ main.handleBar() {                net/http/server.go:2122
    @ 354.5 ms │   example/internal/log.Debug() {  main.go:18
    +  11.8 µs │     net/http.(*response).Write()  internal/storage/postgres/connection_pool.go:1234
               │   }
        6.6 µs │   net/http.(*response).Write()    main.asm+12
    #   1.1 ms │   main.crash()                    0x9999
               │ }
    ");
}

#[test]
fn functions_that_were_dropped() {
    assert_snapshot!(shown(dropped(&[(2, 1)])), @"
    ── 16:21:55.255312  pid 4242  goroutine 18  main.handleBar ──
    ! not shown: net/http.(*response).Write: over budget
    @ 354.6 ms │ main.handleBar() {                net/http/server.go:2122
    @ 354.5 ms │   example/internal/log.Debug() {  main.go:18
    +  12.3 µs │     net/http.(*response).Write()  internal/storage/postgres/connection_pool.go:1234
               │   }
        7.1 µs │   net/http.(*response).Write()    main.asm+12
    #   1.7 ms │   main.crash()                    0x9999
               │ }
    ");
    let two = dropped(&[
        (2, 1),
        (4, START),
        (5, START + 100_000_000),
        (6, START + 200_000_000),
        (3, START + 300_000_000),
    ]);
    assert_snapshot!(shown(two), @r"
    ── 16:21:55.255312  pid 4242  goroutine 18  main.handleBar ──
    ! not shown: net/http.(*response).Write and 1 other: over budget
    ! not shown since 16:21:55.355312: main.\x1b[2Jevil\u202e and 2 others: over budget
    @ 354.6 ms │ main.handleBar() {                net/http/server.go:2122
    @ 354.5 ms │   example/internal/log.Debug() {  main.go:18
    +  12.3 µs │     net/http.(*response).Write()  internal/storage/postgres/connection_pool.go:1234
               │   }
        7.1 µs │   net/http.(*response).Write()    main.asm+12
    #   1.7 ms │   main.crash()                    0x9999
               │ }
    ");
    let also_lost = Graph {
        lost_calls: 3,
        ..dropped(&[(2, START + 1), (1, START + 2)])
    };
    assert_snapshot!(shown(also_lost), @"
    ── 16:21:55.255312  pid 4242  goroutine 18  main.handleBar ──
    ! incomplete: 3 calls lost
    ! not shown since 16:21:55.255312: net/http.(*response).Write and 1 other: over budget
    @ 354.6 ms │ main.handleBar() {                net/http/server.go:2122
    @ 354.5 ms │   example/internal/log.Debug() {  main.go:18
    +  12.3 µs │     net/http.(*response).Write()  internal/storage/postgres/connection_pool.go:1234
               │   }
        7.1 µs │   net/http.(*response).Write()    main.asm+12
    #   1.7 ms │   main.crash()                    0x9999
               │ }
    ");
    let with_a_gap = Graph {
        dropped: dropped(&[(2, 1)]).dropped,
        ..rootless()
    };
    assert_snapshot!(shown(with_a_gap), @"
    ── 16:21:55.255312  pid 4242  goroutine 18  main.handleBar ──
    ! incomplete: the end was lost
    ! not shown: net/http.(*response).Write: over budget
        1.0 µs │   example/internal/log.Debug()  main.go:18
        3.0 µs │   example/internal/log.Debug()  main.go:18
    ");
}

#[test]
fn what_was_dropped_and_taken_out_is_in_the_totals() {
    let names = |count: usize| (0..count).map(|n| format!("main.f{n}")).collect();
    let totals = |probe_ns, dropped_functions| graph::Totals {
        probe_ns,
        dropped_functions,
        ..common::totals()
    };
    assert_snapshot!(end(Format::Graph, &totals(Some(12_345_678), names(1))), @"
    3 graphs, 120 calls filtered out, 10.0 s
    durations without the probes' own time, 12.3 ms in all
    ! 1 function no longer shown, over budget: main.f0
    ");
    assert_snapshot!(end(Format::Graph, &totals(Some(0), names(2))), @"
    3 graphs, 120 calls filtered out, 10.0 s
    durations without the probes' own time, 0 ns in all
    ! 2 functions no longer shown, over budget: main.f0 and main.f1
    ");
    assert_snapshot!(end(Format::Graph, &totals(None, names(8))), @"
    3 graphs, 120 calls filtered out, 10.0 s
    ! 8 functions no longer shown, over budget: main.f0, main.f1, main.f2, main.f3, main.f4, main.f5, main.f6 and main.f7
    ");
    assert_snapshot!(end(Format::Graph, &totals(None, names(9))), @"
    3 graphs, 120 calls filtered out, 10.0 s
    ! 9 functions no longer shown, over budget: main.f0, main.f1, main.f2, main.f3, main.f4, main.f5, main.f6, main.f7 and 1 other
    ");
    assert_snapshot!(end(Format::Graph, &totals(None, vec![FUNCTIONS[5].to_owned()])), @r"
    3 graphs, 120 calls filtered out, 10.0 s
    ! 1 function no longer shown, over budget: main.\x1b[2Jevil\u202e
    ");
}

#[test]
fn totals() {
    assert_snapshot!(end(Format::Graph, &common::totals()), @"3 graphs, 120 calls filtered out, 10.0 s");
    let lossy = graph::Totals {
        graphs: 1,
        lost_records: 48,
        lost_graphs: 1,
        goroutines_full: 7,
        missing_calls: 2,
        processes_full: 4,
        no_g: 1,
        stale: 1,
        dropped_calls: 5,
        undecided: 3,
        seconds: 0.25,
        ..graph::Totals::default()
    };
    assert_snapshot!(end(Format::Graph, &lossy), @"
    1 graph, 0.2 s
    ! 48 calls lost: the ring buffer was full
    ! 1 graph lost, at least at the end: the ring buffer was full
    ! 7 target calls not traced: the goroutine table was full (--max-goroutines)
    ! 4 target calls not traced: too many processes
    ! 2 calls too deep to be stored
    ! 5 calls lost: too many calls in graphs that had not ended
    ! 1 event without a readable goroutine or stack
    ! 1 graph cut off by an exec
    ! 3 calls not decided about or not counted: something could not be read, or the call did not return
    ");
}
