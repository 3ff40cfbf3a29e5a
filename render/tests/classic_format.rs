//! What `--format classic` looks like.

mod common;

use common::*;
use graph::Graph;
use insta::assert_snapshot;
use render::{Format, Options, TimeZone};

/// Without the blank line that goes before the first graph, too.
fn shown(graphs: &[Graph]) -> String {
    let text = with(Format::Classic, options(), graphs);
    let rest = text.strip_prefix('\n').expect("a blank line");
    rest.to_owned()
}

/// The original system's own example, field by field.
#[test]
fn the_original_layout() {
    let mut outer = call(0, 0, 0, 354_600_123, 0x1000);
    outer.return_offset = Some(192);
    let mut inner = call(1, 1, 10_000, 354_500_000, 0x2000);
    inner.return_offset = Some(58);
    let text = shown(&[graph(vec![outer, inner])]);
    let lines: Vec<&str> = text.lines().collect();
    let expected = [
        "18 16:21:55.2553           main.handleBar() { net/http.HandlerFunc.ServeHTTP+47 /usr/local/go/src/net/http/server.go:2122",
        "18 16:21:55.2553             example/internal/log.Debug() { main.handleBar+69 /src/example/main.go:18",
        "18 16:21:55.6098 000.3545    } example/internal/log.Debug+58 /src/example/internal/log/log.go:7",
        "18 16:21:55.6099 000.3546  } main.handleBar+192 /src/example/main.go:24",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn a_blank_line_before_each_graph() {
    assert_snapshot!(shown(&[simple(), simple()]), @"
    18 16:21:55.2553           main.handleBar() { net/http.HandlerFunc.ServeHTTP+47 /usr/local/go/src/net/http/server.go:2122
    18 16:21:55.2553 000.0000  } main.handleBar+160 /src/example/main.go:20

    18 16:21:55.2553           main.handleBar() { net/http.HandlerFunc.ServeHTTP+47 /usr/local/go/src/net/http/server.go:2122
    18 16:21:55.2553 000.0000  } main.handleBar+160 /src/example/main.go:20
    ");
}

#[test]
fn calls_that_did_not_return() {
    assert_snapshot!(shown(&[unwound(), open()]), @"
    18 16:21:55.2553           main.handleBar() { net/http.HandlerFunc.ServeHTTP+47 /usr/local/go/src/net/http/server.go:2122
    18 16:21:55.2553             main.crash() { main.handleBar+69 /src/example/main.go:18
    18 16:21:55.2553               main.crash() { main.handleBar+69 /src/example/main.go:18
    18 16:21:55.2567 000.0014      } main.crash unwound
    18 16:21:55.2568 000.0015    } main.crash unwound
    18 16:21:55.2573 000.0020  } main.handleBar+160 /src/example/main.go:20

    18 16:21:55.2553           main.handleBar() { net/http.HandlerFunc.ServeHTTP+47 /usr/local/go/src/net/http/server.go:2122
    18 16:21:55.2553             example/internal/log.Debug() { main.handleBar+69 /src/example/main.go:18
    18 16:21:55.2753 000.0200    } example/internal/log.Debug+160 /src/example/internal/log/log.go:20
    18 16:21:55.2853             example/internal/log.Debug() { main.handleBar+69 /src/example/main.go:18
    18 16:22:00.2553 004.9700    } example/internal/log.Debug open
    18 16:22:00.2553 005.0000  } main.handleBar open
    ");
}

#[test]
fn losses_and_callers() {
    assert_snapshot!(shown(&[incomplete(), rootless(), with_stack()]), @"
    18 16:21:55.2553           main.handleBar() { net/http.HandlerFunc.ServeHTTP+47 /usr/local/go/src/net/http/server.go:2122
    18 16:21:55.2553               main.recurse() { main.handleBar+69 /src/example/main.go:18
    18 16:21:55.2553                 ! 9980 deeper calls not stored
    18 16:21:55.2561 000.0008      } main.recurse+160 ?:?
    18 16:21:55.2562 000.0009  } main.handleBar+160 /src/example/main.go:20
    18 16:21:55.2562           ! incomplete: 12 calls lost, 9980 deeper calls not stored

    18 16:21:55.2553             example/internal/log.Debug() { main.handleBar+69 /src/example/main.go:18
    18 16:21:55.2553 000.0000    } example/internal/log.Debug+160 /src/example/internal/log/log.go:20
    18 16:21:55.2553             example/internal/log.Debug() { main.handleBar+69 /src/example/main.go:18
    18 16:21:55.2553 000.0000    } example/internal/log.Debug+160 /src/example/internal/log/log.go:20
    18 16:21:55.2553           ! incomplete: the end was lost

    18 16:21:55.2553           (unknown) ?:?
    18 16:21:55.2553           0x9999 ?:?
    18 16:21:55.2553           net/http.(*conn).serve+1404 /usr/local/go/src/net/http/server.go:2092
    18 16:21:55.2553           net/http.HandlerFunc.ServeHTTP+47 /usr/local/go/src/net/http/server.go:2122
    18 16:21:55.2553           main.handleBar() { net/http.HandlerFunc.ServeHTTP+47 /usr/local/go/src/net/http/server.go:2122
    18 16:21:55.2553             example/internal/log.Debug() { main.handleBar+69 /src/example/main.go:18
    18 16:21:55.2553               net/http.(*response).Write() { example/internal/storage.(*Pool).acquire+512 /src/example/internal/storage/postgres/connection_pool.go:1234
    18 16:21:55.2553 000.0000      } net/http.(*response).Write+160 ?:?
    18 16:21:55.6098 000.3545    } example/internal/log.Debug+160 /src/example/internal/log/log.go:20
    18 16:21:55.6098             net/http.(*response).Write() { main.asm+12 ?:?
    18 16:21:55.6098 000.0000    } net/http.(*response).Write+160 ?:?
    18 16:21:55.6098             main.crash() { 0x9999 ?:?
    18 16:21:55.6115 000.0017    } main.crash+160 ?:?
    18 16:21:55.6099 000.3546  } main.handleBar+160 /src/example/main.go:20
    ");
}

#[test]
fn hostile_names_are_escaped() {
    let text = shown(&[hostile()]);
    assert!(
        !text
            .chars()
            .any(|character| character.is_control() && character != '\n'),
        "{text}"
    );
    assert!(
        text.contains(r"main.\x1b[2Jevil\u202e() { main.x+1 /src/\x1b]0;evil\a.go:3"),
        "{text}"
    );
}

#[test]
fn the_day_is_that_of_each_event() {
    let day = 24 * 3_600 * 1_000_000_000;
    let midnight = START - START % day + day;
    let graph = Graph {
        start_ns: midnight - 1_000_000,
        ..graph(vec![call(0, 0, 0, 2_000_000, 0x4000)])
    };
    assert_snapshot!(shown(std::slice::from_ref(&graph)), @"
    18 23:59:59.9990           main.handleBar() { main.asm+12 ?:?
    19 00:00:00.0010 000.0020  } main.handleBar+160 /src/example/main.go:20
    ");
    let time_zone = TimeZone::fixed(jiff::tz::offset(-5));
    let west = with(
        Format::Classic,
        Options {
            time_zone,
            ..options()
        },
        &[graph],
    );
    assert!(west.starts_with("\n18 18:59:59.9990 "), "{west}");
}

#[test]
fn durations_of_a_thousand_seconds_and_more_grow() {
    let text = shown(&[graph(vec![call(0, 0, 0, 1_234_567_890_000, 0x4000)])]);
    assert!(text.contains(" 1234.5679  } main.handleBar+160"), "{text}");
}

#[test]
fn ten_thousand_levels() {
    let text = shown(&[recursion(10_000)]);
    assert_eq!(text.lines().count(), 20_000);
    assert!(text.len() < 20_000 * 520, "{} bytes", text.len());
}

#[test]
fn durations_without_the_probes_and_functions_that_were_dropped() {
    assert_snapshot!(shown(&[compensated()]), @"
    18 16:21:55.2553           main.handleBar() { net/http.HandlerFunc.ServeHTTP+47 /usr/local/go/src/net/http/server.go:2122
    18 16:21:55.2553             example/internal/log.Debug() { main.handleBar+69 /src/example/main.go:18
    18 16:21:55.2553               net/http.(*response).Write() { example/internal/storage.(*Pool).acquire+512 /src/example/internal/storage/postgres/connection_pool.go:1234
    18 16:21:55.2553 000.0000      } net/http.(*response).Write+160 ?:?
    18 16:21:55.6098 000.3545    } example/internal/log.Debug+160 /src/example/internal/log/log.go:20
    18 16:21:55.6098             net/http.(*response).Write() { main.asm+12 ?:?
    18 16:21:55.6098 000.0000    } net/http.(*response).Write+160 ?:?
    18 16:21:55.6098             main.crash() { 0x9999 ?:?
    18 16:21:55.6115 000.0011    } main.crash+160 ?:?
    18 16:21:55.6153 000.3594  } main.handleBar+160 /src/example/main.go:20
    ");
    assert_snapshot!(shown(&[dropped(&[(2, 1), (4, START + 1_000)])]), @"
    18 16:21:55.2553           main.handleBar() { net/http.HandlerFunc.ServeHTTP+47 /usr/local/go/src/net/http/server.go:2122
    18 16:21:55.2553             example/internal/log.Debug() { main.handleBar+69 /src/example/main.go:18
    18 16:21:55.2553               net/http.(*response).Write() { example/internal/storage.(*Pool).acquire+512 /src/example/internal/storage/postgres/connection_pool.go:1234
    18 16:21:55.2553 000.0000      } net/http.(*response).Write+160 ?:?
    18 16:21:55.6098 000.3545    } example/internal/log.Debug+160 /src/example/internal/log/log.go:20
    18 16:21:55.6098             net/http.(*response).Write() { main.asm+12 ?:?
    18 16:21:55.6098 000.0000    } net/http.(*response).Write+160 ?:?
    18 16:21:55.6098             main.crash() { 0x9999 ?:?
    18 16:21:55.6115 000.0017    } main.crash+160 ?:?
    18 16:21:55.6099 000.3546  } main.handleBar+160 /src/example/main.go:20
    18 16:21:55.6099           ! not shown: net/http.(*response).Write: over budget
    18 16:21:55.6099           ! not shown since 16:21:55.255313: main.recurse: over budget
    ");
}

#[test]
fn values() {
    assert_snapshot!(shown(&[with_values()]), @r#"
    18 16:21:55.2553           main.handleBar() { net/http.HandlerFunc.ServeHTTP+47 /usr/local/go/src/net/http/server.go:2122
    18 16:21:55.2553             main.(*DB).query(sql="SELECT * FROM us…"+18, limit=500) { main.handleBar+69 /src/example/main.go:18
    18 16:21:55.2553               net/http.(*response).Write() { example/internal/storage.(*Pool).acquire+512 /src/example/internal/storage/postgres/connection_pool.go:1234
    18 16:21:55.2553 000.0000      } net/http.(*response).Write+160 ?:?
    18 16:21:55.2553               main.(*DB).query(sql="\x1b[2J\"", limit=-1) { main.handleBar+69 /src/example/main.go:18
    18 16:21:55.2553 000.0000      } main.(*DB).query unwound
    18 16:21:55.6098 000.3545    } main.(*DB).query+160 ?:? = ([]main.Row len 3, err=nil)
    18 16:21:55.6098             main.(*DB).query(sql="", limit=0) { main.handleBar+69 /src/example/main.go:18
    18 16:21:55.6098 000.0000    } main.(*DB).query+160 ?:? = ([]main.Row{}, err=‹unreadable›)
    18 16:21:55.6098             main.(*DB).query(sql="SELECT * FROM us…"+18, limit=1) { main.handleBar+69 /src/example/main.go:18
    18 16:21:55.6098 000.0000    } main.(*DB).query+160 ?:? = ‹not captured›
    18 16:21:55.6099 000.3546  } main.handleBar+160 /src/example/main.go:20
    "#);
}
