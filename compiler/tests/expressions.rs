//! Expressions over the functions of a real executable: what they are lowered to, and what is said of those that mean nothing.

mod support;

use compiler::{
    Source,
    diagnostics::report,
    expression::{Callers, Scope, Use, condition, shown},
};
use gobinary::{Executable, TypesError};
use grammar::ast::{ClauseKind, Expression, Item, ValueKind};
use insta::assert_snapshot;

/// A function's clause as a program, and the expression in it.
fn parsed(function: &str, keyword: &str, text: &str) -> (String, Expression) {
    let source = format!("trace main.{function} < {keyword} {text} >");
    let program = grammar::parse(&source);
    assert_eq!(program.errors, [], "{source}");
    let Some(Item::Trace(trace)) = program.program.items.into_iter().next() else {
        panic!("{source}");
    };
    let expression = match trace.clauses.into_iter().next().map(|clause| clause.kind) {
        Some(ClauseKind::Where(expression)) => expression,
        Some(ClauseKind::Args(list) | ClauseKind::Ret(list)) => {
            list.into_iter().next().expect("one is shown").expression
        }
        other => panic!("{source}: {other:?}"),
    };
    (source, expression)
}

fn param(name: &str) -> Option<ValueKind> {
    match name {
        "least" => Some(ValueKind::Integer(100)),
        "slow" => Some(ValueKind::Duration(250_000_000)),
        "method" => Some(ValueKind::String("POST".to_owned())),
        "share" => Some(ValueKind::Percent(50)),
        _ => None,
    }
}

/// What a clause is lowered to, or the report of what is wrong with it.
fn lowered(executable: &Executable, function: &str, keyword: &str, text: &str) -> String {
    let (source, expression) = parsed(function, keyword, text);
    let function = executable
        .function_named(&format!("main.{function}"))
        .expect("the function is there");
    let types = executable.types();
    let signature = match &types {
        Ok(types) => types.signature(&function),
        Err(_) => Err(TypesError::NoDwarf),
    };
    let scope = Scope {
        executable,
        callers: &Callers::default(),
        function,
        types: match (&types, &signature) {
            (Ok(types), Ok(signature)) => Ok((types, signature)),
            (_, Err(error)) | (Err(error), _) => Err(error),
        },
        usage: match keyword {
            "where" => Use::Where,
            "args" => Use::Args,
            _ => Use::Ret,
        },
        source: &source,
        param: &param,
    };
    let result = if keyword == "where" {
        condition(scope, &expression).map(|condition| condition.to_string())
    } else {
        shown(scope, &expression).map(|value| format!("{:?}", value.map(|value| value.at)))
    };
    result.unwrap_or_else(|diagnostics| {
        report(&Source::new("it", source.as_str()), &diagnostics, false)
    })
}

/// The text without addresses, which differ from one version of Go to the next.
fn masked(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = ["bias + ", "bias) - ", ") < "]
        .iter()
        .filter_map(|mark| rest.find(mark).map(|at| at + mark.len()))
        .min()
    {
        let (before, after) = rest.split_at(at);
        out += before;
        rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
        let digits = &after[..after.len() - rest.len()];
        out += if digits.len() > 2 { "ADDRESS" } else { digits };
    }
    out + rest
}

/// Several conditions on one function.
fn conditions(function: &str, list: &[&str]) -> Option<String> {
    let executable = support::typed()?;
    let one = |text: &&str| {
        format!(
            "{text}\n    {}\n",
            lowered(executable, function, "where", text)
        )
    };
    Some(masked(&list.iter().map(one).collect::<String>()))
}

