//! What `--format graph` looks like.

mod common;

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
    ── 16:21:55.255312  pid 4242  goroutine 18  a label\x07 with a bell and so many patterns that it cannot fit a line, *.*, net/http.* ──
          1 ns │ main.\x1b[2Jevil\u{202e}()  \x1b]0;evil\x07.go:3
    ");
    assert_snapshot!(on_terminal(60, hostile()), @r"
    ── 16:21:55.255312  pid 4242  goroutine 18  a la…t/http.* ──
          1 ns │ main.\x1b[2Jevil\u{202e}()  \x1b]0…vil\x07.go:3
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
    let graphs = [nested(), unwound(), incomplete()];
    let coloured = with(Format::Graph, options.clone(), &graphs);
    assert_snapshot!(coloured.replace('\x1b', "^"), @"
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
    #   1.5 ms ^[2m│^[0m   ^[35mmain.crash^[0m^[35m() ⟂ {^[0m          ^[2mmain.go:18^[0m
    #   1.4 ms ^[2m│^[0m     ^[35mmain.crash^[0m^[35m() ⟂ unwound^[0m  ^[2mmain.go:18^[0m
               ^[2m│^[0m   ^[35m} ⟂ unwound^[0m
               ^[2m│^[0m ^[2m}^[0m

    ^[2m──^[0m 16:21:55.255312  pid 4242  goroutine 18  ^[1mmain.handleBar^[0m ^[2m─────────────────────^[0m
    ^[1m^[31m! incomplete: 12 calls lost, 9980 deeper calls not stored^[0m
    ! 900.0 µs ^[2m│^[0m main.handleBar() {    ^[2mnet/http/server.go:2122^[0m
    ! 800.0 µs ^[2m│^[0m     main.recurse() {  ^[2mmain.go:18^[0m
               ^[2m│^[0m       ^[1m^[31m! 9980 deeper calls not stored^[0m
               ^[2m│^[0m     ^[2m}^[0m
               ^[2m│^[0m ^[2m}^[0m
    ");
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
    let clock = Clock {
        realtime_minus_monotonic_ns: START as i64 - 1_000_000_000,
    };
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
fn totals() {
    assert_snapshot!(end(Format::Graph, &common::totals()), @"3 graphs, 120 calls filtered out, 10.0 s");
    let lossy = graph::Totals {
        graphs: 1,
        lost_records: 48,
        lost_graphs: 1,
        goroutines_full: 7,
        missing_calls: 2,
        no_g: 1,
        stale: 1,
        dropped_calls: 5,
        seconds: 0.25,
        ..graph::Totals::default()
    };
    assert_snapshot!(end(Format::Graph, &lossy), @"
    1 graph, 0.2 s
    ! 48 calls lost: the ring buffer was full
    ! 1 graph lost, at least at the end: the ring buffer was full
    ! 7 target calls not traced: the goroutine table was full (--max-goroutines)
    ! 2 calls too deep to be stored
    ! 5 calls lost: too many calls in graphs that had not ended
    ! 1 event without a readable goroutine or stack
    ! 1 graph cut off by an exec
    ");
}
