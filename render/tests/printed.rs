//! Lines that `print` writes in place of trees.

mod common;

use common::*;
use compiler::plan::{Piece, Template};
use graph::{Captured, Exit, Graph, Moment};
use render::Format;

fn template(pieces: Vec<Piece>) -> Template {
    Template { pieces }
}

/// A query that is a target.
fn target(exit: Exit) -> Graph {
    let captured = [
        (0, Moment::Arguments, query("\x1b[2J\t", 7)),
        (0, Moment::Results, answer(3, 0)),
    ];
    let captured = captured.iter();
    let captured =
        captured.filter(|(_, moment, _)| exit == Exit::Return || *moment == Moment::Arguments);
    let captured = captured.map(|(call, moment, bytes)| (*call, *moment, bytes.as_slice()));
    Graph {
        captured: Captured::new(captured),
        ..graph(vec![cut(exit, call(QUERY, 0, 0, 1_200, 0x1000))])
    }
}

#[test]
fn results_of_a_call_that_did_not_return() {
    let template = template(vec![
        Piece::Argument(1),
        Piece::Text(": ".to_owned()),
        Piece::Result(1),
    ]);
    let graphs = [
        target(Exit::Return),
        target(Exit::Unwound),
        Graph {
            captured: Captured::default(),
            ..target(Exit::Return)
        },
    ];
    insta::assert_snapshot!(printed(Format::Graph, &template, &graphs), @"
    7: nil
    7: ‹did not return›
    ‹not captured›: ‹not captured›
    ");
}

/// What is escaped is what the target has to do with.
#[test]
fn tabs_and_newlines_of_the_program_are_its_own() {
    let template = template(vec![
        Piece::Text("a\t".to_owned()),
        Piece::Argument(0),
        Piece::Text("\n".to_owned()),
        Piece::Function,
    ]);
    let graph = target(Exit::Return);
    assert_eq!(
        printed(Format::Graph, &template, std::slice::from_ref(&graph)),
        "a\t\\x1b[2J\\t\nmain.(*DB).query\n"
    );
    assert!(printed(Format::Json, &template, &[graph]).contains(r#""text":"a\t\\x1b[2J\\t\nmain"#));
    let mut hostile = target(Exit::Return);
    hostile.calls[0].function = 5;
    let function = Template {
        pieces: vec![Piece::Function],
    };
    assert_eq!(
        printed(Format::Graph, &function, &[hostile]),
        "main.\\x1b[2Jevil\\u202e\n"
    );
    for format in [Format::Graph, Format::Classic] {
        let mut out = Vec::new();
        let mut renderer = render::renderer(format, options());
        renderer.text(&mut out, "a\tb", 0).expect("memory");
        assert_eq!(out, b"a\tb\n");
    }
}
