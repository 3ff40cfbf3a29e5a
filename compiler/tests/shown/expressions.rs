//! What a clause `args` asks for with expressions.

use compiler::{
    capture::{Asked, some},
    expression::{self, Callers, Scope, Use},
};
use gobinary::TypesError;
use grammar::ast::{ClauseKind, Item as ProgramItem};

use super::*;

/// Shows what a clause `args` asks for. Without types it may be about registers.
fn asked(
    program: &Program,
    types: &Types<'_>,
    is_typed: bool,
    function: &str,
    list: &str,
) -> Vec<String> {
    let source = format!("trace f < args {list} >");
    let parsed = grammar::parse(&source);
    assert_eq!(parsed.errors, [], "{source}");
    let Some(ProgramItem::Trace(trace)) = parsed.program.items.first() else {
        panic!("{source}");
    };
    let Some(ClauseKind::Args(list)) = trace.clauses.first().map(|clause| &clause.kind) else {
        panic!("{source}");
    };
    let line = program.line(function);
    let function = program.function(function);
    let signature = types.signature(&function).expect("it is described");
    let asked = list.iter().map(|one| {
        let scope = Scope {
            executable: &program.executable,
            callers: &Callers::default(),
            function,
            types: if is_typed {
                Ok((types, &signature))
            } else {
                Err(&TypesError::NoDwarf)
            },
            usage: Use::Args,
            source: &source,
            param: &|_| None,
        };
        let span = one.expression.span.clone();
        Asked {
            label: source[span.clone()].to_owned(),
            text: source[span.clone()].to_owned(),
            span,
            value: expression::shown(scope, &one.expression).expect("it means something"),
        }
    });
    let captured = some(
        is_typed.then_some(types),
        asked.collect(),
        &Limits::default(),
    );
    decoded(program, types, &signature, line, &captured)
}

#[test]
fn expressions() {
    let Some(program) = program("1.27") else {
        return;
    };
    let types = program.executable.types().expect("it has DWARF");
    let shown = |list: &str| asked(program, &types, true, "main.handle", list);
    assert_eq!(
        shown("r.Method, r.URL.Path, r.URL, r.Codes[1], r.Tags, r.Tags[1], r.Tags[2]"),
        [
            r#"r.Method="GET""#,
            r#"r.URL.Path="/""#,
            r#"r.URL=&main.url{Scheme: "http", Path: "/"}"#,
            "r.Codes[1]=2",
            r#"r.Tags=[]string{"x", "y"}"#,
            r#"r.Tags[1]="y""#,
            "r.Tags[2]=‹past the end›",
        ]
    );
    assert_eq!(
        shown("len(r.Body), r.Last + 1, r.Last > 5, s.c9, caller, fn, 5, depth"),
        [
            "len(r.Body)=4",
            "r.Last + 1=10",
            "r.Last > 5=true",
            "s.c9=2",
            "caller=main.callback",
            "fn=fn",
            "5=5",
            "depth=0",
        ]
    );
    assert_eq!(
        shown(
            "r.Fail, r.Fail.(*main.fault), r.Fail.(*main.fault).message, r.Fail.(main.plain), r.Fail.(*errors.errorString)"
        ),
        [
            "r.Fail=*main.fault(1)",
            r#"r.Fail.(*main.fault)=&main.fault{code: 1, message: "f"}"#,
            r#"r.Fail.(*main.fault).message="f""#,
            "r.Fail.(main.plain)=‹another type›",
            "r.Fail.(*errors.errorString)=‹another type›",
        ]
    );
}

