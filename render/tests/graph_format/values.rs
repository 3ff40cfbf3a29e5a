//! Values beside the calls.

use graph::Graph;
use insta::assert_snapshot;
use unicode_width::UnicodeWidthStr;

use super::{common::*, on_terminal, shown};

#[test]
fn values_in_a_file() {
    assert_snapshot!(shown(with_values()), @r#"
    ── 16:21:55.255312  pid 4242  goroutine 18  main.handleBar ──
    @ 354.6 ms │ main.handleBar() {                                           net/http/server.go:2122
    @ 354.5 ms │   main.(*DB).query(sql="SELECT * FROM us…"+18, limit=500) {  main.go:18
    +  12.3 µs │     net/http.(*response).Write()                             internal/storage/postgres/connection_pool.go:1234
        1.1 µs │     main.(*DB).query(sql="\x1b[2J\"", limit=-1) ⟂ unwound    main.go:18
               │   } = ([]main.Row len 3, err=nil)
        7.1 µs │   main.(*DB).query(sql="", limit=0) = ([]main.Row{}, err=‹unreadable›)  main.go:18
        1.7 µs │   main.(*DB).query(sql="SELECT * FROM us…"+18, limit=1) = ‹not captured›  main.go:18
               │ }
    "#);
}

#[test]
fn values_on_a_terminal() {
    assert_snapshot!(on_terminal(100, with_values()), @r#"
    ── 16:21:55.255312  pid 4242  goroutine 18  main.handleBar ─────────────────────────────────────────
    @ 354.6 ms │ main.handleBar() {                                         net/http/server.go:2122
    @ 354.5 ms │   main.(*DB).query(sql="SELECT * FROM us…"+18, limit=500) {  main.go:18
    +  12.3 µs │     net/http.(*response).Write()      internal/storage/postgres/connection_pool.go:1234
        1.1 µs │     main.(*DB).query(sql="\x1b[2J\"", limit=-1) ⟂ unwound  main.go:18
               │   } = ([]main.Row len 3, err=nil)
        7.1 µs │   main.(*DB).query(sql="", limit=0) = ([]main.Row{}, err=‹unreadable›)  main.go:18
        1.7 µs │   main.(*DB).query(sql="SELECT * FROM us…"+18, limit=1) = ‹not captured›  main.go:18
               │ }
    "#);
    assert_snapshot!(on_terminal(72, with_values()), @r#"
    ── 16:21:55.255312  pid 4242  goroutine 18  main.handleBar ─────────────
    @ 354.6 ms │ main.handleBar() {                net/http/server.go:2122
    @ 354.5 ms │   main.(*DB).query(sql="SELE…"+30, limit=500) {  main.go:18
    +  12.3 µs │     net/http.(*response).Write()  …/connection_pool.go:1234
        1.1 µs │     main…*DB).query(sql=…, limit=-1) ⟂ unwound  main.go:18
               │   } = ([]main.Row len 3, err=nil)
        7.1 µs │   main.(*DB).query(sql="", limit…) = (…, err=‹…  main.go:18
        1.7 µs │   main.(*DB).query(sql="SELECT…"…) = ‹not capt…  main.go:18
               │ }
    "#);
    assert_snapshot!(on_terminal(40, with_values()), @r#"
    ── 16:21:55.255312  pid 4242  goroutine 18   ──
    @ 354.6 ms │ mai…andleBar() {  se…o:2122
    @ 354.5 ms │   m…ery(sql="…) {  ma…go:18
    +  12.3 µs │     htt…).Write()  co…:1234
        1.1 µs │     …ry(sq…) ⟂ unwound  …18
               │   } = (…, err=nil)
        7.1 µs │   m…uery(sq…) =…  ma….go:18
        1.7 µs │   m…uery(sq…) =…  ma….go:18
               │ }
    "#);
    for width in 40..160 {
        for line in on_terminal(width, with_values()).lines().skip(1) {
            assert!(line.width() <= width, "{width}: {line}");
        }
    }
}

#[test]
fn values_of_generic_code() {
    assert_snapshot!(shown(generic_code()), @"
    ── 16:21:55.255312  pid 4242  goroutine 18  main.handleBar ──
       10.0 µs │ main.handleBar() {                                            net/http/server.go:2122
        1.0 µs │   main.wait[go.shape.int64](least=1.5s, n=7) = 2ms            main.go:18
        1.0 µs │   main.wait[go.shape.int64](least=1500000000, n=7) = 2000000  main.go:18
        1.0 µs │   main.wait[go.shape.int64](least=1500000000, n=7) = ‹not captured›  main.go:18
        1.0 µs │   main.wait[go.shape.int64](‹not captured›) = 2000000         main.go:18
               │ }
    ");
}

/// Issue 9, item 19: seven captures, four calls.
#[test]
fn lost_values() {
    let lost = Graph {
        lost_values: 7,
        complete: false,
        captured: Default::default(),
        ..with_values()
    };
    assert_snapshot!(shown(lost), @"
    ── 16:21:55.255312  pid 4242  goroutine 18  main.handleBar ──
    ! incomplete: values of 4 calls lost
    @ 354.6 ms │ main.handleBar() {                      net/http/server.go:2122
    @ 354.5 ms │   main.(*DB).query(‹lost›) {            main.go:18
    +  12.3 µs │     net/http.(*response).Write()        internal/storage/postgres/connection_pool.go:1234
        1.1 µs │     main.(*DB).query(‹lost›) ⟂ unwound  main.go:18
               │   } = ‹lost›
        7.1 µs │   main.(*DB).query(‹lost›) = ‹lost›     main.go:18
        1.7 µs │   main.(*DB).query(‹lost›) = ‹lost›     main.go:18
               │ }
    ");
}
