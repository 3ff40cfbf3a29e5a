//! What was captured, as text and as JSON.

use std::sync::Arc;

use compiler::shape::{Absent, Full, MapEntry, Missing, Run, Shape, Slot};
use graph::Graph;

use self::names::Names;
use super::{Value, decode::decode, go, json::Json};

mod any;
mod compound;
mod interfaces;
mod names;
mod partial;

/// What was captured: the word of bits, and what follows.
fn captured(unreadable: u64, parts: &[&[u8]]) -> Vec<u8> {
    [&unreadable.to_le_bytes(), parts.concat().as_slice()].concat()
}

fn words(words: &[u64]) -> Vec<u8> {
    captured(0, &[&bytes(words)])
}

fn bytes(words: &[u64]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn value(shape: &Shape, captured: &[u8]) -> Value {
    decode(shape, captured, &graph(), &Names)
}

fn graph() -> Graph {
    Graph {
        trace: 0,
        pid: 1,
        tid: 1,
        goroutine: 1,
        start_ns: 0,
        entry_ip: 0,
        complete: true,
        lost_calls: 0,
        missing_calls: 0,
        lost_values: 0,
        no_room: false,
        unread: false,
        dropped: Arc::default(),
        compensated: false,
        open: false,
        until: false,
        calls: Vec::new(),
        stack: Vec::new(),
        stack_left: false,
        captured: Default::default(),
    }
}

fn text(shape: &Shape, captured: &[u8]) -> String {
    let mut out = String::new();
    go::write(&mut out, &value(shape, captured));
    out
}

fn json(shape: &Shape, captured: &[u8]) -> String {
    serde_json::to_string(&Json(&value(shape, captured))).expect("JSON")
}

/// Both, with the JSON after a blank line's worth of ` | `.
fn both(shape: &Shape, captured: &[u8]) -> String {
    format!("{} | {}", text(shape, captured), json(shape, captured))
}

/// The word number `n` after the bits, which is item `n`.
fn slot(n: u8) -> Slot {
    Slot {
        item: n,
        at: 8 + 8 * u16::from(n),
    }
}

fn int(n: u8, width: u8) -> Shape {
    Shape::Int {
        slot: slot(n),
        width,
    }
}

fn uint(n: u8, width: u8) -> Shape {
    Shape::Uint {
        slot: slot(n),
        width,
        hexadecimal: false,
    }
}

#[test]
fn numbers() {
    let all = words(&[0xfedc_ba98_ffff_fe80]);
    assert_eq!(both(&int(0, 1), &all), "-128 | -128");
    assert_eq!(both(&int(0, 2), &all), "-384 | -384");
    assert_eq!(both(&int(0, 4), &all), "-384 | -384");
    assert_eq!(
        both(&int(0, 8), &all),
        "-81985526906749312 | \"-81985526906749312\""
    );
    assert_eq!(both(&uint(0, 1), &all), "128 | 128");
    assert_eq!(both(&uint(0, 2), &all), "65152 | 65152");
    assert_eq!(both(&uint(0, 4), &all), "4294966912 | 4294966912");
    assert_eq!(
        both(&uint(0, 8), &all),
        "18364758546802802304 | \"18364758546802802304\""
    );
    let edge = words(&[1 << 53]);
    assert_eq!(
        both(&int(0, 8), &edge),
        "9007199254740992 | 9007199254740992"
    );
    let edge = words(&[(1 << 53) + 1]);
    assert_eq!(json(&uint(0, 8), &edge), "\"9007199254740993\"");
    let address = Shape::Uint {
        slot: slot(0),
        width: 8,
        hexadecimal: true,
    };
    assert_eq!(
        both(&address, &words(&[0xc0_0012])),
        "0xc00012 | \"0xc00012\""
    );
    let bool = Shape::Bool(slot(0));
    assert_eq!(both(&bool, &words(&[0xff00])), "false | false");
    assert_eq!(both(&bool, &words(&[1])), "true | true");
}

#[test]
fn floats() {
    let float = |width| Shape::Float {
        slot: slot(0),
        width,
    };
    let single = |value: f32| words(&[u64::from(value.to_bits()) | 0xdead << 32]);
    let double = |value: f64| words(&[value.to_bits()]);
    assert_eq!(both(&float(4), &single(0.1)), "0.1 | 0.1");
    assert_eq!(both(&float(8), &double(1e100)), "1e+100 | 1e+100");
    assert_eq!(both(&float(8), &double(-2.5)), "-2.5 | -2.5");
    assert_eq!(both(&float(8), &double(f64::NAN)), "NaN | \"NaN\"");
    assert_eq!(both(&float(8), &double(f64::INFINITY)), "+Inf | \"+Inf\"");
    let complex = Shape::Complex {
        real: slot(0),
        imaginary: slot(1),
        width: 8,
    };
    let parts = |real: f64, imaginary: f64| words(&[real.to_bits(), imaginary.to_bits()]);
    assert_eq!(both(&complex, &parts(1.0, 2.0)), "(1+2i) | \"(1+2i)\"");
    assert_eq!(text(&complex, &parts(0.0, -0.0)), "(0-0i)");
    assert_eq!(
        text(&complex, &parts(f64::NAN, f64::INFINITY)),
        "(NaN+Infi)"
    );
}

#[test]
fn times() {
    let duration = Shape::Duration(slot(0));
    assert_eq!(both(&duration, &words(&[250_000_000])), "250ms | 250000000");
    let time = Shape::Time {
        wall: slot(0),
        ext: slot(1),
    };
    assert_eq!(
        both(&time, &words(&[0, 62_135_596_800])),
        "1970-01-01T00:00:00Z | \"1970-01-01T00:00:00Z\""
    );
    assert_eq!(
        both(&time, &words(&[1, i64::MAX as u64])),
        "time.Time{wall:0x1 ext:9223372036854775807} | null"
    );
}

const RUN: Run = Run {
    item: 0,
    at: 8,
    most: 16,
};

#[test]
fn strings() {
    let string = Shape::String(RUN);
    let of = |length: u64, text: &[u8]| captured(0, &[&length.to_le_bytes(), text]);
    assert_eq!(
        both(&string, &of(5, b"hello\0\0\0rubbish!")),
        "\"hello\" | \"hello\""
    );
    assert_eq!(both(&string, &of(0, &[7; 16])), "\"\" | \"\"");
    assert_eq!(
        both(&string, &of(228, b"SELECT * FROM us")),
        "\"SELECT * FROM us…\"+212 | \"SELECT * FROM us\""
    );
    assert_eq!(
        both(&string, &of(20, "SELECT * FROM x世".as_bytes())),
        "\"SELECT * FROM x…\"+5 | \"SELECT * FROM x\""
    );
    assert_eq!(
        both(&string, &of(6, b"\xff\x1b[31m\0\0rubbish!")),
        r#""\xff\x1b[31m" | "�\u001b[31m""#
    );
    // No room for any of it.
    let length = Shape::String(Run { most: 0, ..RUN });
    assert_eq!(both(&length, &of(9, b"")), "\"…\"+9 | \"\"");
    // Memory of a fixed length ends at a NUL.
    let characters = Shape::Characters(RUN);
    for (length, bytes, shown) in [
        (16, b"hello\0\0\0rubbish!", "\"hello\""),
        (
            16,
            b"hello and farewell".first_chunk().expect("16 bytes"),
            "\"hello and farewe\"",
        ),
        (99, b"hello\0\0\0rubbish!", "\"hello\""),
        (0, &[7; 16], "\"\""),
    ] {
        assert_eq!(text(&characters, &of(length, bytes)), shown);
    }
    // A length that cannot be.
    assert_eq!(
        text(&string, &of(u64::MAX, &[b'x'; 16])),
        "\"xxxxxxxxxxxxxxxx…\"+18446744073709551599"
    );
    let bytes = Shape::Bytes {
        bytes: Run {
            item: 1,
            at: 16,
            most: 16,
        },
        pointer: slot(0),
    };
    let of = |pointer: u64, length: u64| {
        captured(
            0,
            &[
                &pointer.to_le_bytes(),
                &length.to_le_bytes(),
                b"hi\n\0rubbish is it",
            ],
        )
    };
    assert_eq!(both(&bytes, &of(0, 0)), "nil | null");
    assert_eq!(both(&bytes, &of(9, 0)), "[]byte(\"\") | []");
    assert_eq!(both(&bytes, &of(9, 3)), "[]byte(\"hi\\n\") | [104,105,10]");
}

#[test]
fn channels_and_functions() {
    let chan = |length, capacity| Shape::Chan {
        ty: "chan int".to_owned(),
        pointer: slot(0),
        length,
        capacity,
    };
    let buffered = chan(Some(slot(1)), Some(slot(2)));
    assert_eq!(
        both(&buffered, &words(&[9, 2, 5])),
        r#"chan int (2 of 5) | "chan int (2 of 5)""#
    );
    assert_eq!(text(&buffered, &words(&[9, 0, 0])), "chan int");
    assert_eq!(text(&buffered, &words(&[0, 2, 5])), "nil");
    assert_eq!(text(&chan(None, None), &words(&[9])), "chan int 0x9");
    let func = Shape::Func {
        slot: slot(0),
        code: slot(1),
    };
    assert_eq!(
        both(&func, &words(&[9, 0x1000])),
        r#"main.main.func1 | "main.main.func1""#
    );
    assert_eq!(text(&func, &words(&[9, 0x2000])), "0x2000");
    assert_eq!(text(&func, &words(&[0, 0x1000])), "nil");
    let code = Shape::Code(slot(0));
    assert_eq!(
        both(&code, &words(&[0x1005])),
        r#"main.caller | "main.caller""#
    );
    assert_eq!(text(&code, &words(&[0x1006])), "0x1006");
}

#[test]
fn what_is_not_known() {
    for (missing, expected) in [
        (Missing::Vector(0), "‹in X0›"),
        (Missing::OptimisedAway, "‹optimised away›"),
        (Missing::NotDescribed, "‹not described›"),
        (Missing::NoRoom, "‹no room›"),
        (Missing::UnknownType, "‹unknown type›"),
    ] {
        let shape = Shape::Missing(missing);
        assert_eq!(both(&shape, &[]), format!("{expected} | null"));
    }
    let constant = Shape::Constant("4096".to_owned());
    assert_eq!(both(&constant, &[]), "4096 | \"4096\"");
    for damaged in [
        &[][..],
        &[0; 7],
        &words(&[]),
        &words(&[1])[..15],
        &captured(1, &[&[0; 8]]),
    ] {
        assert_eq!(text(&int(0, 8), damaged), "‹unreadable›");
    }
    // There are 64 items.
    let wrong = Shape::Bool(Slot { item: 64, at: 8 });
    assert_eq!(text(&wrong, &words(&[1])), "‹unreadable›");
}

/// Of a value that an expression leads to, the first thing on the way that was not so is the reason.
#[test]
fn why_there_is_no_such_value() {
    let reached = Shape::Reached {
        shape: int(0, 8).into(),
        steps: vec![
            (slot(1), Absent::BehindNil),
            (slot(2), Absent::PastTheEnd),
            (slot(3), Absent::OtherType),
        ],
    };
    for (unreadable, steps, expected) in [
        (0b0000, [1, 1, 1], "7 | 7"),
        (0b0000, [0, 0, 0], "7 | 7"),
        (0b0001, [1, 1, 1], "‹unreadable› | null"),
        (0b0001, [0, 1, 1], "‹behind nil› | null"),
        (0b0101, [1, 0, 0], "‹another type› | null"),
        (0b0001, [1, 0, 0], "‹past the end› | null"),
        (0b1111, [0, 0, 0], "‹unreadable› | null"),
    ] {
        let [one, two, three] = steps;
        let captured = captured(unreadable, &[&bytes(&[7, one, two, three])]);
        assert_eq!(
            both(&reached, &captured),
            expected,
            "{unreadable:b} {steps:?}"
        );
    }
}