#[test]
fn values_that_interfaces_hold_as_they_are() {
    for version in VERSIONS {
        let Some(program) = program(version) else {
            return;
        };
        let types = program.executable.types().expect("it has DWARF");
        let shown = |list: &str| asked(program, &types, true, "main.direct", list);
        assert_eq!(
            shown("a.(main.carrier).y, b.(main.carried).inner.point.y, c.(main.one)[0].y"),
            [
                "a.(main.carrier).y=-2",
                "b.(main.carried).inner.point.y=-2",
                "c.(main.one)[0].y=-2",
            ],
            "Go {version}"
        );
        assert_eq!(
            shown("len(d.(main.waits).done), e.(main.padded).at.y, a.(main.carrier)"),
            [
                "len(d.(main.waits).done)=2",
                "e.(main.padded).at.y=-2",
                "a.(main.carrier)=main.carrier{point: &main.point{x: 1, y: -2}}",
            ],
            "Go {version}"
        );
        assert_eq!(
            shown("a.(main.carried).inner.y, b.(main.carried).inner.y == -2"),
            [
                "a.(main.carried).inner.y=‹another type›",
                "b.(main.carried).inner.y == -2=true",
            ],
            "Go {version}"
        );
    }
}

#[test]
fn elements_of_arrays_by_variables() {
    let Some(program) = program("1.27") else {
        return;
    };
    let types = program.executable.types().expect("it has DWARF");
    let list = "c[len(e[0])].y, c[len(e[0]) + 1].y, e[len(e[1]) - 1]";
    assert_eq!(
        asked(program, &types, true, "main.arrays", list),
        [
            "c[len(e[0])].y=4",
            "c[len(e[0]) + 1].y=‹past the end›",
            "e[len(e[1]) - 1]=\"a\"",
        ]
    );
    let list = "d[0].bytes[len(d)], d[len(d)].bytes[len(d)], d[0].bytes[len(d) + 300]";
    assert_eq!(
        asked(program, &types, true, "main.nestedSlices", list),
        [
            "d[0].bytes[len(d)]=0",
            "d[len(d)].bytes[len(d)]=‹past the end›",
            "d[0].bytes[len(d) + 300]=‹past the end›",
        ]
    );
}

#[test]
fn what_is_behind_nil_is_said_to_be() {
    let Some(program) = program("1.27") else {
        return;
    };
    let types = program.executable.types().expect("it has DWARF");
    let list = "b.x, b, f.next.value, f.next.next.value, f.next.next";
    assert_eq!(
        asked(program, &types, true, "main.pointers", list),
        [
            "b.x=‹behind nil›",
            "b=nil",
            "f.next.value=2",
            "f.next.next.value=‹behind nil›",
            "f.next.next=nil",
        ]
    );
    let list = "a.Method, a.Last, a.Far[4999], a.Tags[1], b.(main.names)[1], c.(main.names)[1], d.(main.names)[0], d.(main.names)[1]";
    assert_eq!(
        asked(program, &types, true, "main.elsewhere", list),
        [
            "a.Method=‹behind nil›",
            "a.Last=‹behind nil›",
            "a.Far[4999]=‹behind nil›",
            "a.Tags[1]=‹behind nil›",
            "b.(main.names)[1]=‹another type›",
            "c.(main.names)[1]=‹another type›",
            "d.(main.names)[0]=\"x\"",
            "d.(main.names)[1]=‹past the end›",
        ]
    );
    let list = "a.Fail.(*main.fault).code, a.Fail.(main.plain)";
    assert_eq!(
        asked(program, &types, true, "main.elsewhere", list),
        [
            "a.Fail.(*main.fault).code=‹behind nil›",
            "a.Fail.(main.plain)=‹behind nil›",
        ]
    );
}

#[test]
fn expressions_without_types() {
    let Some(program) = program("1.27") else {
        return;
    };
    let types = program.executable.types().expect("it has DWARF");
    let list = "mem(reg.cx, reg.di) as text, u8(reg.cx), reg.di, mem(reg.cx, 1), mem(0, 8), u64(0), reg.r14 == 0";
    assert_eq!(
        asked(program, &types, false, "main.strings3", list),
        [
            r#"mem(reg.cx, reg.di)="päth\x00""#,
            "u8(reg.cx)=112",
            "reg.di=6",
            r#"mem(reg.cx, 1)="p""#,
            "mem(0, 8)=‹unreadable›",
            "u64(0)=‹unreadable›",
            "reg.r14 == 0=true"
        ]
    );
}
