//! Wrong expressions about functions of a real executable, and everything that is said of each.

mod support;

use std::fmt::Write as _;

use compiler::{Source, check, diagnostics::report};
use gobinary::Executable;
use insta::assert_snapshot;

/// What is said of each of the clauses; of all of them something is.
fn said(executable: &Executable, function: &str, clauses: &[&str]) -> String {
    let mut out = String::new();
    for clause in clauses {
        let program = format!("trace main.{function} < {clause} >");
        let source = Source::new("it", program.as_str());
        let diagnostics = check(&source, &[], Some(executable)).diagnostics;
        let report = report(&source, &diagnostics, false);
        assert!(!diagnostics.is_empty(), "{program}");
        let _ = writeln!(out, "{}", report.trim_end());
    }
    out
}

macro_rules! wrong {
    ($($name:ident: $executable:ident, $function:literal, [$($clause:literal),* $(,)?];)*) => {
        $(
            #[test]
            fn $name() {
                let Some(executable) = support::$executable() else {
                    return;
                };
                assert_snapshot!(stringify!($name), said(executable, $function, &[$($clause),*]));
            }
        )*
    };
}

wrong! {
    parts_that_are_not_clear: typed, "words", [
        "where b.Name == \"x\"",
        "where list == \"x\"",
        "where body == \"x\"",
        "where string(times) == \"x\"",
        "where times == 0755",
        "where times == 099",
        "where 1s / 0s == 1",
        "where ret[0] == 1",
    ];
    pointers_to_anything: typed, "put", [
        "where *x == 1",
        "where x.Path == \"x\"",
        "where *held.first == 1",
        "args *x",
    ];
    arrays_on_the_stack: typed, "grid", [
        "where cells[at][ret] == 1",
        "where cells[ret][at] == 1",
        "where cells[ret % 2][0] == 1",
    ];
    rings: typed, "around", [
        "where r.Lowest == 1",
        "where r.r1.r2.Lowest == 1",
    ];
    unknown_names: typed, "query", [
        "where limt > 1",
        "where Limit > 1",
        "where foo > 1",
        "where arg.foo > 1",
        "where arg > 1",
        "where err != nil",
        "where ret.err != nil",
        "where ret != nil",
        "where ret[2] == nil",
        "where comm == \"x\"",
        "where durr > 1s",
        "where ax > 1",
        "where reg.xx == 1",
        "where $nothing > 1",
        "where limt > 1 && sqll == \"x\" && limit > 5",
    ];
    unknown_functions: typed, "query", [
        "where lenn(sql) > 1",
        "where strlen(sql) > 1",
        "where frobnicate(sql) > 1",
        "where len(sql, limit) > 1",
        "where len() > 1",
        "where u9(reg.ax) == 1",
        "where u64() == 1",
        "where mem(reg.ax) == \"x\"",
        "where mem(sql, 8) == \"x\"",
        "where mem(reg.ax, \"8\") == \"x\"",
    ];
    results_by_name_and_number: typed, "handle", [
        "where ret.x == 1",
        "where ret.nn == 1",
        "where n == 1",
        "where ret == nil",
        "where ret[3] == nil",
        "where ret.took.x == 1",
        "where ret.took > 5",
    ];
    no_results: typed, "nothing", [
        "where ret == 1",
        "where ret[0] == 1",
        "where ret.err != nil",
        "where x == 1",
        "ret ret",
        "args x",
    ];
    strings: typed, "query", [
        "where sql > 5",
        "where sql == 5",
        "where sql < \"b\"",
        "where sql == nil",
        "where sql + \"x\" == \"y\"",
        "where -sql == \"x\"",
        "where sql.len > 1",
        "where sql[\"x\"] == 1",
        "where sql[0] == \"S\"",
        "where sql =~ limit",
        "where sql =~ 5",
        "where sql has sql",
        "where sql has 5",
        "where sql in \"a\"",
        "where sql in [\"a\", 5]",
        "where int(sql) == 1",
        "where sql == 'x'",
    ];
    numbers: typed, "query", [
        "where limit == \"x\"",
        "where limit == \"5\"",
        "where limit == nil",
        "where limit == true",
        "where limit > 100ms",
        "where limit == sql",
        "where limit =~ \"x*\"",
        "where limit has \"x\"",
        "where limit.x == 1",
        "where limit[0] == 1",
        "where *limit == 5",
        "where limit.(int) == 5",
        "where len(limit) > 1",
        "where limit == 1.5",
        "where limit & 1.5 == 0",
        "where limit / 0 == 1",
        "where limit % 0 == 1",
        "where small == 300",
        "where small > -129",
        "where code == -1",
        "where code == 1e3",
        "where int8(300) == 1",
        "where limit in [1, \"x\", 2]",
        "where limit in []",
        "where limit in 5",
    ];
    signs: typed, "count", [
        "where a > c",
        "where a + c > 1",
        "where a == b + c",
        "where a == -1",
        "where b == 4294967296",
    ];
    floats: typed, "query", [
        "where ratio > 1.5",
        "where ratio * 2 > 1",
        "where ratio == nil",
        "where ratio == \"x\"",
        "args ratio * 2",
    ];
    constants: typed, "query", [
        "where \"a\" == 5",
        "where 1 + \"x\" == 2",
        "where 5",
        "where \"x\"",
        "where nil",
        "where nil == nil",
        "where 1 / 0 == 1",
        "where 1ms * 1ms > 1s",
        "where fn == 5",
    ];
    conditions: typed, "query", [
        "where limit",
        "where sql",
        "where limit + 1",
        "where !limit",
        "where sql && limit > 1",
        "where ret[1]",
        "where dur",
        "where limit == 1 || nil",
        "where caller",
        "where [1]",
        "where (limit > 1) + 1 == 2",
        "where (limit > 1) == 1",
    ];
    times: typed, "handle", [
        "where timeout > 5",
        "where timeout + 5 > 1s",
        "where timeout > limit",
        "where timeout > r.ID",
        "where dur > 5",
        "where dur == \"5s\"",
        "where self > n",
        "where depth > 1s",
    ];
    fields: typed, "handle", [
        "where r.Methd == \"x\"",
        "where r.method == \"x\"",
        "where r.URL.Pth has \"x\"",
        "where r.Method.x == 1",
        "where timeout.x == 1",
        "where ok.x",
        "where v.x == 1",
        "where values.x == 1",
        "where r.Header.x == 1",
    ];
    elements: typed, "handle", [
        "where r.Header[\"x\"] == 1",
        "where values[2] == 1",
        "where r.Codes[3] == 1",
        "where r.Codes[-1] == 1",
        "where counts[1.5] == 1",
        "where counts[ok] == 1",
        "where values[ret.n] == 1",
        "where ptr[0] == 1",
        "where r[0] == 1",
    ];
    structs_pointers_and_interfaces: typed, "handle", [
        "where r == 5",
        "where *r == 5",
        "where *r == nil",
        "where r.Base == 5",
        "where r.Base == nil",
        "where ptr == 5",
        "where *ptr == nil",
        "where v == 5",
        "where v == \"x\"",
        "where err == \"EOF\"",
        "where err has \"EOF\"",
        "where err.Code == 5",
        "where r.Done == 5",
        "where r.Body == \"x\"",
        "where r.Tags == 1",
        "where r.Tags has \"x\"",
        "where r.Tags == r.Tags",
        "where r.Header > 1",
        "where values == 1",
        "where ok == 1",
        "where ok > false",
        "where ptr > ptr",
        "where err == v",
        "where r.Last has \"x\"",
    ];
    assertions: typed, "handle", [
        "where err.(*main.queryEror).Code == 5",
        "where err.(queryError).Code == 5",
        "where err.(*queryEror).Code == 5",
        "where err.(error) != nil",
        "where err.(*main.queryError).Cod == 5",
        "where err.(*http.Request) != nil",
        "where r.(*main.Request) != nil",
        "where v.(string) == 5",
    ];
    callers: typed, "query", [
        "where caller > \"x\"",
        "where caller == 5",
        "where caller == \"main.mian\"",
        "where caller =~ \"nowhere.*\"",
        "where caller =~ \"a(\"",
        "where caller =~ \"a[\"",
        "where caller has \"main\"",
        "where caller == sql",
        "where len(caller) > 1",
    ];
    at_the_wrong_moment: typed, "query", [
        "args ret",
        "args dur",
        "args self",
        "args ret[0]",
        "args limt",
        "args sql, limt, rattio",
        "ret sql",
        "ret len(sql)",
        "ret arg.limit",
        "ret err",
        "ret durr",
        "ret ax",
    ];
    syntax: typed, "query", [
        "where limit > ",
        "where limit > 1 and small == 1",
        "where limit = 1",
        "where limit => 1",
        "where (limit > 1",
        "where limit > 1)",
        "where sql == \"x",
        "where limit > 1 limit < 5",
        "where sql ~= \"x\"",
        "where not limit > 1",
        "where limit | 1 == 1",
        "where p->x == 1",
        "where limit > 1, small > 1",
        "where limit == 5mss",
        "args sql limit",
        "args name = sql",
        "args sql as",
        "args sql as 5",
        "args sql, ",
    ];
    built_in_names_that_are_taken: typed, "(*taken).*", [
        "where dur > 100ms",
        "stats(dur) by fn",
        "hist(call.dur) by fn, call.fn, call.caller; print \"{dur} {call.dur} {g}\"",
        "args fn, self.count, dur",
        "ret g",
        "ret call.g, call.dur, depth",
        "where call.durr > 1s",
        "where call.count > 1s",
        "where call.count > 1 && arg.call.dur > 1s",
    ];
    calls_and_packages: typed, "handle", [
        "where e.Error() =~ \"x\"",
        "where errors.Is(ret.e, io.EOF)",
        "where strings.HasPrefix(r.Method, \"/\") && strings.Contains(r.Method, \"x\")",
        "where bytes.HasSuffix(r.Body, \"/\")",
        "where timeout.Seconds() > 1",
        "where time.Since(r.Date).Seconds() > 1",
        "where r.Method.Len() > 1 || v.(*main.Request).frobnicate(1, 2)",
        "where ret.e.Error( > 1",
        "args r.URL.String()",
        "where err == os.ErrNotExist",
        "where r.Codes[0] in [main.first, main.second]",
    ];
    slips_of_other_languages: typed, "query", [
        "where 0 < limit < 2",
        "where limit > 0 & limit < 2",
        "where limit == 1 & sql == \"x\"",
        "where (limit == 1) & (small == 2)",
        "where sql == GET",
        "where sql == get",
        "where sql in [GET, sq]",
        "where limit == GET",
        "where caller == main.main",
        "where sql =~ \"^SELECT.*\" || sql =~ \"P[OU]*\" || sql =~ \"x$\"",
        "where sql =~ \"a|b\" || sql =~ \"a.*|b\"",
        "where caller =~ \"main.*\" && sql =~ \"SELECT\"",
        "ret 0, 1",
        "args 0, \"sql\", 1s, sql",
    ];
    types_by_their_short_names: typed, "handle", [
        "where err.(QueryError) != nil",
        "where err.(Plain) == \"x\"",
    ];
    without_types: typed_without_dwarf, "query", [
        "where limit > 100",
        "where ret != nil",
        "where err.(*main.queryError).Code == 5",
        "args",
        "args sql, limit",
        "args reg.xx",
        "args mem(reg.ax)",
        "ret",
        "ret ret[0]",
    ];
}

