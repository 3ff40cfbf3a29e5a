//! Expressions over the functions of a real executable: what they are lowered to, and what is said of those that mean nothing.

mod support;

use compiler::{
    Source,
    expression::{Scope, Use, condition, shown},
    report,
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

/// Several wrong clauses on one function, each with what is said of it.
fn wrong(function: &str, keyword: &str, list: &[&str]) -> Option<String> {
    let executable = support::typed()?;
    let one = |text: &&str| {
        let said = lowered(executable, function, keyword, text);
        assert!(said.contains("error"), "{text}: {said}");
        said
    };
    Some(list.iter().map(one).collect())
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
fn registers_and_memory() {
    let Some(executable) = support::typed_without_dwarf() else {
        return;
    };
    let shown: String = [
        "reg.cx > 100",
        "s64(reg.sp + 8) == -1 && u8(reg.ax) == 'x'",
        "mem(reg.ax, reg.bx) =~ \"SELECT*\"",
        "mem(u64(reg.ax), 64) has \"x\" && len(mem(1, 2)) == 2",
        "reg.xx == 1",
        "u64() == 1",
        "mem(reg.ax) == \"x\"",
        "u9(reg.ax) == 1",
    ]
    .iter()
    .map(|text| format!("{}\n", lowered(executable, "query", "where", text)))
    .collect();
    assert_snapshot!(shown, @r#"
    rcx > 100
    *i64((rsp + 8)) == -1 && *u8(rax) == 120
    [rax; rbx] =~ "SELECT*"
    [*u64(rax); 64] =~ "*x*" && 2 == 2
    error[E0501]: there is no register `xx`
      ┌─ it:1:30
      │
    1 │ trace main.query < where reg.xx == 1 >
      │                              ^^ unknown register
      │
      = the integer arguments of Go are in ax bx cx di si r8 r9 r10 r11


    error[E0511]: `u64` takes an address
      ┌─ it:1:26
      │
    1 │ trace main.query < where u64() == 1 >
      │                          ^^^^^ there are 0


    error[E0511]: `mem` takes an address and a length
      ┌─ it:1:26
      │
    1 │ trace main.query < where mem(reg.ax) == "x" >
      │                          ^^^^^^^^^^^ there are 1


    error[E0511]: unknown function `u9`
      ┌─ it:1:26
      │
    1 │ trace main.query < where u9(reg.ax) == 1 >
      │                          ^^ cannot be called
      │
      = help: there are len(x), cap(x), conversions such as int64(x), and for memory mem(p, n), u8(p) to s64(p)
    "#);
}

#[test]
fn unknown_names() {
    let Some(said) = wrong(
        "query",
        "where",
        &[
            "limt > 1",
            "Limit > 1",
            "foo > 1",
            "arg.foo > 1",
            "err != nil",
            "ret.err != nil",
            "ret != nil",
            "ret[2] == nil",
            "comm == \"x\"",
            "sql.len > 1",
            "durr > 1s",
            "lenn(sql) > 1",
            "strlen(sql) > 1",
            "len(sql, limit) > 1",
            "len() > 1",
        ],
    ) else {
        return;
    };
    assert_snapshot!(said, @r#"
    error[E0501]: main.query has no parameter `limt`
      ┌─ it:1:26
      │
    1 │ trace main.query < where limt > 1 >
      │                          ^^^^ unknown name
      │
      = its parameters are sql, limit, small, code, ratio
      = help: did you mean `limit`?

    error[E0501]: main.query has no parameter `Limit`
      ┌─ it:1:26
      │
    1 │ trace main.query < where Limit > 1 >
      │                          ^^^^^ unknown name
      │
      = its parameters are sql, limit, small, code, ratio
      = help: did you mean `limit`?

    error[E0501]: main.query has no parameter `foo`
      ┌─ it:1:26
      │
    1 │ trace main.query < where foo > 1 >
      │                          ^^^ unknown name
      │
      = its parameters are sql, limit, small, code, ratio

    error[E0501]: main.query has no parameter `foo`
      ┌─ it:1:26
      │
    1 │ trace main.query < where arg.foo > 1 >
      │                          ^^^^^^^ unknown name
      │
      = its parameters are sql, limit, small, code, ratio

    error[E0501]: main.query has no parameter `err`
      ┌─ it:1:26
      │
    1 │ trace main.query < where err != nil >
      │                          ^^^ unknown name
      │
      = its parameters are sql, limit, small, code, ratio
      = help: the error that it returns has no name: ret[1]

    error[E0501]: main.query has no result `err`
      ┌─ it:1:26
      │
    1 │ trace main.query < where ret.err != nil >
      │                          ^^^^^^^ unknown result
      │
      = its results are ret[0] []string, ret[1] error
      = help: the error that it returns has no name: ret[1]

    error[E0501]: main.query has 2 results
      ┌─ it:1:26
      │
    1 │ trace main.query < where ret != nil >
      │                          ^^^ which one?
      │
      = help: say which: ret[0] []string, ret[1] error

    error[E0501]: main.query has 2 results
      ┌─ it:1:26
      │
    1 │ trace main.query < where ret[2] == nil >
      │                          ^^^^^^ there is no such result
      │
      = they are ret[0] []string, ret[1] error

    error[E0501]: `comm` is not available in expressions in this version
      ┌─ it:1:26
      │
    1 │ trace main.query < where comm == "x" >
      │                          ^^^^ not available

    error[E0502]: `sql` has no field `len`
      ┌─ it:1:30
      │
    1 │ trace main.query < where sql.len > 1 >
      │                          --- ^^^ no such field
      │                          │    
      │                          is of type string
      │
      = help: did you mean `len(sql)`?

    error[E0501]: main.query has no parameter `durr`
      ┌─ it:1:26
      │
    1 │ trace main.query < where durr > 1s >
      │                          ^^^^ unknown name
      │
      = its parameters are sql, limit, small, code, ratio
      = help: did you mean `dur`?

    error[E0511]: unknown function `lenn`
      ┌─ it:1:26
      │
    1 │ trace main.query < where lenn(sql) > 1 >
      │                          ^^^^ cannot be called
      │
      = help: did you mean `len`?

    error[E0511]: unknown function `strlen`
      ┌─ it:1:26
      │
    1 │ trace main.query < where strlen(sql) > 1 >
      │                          ^^^^^^ cannot be called
      │
      = help: did you mean `len`?

    error[E0511]: `len` takes one argument
      ┌─ it:1:26
      │
    1 │ trace main.query < where len(sql, limit) > 1 >
      │                          ^^^^^^^^^^^^^^^ there are 2

    error[E0511]: `len` takes one argument
      ┌─ it:1:26
      │
    1 │ trace main.query < where len() > 1 >
      │                          ^^^^^ there are 0
    "#);
}

#[test]
fn unlike_types() {
    let Some(said) = wrong(
        "query",
        "where",
        &[
            "sql > 5",
            "sql == 5",
            "sql < \"b\"",
            "sql == nil",
            "limit == \"x\"",
            "limit == nil",
            "limit == true",
            "limit > 100ms",
            "limit == sql",
            "small == 300",
            "small > -129",
            "code == -1",
            "limit == 1.5",
            "code == 1e3",
            "\"a\" == 5",
            "limit in [1, \"x\", 2]",
            "limit in []",
            "limit in 5",
            "ratio > 1.5",
            "sql > 1 && limit == \"x\"",
            "caller > \"x\"",
            "caller == 5",
            "dur > 5",
            "fn == 5",
        ],
    ) else {
        return;
    };
    assert_snapshot!(said, @r#"
    error[E0503]: `sql` cannot be compared with `5`
      ┌─ it:1:26
      │
    1 │ trace main.query < where sql > 5 >
      │                          ^^^^^^^
      │                          │     │
      │                          │     is a number
      │                          is of type string
      │
      = help: did you mean `len(sql)`?

    error[E0503]: `sql` cannot be compared with `5`
      ┌─ it:1:26
      │
    1 │ trace main.query < where sql == 5 >
      │                          ^^^^^^^^
      │                          │      │
      │                          │      is a number
      │                          is of type string
      │
      = help: did you mean `len(sql)`?

    error[E0503]: `sql` cannot be compared with `"b"`
      ┌─ it:1:26
      │
    1 │ trace main.query < where sql < "b" >
      │                          ^^^^^^^^^
      │                          │     │
      │                          │     is a string
      │                          is of type string
      │
      = help: strings are compared with ==, !=, =~, has and in only

    error[E0503]: `sql` cannot be compared with `nil`
      ┌─ it:1:26
      │
    1 │ trace main.query < where sql == nil >
      │                          ^^^^^^^^^^
      │                          │      │
      │                          │      is nil
      │                          is of type string
      │
      = help: a string is never nil; compare it with "": `sql == ""`

    error[E0503]: `limit` cannot be compared with `"x"`
      ┌─ it:1:26
      │
    1 │ trace main.query < where limit == "x" >
      │                          ^^^^^^^^^^^^
      │                          │        │
      │                          │        is a string
      │                          is of type int
      │
      = help: a single character is written 'x'

    error[E0503]: `limit` cannot be compared with `nil`
      ┌─ it:1:26
      │
    1 │ trace main.query < where limit == nil >
      │                          ^^^^^^^^^^^^
      │                          │        │
      │                          │        is nil
      │                          is of type int
      │
      = help: `limit` is never nil

    error[E0503]: `limit` cannot be compared with `true`
      ┌─ it:1:26
      │
    1 │ trace main.query < where limit == true >
      │                          ^^^^^^^^^^^^^
      │                          │        │
      │                          │        is a bool
      │                          is of type int

    error[E0503]: `100ms` is not of type int
      ┌─ it:1:34
      │
    1 │ trace main.query < where limit > 100ms >
      │                                  ^^^^^ is a duration
      │
      = help: as a number it is 100000000

    error[E0503]: `limit` cannot be compared with `sql`
      ┌─ it:1:26
      │
    1 │ trace main.query < where limit == sql >
      │                          ^^^^^^^^^^^^
      │                          │        │
      │                          │        is of type string
      │                          is of type int
      │
      = help: did you mean `len(sql)`?

    error[E0506]: `300` does not fit into int8
      ┌─ it:1:35
      │
    1 │ trace main.query < where small == 300 >
      │                                   ^^^ its values are -128 to 127

    error[E0506]: `-129` does not fit into int8
      ┌─ it:1:34
      │
    1 │ trace main.query < where small > -129 >
      │                                  ^^^^ its values are -128 to 127

    error[E0506]: `-1` does not fit into main.Code
      ┌─ it:1:34
      │
    1 │ trace main.query < where code == -1 >
      │                                  ^^ its values are 0 to 255

    error[E0506]: `1.5` is not a whole number
      ┌─ it:1:35
      │
    1 │ trace main.query < where limit == 1.5 >
      │                                   ^^^ does not fit into int

    error[E0506]: `1e3` does not fit into main.Code
      ┌─ it:1:34
      │
    1 │ trace main.query < where code == 1e3 >
      │                                  ^^^ its values are 0 to 255

    error[E0503]: `"a"` cannot be compared with `5`
      ┌─ it:1:26
      │
    1 │ trace main.query < where "a" == 5 >
      │                          ^^^^^^^^
      │                          │      │
      │                          │      is a number
      │                          is a string

    error[E0503]: `limit` cannot be compared with `"x"`
      ┌─ it:1:39
      │
    1 │ trace main.query < where limit in [1, "x", 2] >
      │                          -----        ^^^
      │                          │            │
      │                          │            is a string
      │                          is of type int
      │
      = help: a single character is written 'x'

    error[E0505]: nothing is in an empty list
      ┌─ it:1:35
      │
    1 │ trace main.query < where limit in [] >
      │                                   ^^ empty

    error[E0505]: a list stands on the right of `in`
      ┌─ it:1:35
      │
    1 │ trace main.query < where limit in 5 >
      │                                   ^ not a list
      │
      = help: write it in brackets: `[5]`

    error[E0507]: the value of `ratio` cannot be read
      ┌─ it:1:26
      │
    1 │ trace main.query < where ratio > 1.5 >
      │                          ^^^^^ it is in X0, a register that probes cannot read
      │
      = help: floats can be tested where they lie in memory: in what a pointer leads to, in a slice

    error[E0503]: `sql` cannot be compared with `1`
      ┌─ it:1:26
      │
    1 │ trace main.query < where sql > 1 && limit == "x" >
      │                          ^^^^^^^
      │                          │     │
      │                          │     is a number
      │                          is of type string
      │
      = help: did you mean `len(sql)`?

    error[E0503]: `limit` cannot be compared with `"x"`
      ┌─ it:1:37
      │
    1 │ trace main.query < where sql > 1 && limit == "x" >
      │                                     ^^^^^^^^^^^^
      │                                     │        │
      │                                     │        is a string
      │                                     is of type int
      │
      = help: a single character is written 'x'

    error[E0503]: `caller` cannot be compared with `"x"`
      ┌─ it:1:26
      │
    1 │ trace main.query < where caller > "x" >
      │                          ^^^^^^^^^^^^
      │                          │        │
      │                          │        is a string
      │                          is the name of a function
      │
      = help: callers are compared with ==, != and =~ only

    error[E0503]: `caller` cannot be compared with `5`
      ┌─ it:1:26
      │
    1 │ trace main.query < where caller == 5 >
      │                          ^^^^^^^^^^^
      │                          │         │
      │                          │         is a number
      │                          is the name of a function
      │
      = help: callers are compared with names in quotes: caller == "main.main"

    error[E0303]: a duration needs a unit
      ┌─ it:1:32
      │
    1 │ trace main.query < where dur > 5 >
      │                                ^ no unit
      │
      = help: give a unit: 5ms

    error[E0503]: `fn` cannot be compared with `5`
      ┌─ it:1:26
      │
    1 │ trace main.query < where fn == 5 >
      │                          ^^^^^^^
      │                          │     │
      │                          │     is a number
      │                          is a string
    "#);
    let Some(said) = wrong("count", "where", &["a > c", "a + c > 1", "a == b + c"]) else {
        return;
    };
    assert_snapshot!(said, @"
    error[E0503]: `a` cannot be compared with `c`
      ┌─ it:1:26
      │
    1 │ trace main.count < where a > c >
      │                          ^^^^^
      │                          │   │
      │                          │   is of type int32
      │                          is of type uint64
      │
      = help: convert one of them: int64(x), uint64(x)

    error[E0503]: `+` of a signed and an unsigned number
      ┌─ it:1:26
      │
    1 │ trace main.count < where a + c > 1 >
      │                          ^   - of type int32
      │                          │    
      │                          of type uint64
      │
      = help: convert one of them: int64(x), uint64(x)

    error[E0503]: `+` of a signed and an unsigned number
      ┌─ it:1:31
      │
    1 │ trace main.count < where a == b + c >
      │                               ^   - of type int32
      │                               │    
      │                               of type uint32
      │
      = help: convert one of them: int64(x), uint64(x)
    ");
}

#[test]
fn what_is_no_condition() {
    let Some(said) = wrong(
        "query",
        "where",
        &[
            "limit",
            "sql",
            "limit + 1",
            "5",
            "\"x\"",
            "!limit",
            "sql && limit > 1",
            "ret[1]",
            "dur",
            "limit == 1 || nil",
            "caller",
            "[1]",
        ],
    ) else {
        return;
    };
    assert_snapshot!(said, @r#"
    error[E0504]: `limit` is not a condition
      ┌─ it:1:26
      │
    1 │ trace main.query < where limit >
      │                          ^^^^^ is of type int, not a bool
      │
      = help: compare it: `limit != 0`

    error[E0504]: `sql` is not a condition
      ┌─ it:1:26
      │
    1 │ trace main.query < where sql >
      │                          ^^^ is of type string, not a bool
      │
      = help: compare it: `sql != ""`

    error[E0504]: `limit + 1` is not a condition
      ┌─ it:1:26
      │
    1 │ trace main.query < where limit + 1 >
      │                          ^^^^^^^^^ is of type int, not a bool
      │
      = help: compare it: `limit + 1 != 0`

    error[E0504]: `5` is not a condition
      ┌─ it:1:26
      │
    1 │ trace main.query < where 5 >
      │                          ^ is a number, not a bool

    error[E0504]: `"x"` is not a condition
      ┌─ it:1:26
      │
    1 │ trace main.query < where "x" >
      │                          ^^^ is a string, not a bool

    error[E0504]: `limit` is not a condition
      ┌─ it:1:27
      │
    1 │ trace main.query < where !limit >
      │                           ^^^^^ is of type int, not a bool
      │
      = help: compare it: `limit != 0`

    error[E0504]: `sql` is not a condition
      ┌─ it:1:26
      │
    1 │ trace main.query < where sql && limit > 1 >
      │                          ^^^ is of type string, not a bool
      │
      = help: compare it: `sql != ""`

    error[E0504]: `ret[1]` is not a condition
      ┌─ it:1:26
      │
    1 │ trace main.query < where ret[1] >
      │                          ^^^^^^ is of type error, not a bool
      │
      = help: compare it: `ret[1] != nil`

    error[E0504]: `dur` is not a condition
      ┌─ it:1:26
      │
    1 │ trace main.query < where dur >
      │                          ^^^ is of type time.Duration, not a bool
      │
      = help: compare it: `dur > 0s`

    error[E0504]: `nil` is not a condition
      ┌─ it:1:40
      │
    1 │ trace main.query < where limit == 1 || nil >
      │                                        ^^^ is nil, not a bool

    error[E0504]: `caller` is not a condition
      ┌─ it:1:26
      │
    1 │ trace main.query < where caller >
      │                          ^^^^^^ is the name of a function, not a bool

    error[E0505]: a list stands on the right of `in`
      ┌─ it:1:26
      │
    1 │ trace main.query < where [1] >
      │                          ^^^ no value
    "#);
}

#[test]
fn operators_of_other_types() {
    let Some(said) = wrong(
        "query",
        "where",
        &[
            "sql + \"x\" == \"y\"",
            "-sql == \"x\"",
            "limit / 0 == 1",
            "limit % 0 == 1",
            "ratio * 2 > 1",
            "limit =~ \"x*\"",
            "sql =~ limit",
            "sql has sql",
            "sql =~ 5",
            "*limit == 5",
            "limit[0] == 1",
            "sql[\"x\"] == 1",
            "limit.(int) == 5",
            "limit & 1.5 == 0",
            "$share > 1",
            "1 + \"x\" == 2",
            "len(limit) > 1",
            "int(sql) == 1",
            "int8(300) == 1",
            "caller =~ \"nowhere.*\"",
            "caller == \"main.mian\"",
            "caller =~ \"a(\"",
        ],
    ) else {
        return;
    };
    assert_snapshot!(said, @r#"
    error[E0505]: `+` cannot be applied to `sql`
      ┌─ it:1:26
      │
    1 │ trace main.query < where sql + "x" == "y" >
      │                          ^^^ is of type string
      │
      = help: strings are tested with == != =~ has in, and have a len()

    error[E0505]: `-` cannot be applied to `sql`
      ┌─ it:1:27
      │
    1 │ trace main.query < where -sql == "x" >
      │                           ^^^ is of type string
      │
      = help: strings are tested with == != =~ has in, and have a len()

    error[E0505]: division by zero
      ┌─ it:1:34
      │
    1 │ trace main.query < where limit / 0 == 1 >
      │                                  ^ is always 0

    error[E0505]: division by zero
      ┌─ it:1:34
      │
    1 │ trace main.query < where limit % 0 == 1 >
      │                                  ^ is always 0

    error[E0505]: `*` cannot be applied to `ratio`
      ┌─ it:1:26
      │
    1 │ trace main.query < where ratio * 2 > 1 >
      │                          ^^^^^ is of type float64
      │
      = help: floating-point numbers can be compared, but not computed with

    error[E0505]: `=~` cannot be applied to `limit`
      ┌─ it:1:26
      │
    1 │ trace main.query < where limit =~ "x*" >
      │                          ^^^^^ is of type int
      │
      = help: `=~` and `has` test strings and byte slices

    error[E0505]: a text stands on the right of `=~`
      ┌─ it:1:33
      │
    1 │ trace main.query < where sql =~ limit >
      │                                 ^^^^^ is of type int
      │
      = help: what is looked for has to be known beforehand: a text in quotes, or a `param`

    error[E0505]: a text stands on the right of `has`
      ┌─ it:1:34
      │
    1 │ trace main.query < where sql has sql >
      │                                  ^^^ is of type string
      │
      = help: what is looked for has to be known beforehand: a text in quotes, or a `param`

    error[E0505]: a text stands on the right of `=~`
      ┌─ it:1:33
      │
    1 │ trace main.query < where sql =~ 5 >
      │                                 ^ is a number
      │
      = help: write it in quotes: "5"

    error[E0505]: `*` cannot be applied to `limit`
      ┌─ it:1:27
      │
    1 │ trace main.query < where *limit == 5 >
      │                           ^^^^^ is of type int
      │
      = help: only pointers are followed

    error[E0505]: `[]` cannot be applied to `limit`
      ┌─ it:1:26
      │
    1 │ trace main.query < where limit[0] == 1 >
      │                          ^^^^^ is of type int
      │
      = help: only strings, slices and arrays have elements

    error[E0505]: an element is chosen by its number
      ┌─ it:1:30
      │
    1 │ trace main.query < where sql["x"] == 1 >
      │                              ^^^ is a string

    error[E0505]: `limit` is not an interface
      ┌─ it:1:26
      │
    1 │ trace main.query < where limit.(int) == 5 >
      │                          ^^^^^ is of type int
      │
      = help: only what interfaces hold has a type to be asserted: leave `.(int)` out

    error[E0506]: `1.5` is not a whole number
      ┌─ it:1:34
      │
    1 │ trace main.query < where limit & 1.5 == 0 >
      │                                  ^^^ does not fit into int

    error[E0505]: `$share` cannot stand in an expression
      ┌─ it:1:26
      │
    1 │ trace main.query < where $share > 1 >
      │                          ^^^^^^ is a percentage

    error[E0505]: `+` cannot be applied to these
      ┌─ it:1:26
      │
    1 │ trace main.query < where 1 + "x" == 2 >
      │                          ^^^^^^^ a number and a string

    error[E0505]: `len` cannot be applied to `limit`
      ┌─ it:1:30
      │
    1 │ trace main.query < where len(limit) > 1 >
      │                              ^^^^^ is of type int
      │
      = help: only strings, slices, arrays, maps and channels have a length

    error[E0505]: `int` cannot be applied to `sql`
      ┌─ it:1:30
      │
    1 │ trace main.query < where int(sql) == 1 >
      │                              ^^^ is of type string
      │
      = help: strings are tested with == != =~ has in, and have a len()

    error[E0506]: `300` does not fit into int8
      ┌─ it:1:31
      │
    1 │ trace main.query < where int8(300) == 1 >
      │                               ^^^ its values are -128 to 127

    error[E0401]: no function is called so
      ┌─ it:1:36
      │
    1 │ trace main.query < where caller =~ "nowhere.*" >
      │                                    ^^^^^^^^^^^ matches nothing

    error[E0401]: no function is called so
      ┌─ it:1:36
      │
    1 │ trace main.query < where caller == "main.mian" >
      │                                    ^^^^^^^^^^^ matches nothing
      │
      = help: did you mean "main.main"?

    error[E0401]: no function is called so
      ┌─ it:1:36
      │
    1 │ trace main.query < where caller =~ "a(" >
      │                                    ^^^^ matches nothing
    "#);
}

#[test]
fn wrong_parts() {
    let Some(said) = wrong(
        "handle",
        "where",
        &[
            "r.Methd == \"x\"",
            "r.URL.Pth has \"x\"",
            "r.Method.x == 1",
            "timeout.x == 1",
            "err.Code == 5",
            "err.(*main.queryEror).Code == 5",
            "err.(queryError).Code == 5",
            "err.(error) != nil",
            "err.(*main.queryError).Cod == 5",
            "r == 5",
            "*r == 5",
            "r.Base == 5",
            "ptr == 5",
            "v == 5",
            "r.Header[\"x\"] == 1",
            "values[2] == 1",
            "r.Codes[3] == 1",
            "r.Body == \"x\"",
            "r.Tags == 1",
            "r.Header > 1",
            "timeout > 5",
            "timeout + 5 > 1s",
            "timeout > limit",
            "ret.x == 1",
            "ret.took.x == 1",
            "ret == nil",
            "r.Last has \"x\"",
        ],
    ) else {
        return;
    };
    assert_snapshot!(said, @r#"
    error[E0502]: `r` has no field `Methd`
      ┌─ it:1:29
      │
    1 │ trace main.handle < where r.Methd == "x" >
      │                           - ^^^^^ no such field
      │                           │  
      │                           is of type main.Request
      │
      = its fields are Base, Method, URL, Body, Codes, Header, Done, Far, Last
      = help: did you mean `r.Method`?

    error[E0502]: `r.URL` has no field `Pth`
      ┌─ it:1:33
      │
    1 │ trace main.handle < where r.URL.Pth has "x" >
      │                           ----- ^^^ no such field
      │                           │      
      │                           is of type main.URL
      │
      = its fields are Scheme, Path
      = help: did you mean `r.URL.Path`?

    error[E0502]: `r.Method` has no field `x`
      ┌─ it:1:36
      │
    1 │ trace main.handle < where r.Method.x == 1 >
      │                           -------- ^ no such field
      │                           │         
      │                           is of type string

    error[E0502]: `timeout` has no field `x`
      ┌─ it:1:35
      │
    1 │ trace main.handle < where timeout.x == 1 >
      │                           ------- ^ no such field
      │                           │        
      │                           is of type time.Duration

    error[E0502]: `err` has no field `Code`
      ┌─ it:1:31
      │
    1 │ trace main.handle < where err.Code == 5 >
      │                           --- ^^^^ no such field
      │                           │    
      │                           is of type error
      │
      = help: say what is in it: `err.(*T).Code`

    error[E0510]: the executable has no type `*main.queryEror`
      ┌─ it:1:32
      │
    1 │ trace main.handle < where err.(*main.queryEror).Code == 5 >
      │                                ^^^^^^^^^^^^^^^ unknown type
      │
      = help: did you mean `*main.queryError`?

    error[E0510]: the executable has no type `queryError`
      ┌─ it:1:32
      │
    1 │ trace main.handle < where err.(queryError).Code == 5 >
      │                                ^^^^^^^^^^ unknown type
      │
      = help: did you mean `*main.queryError`?

    error[E0510]: `error` is an interface, not what one holds
      ┌─ it:1:32
      │
    1 │ trace main.handle < where err.(error) != nil >
      │                                ^^^^^ an interface
      │
      = help: write the type of the value itself, as in `.(*io/fs.PathError)`

    error[E0502]: `err.(*main.queryError)` has no field `Cod`
      ┌─ it:1:50
      │
    1 │ trace main.handle < where err.(*main.queryError).Cod == 5 >
      │                           ---------------------- ^^^ no such field
      │                           │                       
      │                           is of type main.queryError
      │
      = its fields are Code, Message
      = help: did you mean `err.(*main.queryError).Code`?

    error[E0503]: `r` cannot be compared with `5`
      ┌─ it:1:27
      │
    1 │ trace main.handle < where r == 5 >
      │                           ^^^^^^
      │                           │    │
      │                           │    is a number
      │                           is of type *main.Request
      │
      = help: did you mean what it points to, `*r`?

    error[E0503]: `*r` cannot be compared with `5`
      ┌─ it:1:27
      │
    1 │ trace main.handle < where *r == 5 >
      │                           ^^^^^^^
      │                           │     │
      │                           │     is a number
      │                           is of type main.Request
      │
      = help: compare its fields: r.Base

    error[E0503]: `r.Base` cannot be compared with `5`
      ┌─ it:1:27
      │
    1 │ trace main.handle < where r.Base == 5 >
      │                           ^^^^^^^^^^^
      │                           │         │
      │                           │         is a number
      │                           is of type main.Base
      │
      = help: compare its fields: r.Base.ID

    error[E0503]: `ptr` cannot be compared with `5`
      ┌─ it:1:27
      │
    1 │ trace main.handle < where ptr == 5 >
      │                           ^^^^^^^^
      │                           │      │
      │                           │      is a number
      │                           is of type *int
      │
      = help: did you mean what it points to, `*ptr`?

    error[E0503]: `v` cannot be compared with `5`
      ┌─ it:1:27
      │
    1 │ trace main.handle < where v == 5 >
      │                           ^^^^^^
      │                           │    │
      │                           │    is a number
      │                           is of type interface {}
      │
      = help: say what is in it: v.(int); or compare it with nil

    error[E0505]: maps are not searched
      ┌─ it:1:27
      │
    1 │ trace main.handle < where r.Header["x"] == 1 >
      │                           ^^^^^^^^ `r.Header` is a map
      │
      = help: its length is there: len(r.Header)

    error[E0506]: an index past the end
      ┌─ it:1:34
      │
    1 │ trace main.handle < where values[2] == 1 >
      │                                  ^ `values` has 2 elements
      │
      = help: the last one is values[1]

    error[E0506]: an index past the end
      ┌─ it:1:35
      │
    1 │ trace main.handle < where r.Codes[3] == 1 >
      │                                   ^ `r.Codes` has 3 elements
      │
      = help: the last one is r.Codes[2]

    error[E0503]: `r.Body` cannot be compared with `"x"`
      ┌─ it:1:27
      │
    1 │ trace main.handle < where r.Body == "x" >
      │                           ^^^^^^^^^^^^^
      │                           │         │
      │                           │         is a string
      │                           is of type []uint8
      │
      = help: bytes are tested with =~ and has: `r.Body has "x"`

    error[E0503]: `r.Tags` cannot be compared with `1`
      ┌─ it:1:27
      │
    1 │ trace main.handle < where r.Tags == 1 >
      │                           ^^^^^^^^^^^
      │                           │         │
      │                           │         is a number
      │                           is of type []string
      │
      = help: did you mean `len(r.Tags)`?

    error[E0503]: `r.Header` cannot be compared with `1`
      ┌─ it:1:27
      │
    1 │ trace main.handle < where r.Header > 1 >
      │                           ^^^^^^^^^^^^
      │                           │          │
      │                           │          is a number
      │                           is of type map[string][]string
      │
      = help: did you mean `len(r.Header)`?

    error[E0303]: a duration needs a unit
      ┌─ it:1:37
      │
    1 │ trace main.handle < where timeout > 5 >
      │                                     ^ no unit
      │
      = help: give a unit: 5ms

    error[E0303]: a duration needs a unit
      ┌─ it:1:37
      │
    1 │ trace main.handle < where timeout + 5 > 1s >
      │                                     ^ no unit
      │
      = help: give a unit: 5ms

    error[E0501]: main.handle has no parameter `limit`
      ┌─ it:1:37
      │
    1 │ trace main.handle < where timeout > limit >
      │                                     ^^^^^ unknown name
      │
      = its parameters are r, timeout, ok, counts, values, ptr, v, err

    error[E0501]: main.handle has no result `x`
      ┌─ it:1:27
      │
    1 │ trace main.handle < where ret.x == 1 >
      │                           ^^^^^ unknown result
      │
      = its results are ret.n int64, ret.took time.Duration, ret.e error

    error[E0502]: `ret.took` has no field `x`
      ┌─ it:1:36
      │
    1 │ trace main.handle < where ret.took.x == 1 >
      │                           -------- ^ no such field
      │                           │         
      │                           is of type time.Duration

    error[E0501]: main.handle has 3 results
      ┌─ it:1:27
      │
    1 │ trace main.handle < where ret == nil >
      │                           ^^^ which one?
      │
      = help: say which: ret.n int64, ret.took time.Duration, ret.e error

    error[E0505]: `has` cannot be applied to `r.Last`
      ┌─ it:1:27
      │
    1 │ trace main.handle < where r.Last has "x" >
      │                           ^^^^^^ is of type int
      │
      = help: `=~` and `has` test strings and byte slices
    "#);
    let Some(said) = wrong("nothing", "where", &["ret == 1", "x == 1", "ret[0] == 1"]) else {
        return;
    };
    assert_snapshot!(said, @"
    error[E0501]: main.nothing has no results
      ┌─ it:1:28
      │
    1 │ trace main.nothing < where ret == 1 >
      │                            ^^^ returns nothing

    error[E0501]: main.nothing has no parameter `x`
      ┌─ it:1:28
      │
    1 │ trace main.nothing < where x == 1 >
      │                            ^ unknown name
      │
      = it has no parameters with names

    error[E0501]: main.nothing has no results
      ┌─ it:1:28
      │
    1 │ trace main.nothing < where ret[0] == 1 >
      │                            ^^^^^^ returns nothing
    ");
}

#[test]
fn what_is_shown_is_known_when_it_is_shown() {
    let Some(said) = wrong("query", "args", &["ret", "dur", "ret[0]", "limt"]) else {
        return;
    };
    assert_snapshot!(said, @"
    error[E0507]: `ret` is not known before the call returns
      ┌─ it:1:25
      │
    1 │ trace main.query < args ret >
      │                         ^^^ `args` shows what is known at entry
      │
      = help: show it with `ret`

    error[E0507]: `dur` is not known before the call returns
      ┌─ it:1:25
      │
    1 │ trace main.query < args dur >
      │                         ^^^ `args` shows what is known at entry
      │
      = help: show it with `ret`

    error[E0507]: `ret` is not known before the call returns
      ┌─ it:1:25
      │
    1 │ trace main.query < args ret[0] >
      │                         ^^^^^^ `args` shows what is known at entry
      │
      = help: show it with `ret`

    error[E0501]: main.query has no parameter `limt`
      ┌─ it:1:25
      │
    1 │ trace main.query < args limt >
      │                         ^^^^ unknown name
      │
      = its parameters are sql, limit, small, code, ratio
      = help: did you mean `limit`?
    ");
    let Some(said) = wrong("handle", "ret", &["timeout", "r.Method"]) else {
        return;
    };
    assert_snapshot!(said, @"
    error[E0507]: `timeout` is a parameter
      ┌─ it:1:25
      │
    1 │ trace main.handle < ret timeout >
      │                         ^^^^^^^ `ret` shows what is known at return
      │
      = help: show it with `args`

    error[E0507]: `r` is a parameter
      ┌─ it:1:25
      │
    1 │ trace main.handle < ret r.Method >
      │                         ^ `ret` shows what is known at return
      │
      = help: show it with `args`
    ");
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

#[test]
fn long_texts_are_refused_at_their_place() {
    let long = "x".repeat(300);
    let Some(said) = wrong(
        "query",
        "where",
        &[
            &format!("sql == \"{long}\""),
            &format!("sql has \"{}\"", &long[..70]),
        ],
    ) else {
        return;
    };
    assert_snapshot!(said, @r#"
    error[E0509]: this text is too long to be compared
      ┌─ it:1:33
      │
    1 │ trace main.query < where sql == "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" >
      │                                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ 300 bytes, at most 256

    error[E0509]: this text is too long to be compared
      ┌─ it:1:34
      │
    1 │ trace main.query < where sql has "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" >
      │                                  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ 70 bytes, at most 64
    "#);
}
