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