/// Conditions on functions of which only one lacks the parameter, or has it with another type.
#[test]
fn several_functions() {
    let Some(executable) = support::typed() else {
        return;
    };
    assert_snapshot!(
        "several_functions",
        said(
            executable,
            "query, main.count, main.handle",
            &[
                "where limit > 100",
                "where limt > 100",
                "args a",
                "where len > 1",
            ],
        )
    );
}

#[test]
fn too_much() {
    let Some(executable) = support::typed() else {
        return;
    };
    let long = "x".repeat(300);
    let equal = format!("where sql == \"{long}\"");
    let has = format!("where sql has \"{}\"", &long[..70]);
    let searches: Vec<String> = (10..30).map(|n| format!("sql has \"x{n}\"")).collect();
    let searches = format!("where {}", searches.join(" || "));
    assert_snapshot!(
        "too_much",
        said(executable, "query", &[&equal, &has, &searches])
    );
}

#[test]
fn there_are_two_hundred() {
    let text = include_str!("wrong_expressions.rs");
    let clauses = text.lines().filter(|line| {
        let line = line.trim_start();
        ["\"where ", "\"args", "\"ret"]
            .iter()
            .any(|start| line.starts_with(start))
    });
    assert!(clauses.count() >= 200);
}

/// Types whose package has a dot in its last element, in both spellings.
#[test]
fn a_dot_in_a_package_is_written_as_a_dot() {
    let Some(executable) = support::typed() else {
        return;
    };
    for ty in ["yaml.v3.Node", "yaml%2ev3.Node"] {
        let program = format!("trace main.handle < where v.(*example.test/typed/{ty}).Kind == 1 >");
        let checked = check(&Source::new("it", program), &[], Some(executable));
        assert!(checked.diagnostics.is_empty(), "{:?}", checked.diagnostics);
    }
}

#[test]
fn functions_by_the_end_of_their_path() {
    let Some(executable) = support::typed() else {
        return;
    };
    let source = Source::new("it", "trace store.(*QueryError).Error, store.Find");
    let found = report(
        &source,
        &check(&source, &[], Some(executable)).diagnostics,
        false,
    );
    assert!(
        found.contains("example.test/typed/internal/store.(*QueryError).Error"),
        "{found}"
    );
    assert!(
        found.contains("example.test/typed/internal/store.Find"),
        "{found}"
    );
}