#[test]
fn arguments_in_registers() {
    let Some(shown) = conditions(
        "query",
        &[
            "limit > 100",
            "limit > 100 && sql =~ \"SELECT*\"",
            "100 < limit",
            "small == -1",
            "small >= limit",
            "code in [1, 2, 0x10]",
            "sql == \"\" || sql != \"x\"",
            "sql has \"DROP\"",
            "len(sql) > 1KiB",
            "sql[0] == 'S'",
            "limit % 10 == 0 && limit / -2 < 5",
            "small + 1 == 0",
            "code & 3 == 1",
            "-small > 5",
            "limit > $least",
            "arg.limit > 100",
            "!(limit > 100)",
            "int8(limit) == small",
            "2 * 50 == 100",
            "fn =~ \"main.*\" && \"abc\" has \"b\"",
            "(limit > 1) == (small > 1)",
        ],
    ) else {
        return;
    };
    assert_snapshot!(shown, @r#"
    limit > 100
        rcx > 100
    limit > 100 && sql =~ "SELECT*"
        rcx > 100 && [rax; rbx] =~ "SELECT*"
    100 < limit
        rcx > 100
    small == -1
        i8(rdi) == -1
    small >= limit
        i8(rdi) >= rcx
    code in [1, 2, 0x10]
        u8(rsi) == 1 || u8(rsi) == 2 || u8(rsi) == 16
    sql == "" || sql != "x"
        [rax; rbx] =~ "" || !([rax; rbx] =~ "x")
    sql has "DROP"
        [rax; rbx] =~ "*DROP*"
    len(sql) > 1KiB
        rbx > 1024
    sql[0] == 'S'
        *u8((rax if 0 < rbx)) == 83
    limit % 10 == 0 && limit / -2 < 5
        (rcx % 10) == 0 && (rcx / -2) < 5
    small + 1 == 0
        i8((i8(rdi) + 1)) == 0
    code & 3 == 1
        u8((u8(rsi) & 3)) == 1
    -small > 5
        i8(-(i8(rdi))) > 5
    limit > $least
        rcx > 100
    arg.limit > 100
        rcx > 100
    !(limit > 100)
        !(rcx > 100)
    int8(limit) == small
        i8(rcx) == i8(rdi)
    2 * 50 == 100
        true
    fn =~ "main.*" && "abc" has "b"
        true && true
    (limit > 1) == (small > 1)
        bool(rcx > 1) == bool(i8(rdi) > 1)
    "#);
}

#[test]
fn fields_elements_and_pointers() {
    let Some(shown) = conditions(
        "handle",
        &[
            "r.Method == \"POST\" && r.URL.Path has \"/api/\"",
            "r.Method == $method",
            "r.ID > 5 && r.Base.ID > 5",
            "r.private.Scheme == \"http\"",
            "r.Body =~ \"{*\"",
            "r.Codes[1] == 404",
            "r.Tags[0] == \"a\"",
            "len(r.Header) > 0 && cap(r.Done) == 0",
            "r.Last > 0",
            "r != nil && r.URL == nil",
            "timeout > 1.5s",
            "timeout > $slow && timeout > 2 * 100ms",
            "ok && !ok",
            "ok == true",
            "counts[1] > counts[0]",
            "counts[len(counts) - 1] == 0",
            "cap(counts) > len(counts)",
            "values[r.ID] > values[1]",
            "*ptr > 5",
            "v == nil || err != nil",
            "v.(int) == 5",
            "!(err.(*main.queryError).Code == 5)",
            "err.(*main.queryError).Message has \"x\"",
            "caller == \"main.main\"",
            "caller != \"main.main\" && caller =~ \"main.*\"",
            "g == 1 && pid > 1 && tid > 1 && depth == 0",
        ],
    ) else {
        return;
    };
    assert_snapshot!(shown, @r#"
    r.Method == "POST" && r.URL.Path has "/api/"
        [*u64(rax + 40); *u64(rax + 48)] =~ "POST" && [*u64(*u64(rax + 56) + 16); *u64(*u64(rax + 56) + 24)] =~ "*/api/*"
    r.Method == $method
        [*u64(rax + 40); *u64(rax + 48)] =~ "POST"
    r.ID > 5 && r.Base.ID > 5
        *i64(rax) > 5 && *i64(rax) > 5
    r.private.Scheme == "http"
        [*u64(*u64(rax + 32)); *u64(*u64(rax + 32) + 8)] =~ "http"
    r.Body =~ "{*"
        [*u64(rax + 64); *u64(rax + 72)] =~ "{*"
    r.Codes[1] == 404
        *u16(rax + 90) == 404
    r.Tags[0] == "a"
        [*u64((*u64(rax + 8) if 0 < *u64(rax + 16))); *u64((*u64(rax + 8) if 0 < *u64(rax + 16)) + 8)] =~ "a"
    len(r.Header) > 0 && cap(r.Done) == 0
        (*u64(*u64(rax + 96)) if *u64(rax + 96) != 0 else 0) > 0 && (*u64(*u64(rax + 104) + 8) if *u64(rax + 104) != 0 else 0) == 0
    r.Last > 0
        *i64((rax if rax != 0) + 5112) > 0
    r != nil && r.URL == nil
        rax != 0 && *u64(rax + 56) == 0
    timeout > 1.5s
        rbx > 1500000000
    timeout > $slow && timeout > 2 * 100ms
        rbx > 250000000 && rbx > 200000000
    ok && !ok
        u8(rcx) != 0 && !(u8(rcx) != 0)
    ok == true
        u8(rcx) == 1
    counts[1] > counts[0]
        *u32(((rdi + 4) if 1 < rsi)) > *u32((rdi if 0 < rsi))
    counts[len(counts) - 1] == 0
        *u32(((rdi + ((rsi - 1) * 4)) if (rsi - 1) < rsi)) == 0
    cap(counts) > len(counts)
        r8 > rsi
    values[r.ID] > values[1]
        *i64(((rsp + (*i64(rax) * 8)) if *i64(rax) < 2) + 8) > *i64(rsp + 16)
    *ptr > 5
        *i64(r9) > 5
    v == nil || err != nil
        r10 == 0 || *u64(rsp + 24) != 0
    v.(int) == 5
        r10 == (bias + ADDRESS) && *i64(r11) == 5
    !(err.(*main.queryError).Code == 5)
        !(*u64(rsp + 24) != 0 && *u64(*u64(rsp + 24) + 8) == (bias + ADDRESS) && *i64(*u64(rsp + 32)) == 5)
    err.(*main.queryError).Message has "x"
        *u64(rsp + 24) != 0 && *u64(*u64(rsp + 24) + 8) == (bias + ADDRESS) && [*u64(*u64(rsp + 32) + 8); *u64(*u64(rsp + 32) + 16)] =~ "*x*"
    caller == "main.main"
        ((caller - bias) - ADDRESS) < ADDRESS
    caller != "main.main" && caller =~ "main.*"
        !(((caller - bias) - ADDRESS) < ADDRESS) && ((caller - bias) - ADDRESS) < ADDRESS
    g == 1 && pid > 1 && tid > 1 && depth == 0
        goid == 1 && pid > 1 && tid > 1 && depth == 0
    "#);
}

#[test]
fn elements_on_the_stack() {
    let Some(shown) = conditions(
        "grid",
        &[
            "cells[at][1] == 5",
            "cells[2][at] == 5",
            "cells[at][at] == ret",
        ],
    ) else {
        return;
    };
    assert_snapshot!(shown, @"
    cells[at][1] == 5
        *i64(((rsp + (rax * 16)) if rax < 3) + 16) == 5
    cells[2][at] == 5
        *i64(((rsp + (rax * 8)) if rax < 2) + 40) == 5
    cells[at][at] == ret
        *i64(((((rsp + (rax * 16)) if rax < 3) + (rax * 8)) if rax < 2) + 8) == ret.rax
    ");
}

#[test]
fn results_and_time() {
    let Some(shown) = conditions(
        "handle",
        &[
            "ret.e != nil",
            "ret.n > 5 && ret[0] > 5",
            "ret.took > timeout",
            "dur > 100ms && self < dur",
            "dur > 100ms || r.Method == \"GET\"",
        ],
    ) else {
        return;
    };
    assert_snapshot!(shown, @r#"
    ret.e != nil
        ret.rcx != 0
    ret.n > 5 && ret[0] > 5
        ret.rax > 5 && ret.rax > 5
    ret.took > timeout
        ret.rbx > rbx
    dur > 100ms && self < dur
        dur > 100000000 && self < dur
    dur > 100ms || r.Method == "GET"
        dur > 100000000 || [*u64(rax + 40); *u64(rax + 48)] =~ "GET"
    "#);
    let Some(shown) = conditions("count", &["ret > 5", "len == 4", "b > c", "b == a"]) else {
        return;
    };
    assert_snapshot!(shown, @"
    ret > 5
        ret.rax > 5
    len == 4
        rdi == 4
    b > c
        u32(rbx) > i32(rcx)
    b == a
        u32(rbx) == rax
    ");
    let Some(shown) = conditions(
        "query",
        &["ret[1] != nil", "len(ret[0]) == 0", "ret[0][0] == \"x\""],
    ) else {
        return;
    };
    assert_snapshot!(shown, @r#"
    ret[1] != nil
        ret.rdi != 0
    len(ret[0]) == 0
        ret.rbx == 0
    ret[0][0] == "x"
        [*u64((ret.rax if 0 < ret.rbx)); *u64((ret.rax if 0 < ret.rbx) + 8)] =~ "x"
    "#);
}

#[test]
fn elements_of_the_only_result() {
    let Some(shown) = conditions(
        "words",
        &[
            "ret[0] == \"x\" && ret[1] == \"y\"",
            "len(ret) == 1",
            "len(ret[0]) == 1",
        ],
    ) else {
        return;
    };
    assert_snapshot!(shown);
    let Some(shown) = conditions("pair", &["ret[0] == 1 && ret[1] == 2", "ret != nil"]) else {
        return;
    };
    assert_snapshot!(shown);
}

#[test]
fn durations_in_durations() {
    let Some(shown) = conditions(
        "words",
        &[
            "took / 1ms > 1000",
            "took % 1ms == 5us",
            "times * took > 5s",
            "took / 2 > 5s",
            "1s / 1ms == 1000",
            "dur / took == 2",
        ],
    ) else {
        return;
    };
    assert_snapshot!(shown);
}

#[test]
fn parts_of_pointers_and_bytes() {
    let Some(shown) = conditions(
        "words",
        &[
            "len(four) == times",
            "b.Mark == \"x\" && b.left.Name == b.right.Name",
            "string(body) == \"x\"",
            "string(list[0]) == string(body)",
        ],
    ) else {
        return;
    };
    assert_snapshot!(shown);
}

#[test]
fn registers_and_memory() {
    let Some(executable) = support::typed_without_dwarf() else {
        return;
    };
    let shown: String = [
        "reg.cx > 100",
        "s64(reg.sp + 8) == -1 && u8(reg.ax) == 'x'",
        "mem(reg.ax, reg.bx) =~ \"SELECT*\"",
        "mem(u64(reg.ax), 64) has \"x\" && len(mem(1, 2)) == 2",
    ]
    .iter()
    .map(|text| format!("{}\n", lowered(executable, "query", "where", text)))
    .collect();
    assert_snapshot!(shown, @r#"
    rcx > 100
    *i64((rsp + 8)) == -1 && *u8(rax) == 120
    [rax; rbx] =~ "SELECT*"
    [*u64(rax); 64] =~ "*x*" && 2 == 2
    "#);
}

#[test]
fn without_dwarf() {
    let Some(executable) = support::typed_without_dwarf() else {
        return;
    };
    let shown: String = [
        "limit > 100",
        "ret != nil",
        "dur > 1s && caller == \"main.main\"",
    ]
    .iter()
    .map(|text| masked(&lowered(executable, "query", "where", text)))
    .collect();
    assert_snapshot!(shown, @"
    error[E0508]: the parameters of main.query are not known
      ┌─ it:1:26
      │
    1 │ trace main.query < where limit > 100 >
      │                          ^^^^^ needs them
      │
      = the executable has no DWARF (it was stripped, or built with -ldflags=-w or -s)
      = help: build it without -ldflags=-s and -w, or name registers: reg.ax, s64(reg.bx + 8), mem(reg.ax, reg.bx)

    error[E0508]: the parameters of main.query are not known
      ┌─ it:1:26
      │
    1 │ trace main.query < where ret != nil >
      │                          ^^^ needs them
      │
      = the executable has no DWARF (it was stripped, or built with -ldflags=-w or -s)
      = help: build it without -ldflags=-s and -w, or name registers: reg.ax, s64(reg.bx + 8), mem(reg.ax, reg.bx)

    dur > 1000000000 && ((caller - bias) - ADDRESS) < ADDRESS
    ");
}
