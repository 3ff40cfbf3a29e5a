use std::sync::Arc;

use compiler::shape::{Absent, Full, MapEntry, Missing, Run, Shape, ShownCall, ShownValue, Slot};
use graph::{Graph, Moment};
use proptest::prelude::*;

use super::{Value, decode::decode, go, json::Json};
use crate::{Held, RuntimeType, Site, Symbols};

/// Knows a few functions and types.
struct Names;

impl Symbols for Names {
    fn trace_label(&self, _: u32) -> &str {
        ""
    }

    fn function(&self, _: u32) -> &str {
        ""
    }

    fn call_site(&self, _: &Graph, address: u64) -> Site {
        Site {
            function: if address == 0x1005 { "main.caller" } else { "" }.to_owned(),
            ..Site::default()
        }
    }

    fn return_site(&self, _: u32, _: u32) -> Site {
        Site::default()
    }

    fn shown(&self, _: u32, _: u32) -> Option<&ShownCall> {
        None
    }

    fn resolved(&self, _: &Graph, _: u32, _: (Moment, usize), _: u64) -> Option<Arc<ShownValue>> {
        None
    }

    fn code(&self, _: &Graph, address: u64) -> Option<String> {
        (address == 0x1000).then(|| "main.main.func1".to_owned())
    }

    fn runtime_type(&self, _: &Graph, address: u64) -> Option<Arc<RuntimeType>> {
        let slot = |at| Slot { item: 0, at };
        let string = || {
            let (item, at, most) = (0, 0, u16::MAX);
            Shape::String(Run { item, at, most })
        };
        let second = || {
            let (item, at, most) = (0, 8, u16::MAX);
            Shape::String(Run { item, at, most })
        };
        let int = |at| Shape::Int {
            slot: slot(at),
            width: 8,
        };
        let complex = |width: u8| Shape::Complex {
            real: slot(0),
            imaginary: slot(width.into()),
            width,
        };
        let structure = |fields: Vec<(&str, Shape)>, more| Shape::Struct {
            ty: String::new(),
            fields: fields
                .into_iter()
                .map(|(name, shape)| (name.to_owned(), shape))
                .collect(),
            more,
        };
        let (name, held, shape) = match address {
            1 => ("int", Held::Copy, Some(int(0))),
            2 => ("main.ID", Held::Copy, Some(int(0))),
            3 => ("string", Held::Copy, Some(string())),
            4 => (
                "*errors.errorString",
                Held::Address,
                Some(structure(vec![("s", string())], 0)),
            ),
            5 => (
                "*fmt.wrapError",
                Held::Address,
                Some(structure(vec![("msg", string())], 1)),
            ),
            6 => (
                "*fs.PathError",
                Held::Address,
                Some(structure(vec![("Op", string()), ("Code", int(16))], 2)),
            ),
            7 => ("map[string]int", Held::Address, None),
            8 => ("main.Big", Held::Copy, None),
            9 => ("*main.T", Held::Address, None),
            10 => ("bool", Held::Copy, Some(Shape::Bool(slot(0)))),
            11 => (
                "table",
                Held::Address,
                Some(Shape::Map {
                    ty: "table".to_owned(),
                    pointer: int_at(0),
                    length: int_at(0),
                    entries: Vec::new(),
                }),
            ),
            12 => ("[1]uintptr", Held::Word, Some(address_in_array())),
            13 => (
                "*main.Fault",
                Held::Address,
                Some(structure(
                    vec![("Code", int(0)), ("Msg", second()), ("At", int(24))],
                    0,
                )),
            ),
            14 => ("complex128", Held::Copy, Some(complex(8))),
            15 => ("main.C", Held::Copy, Some(complex(4))),
            _ => return None,
        };
        Some(Arc::new(RuntimeType {
            name: name.to_owned(),
            held,
            shape,
        }))
    }
}

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
        unread: false,
        dropped: Arc::default(),
        compensated: false,
        open: false,
        until: false,
        calls: Vec::new(),
        stack: Vec::new(),
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
fn slices_and_arrays() {
    let slice = Shape::Slice {
        ty: "[]int".to_owned(),
        pointer: slot(0),
        length: slot(1),
        elements: (2..5).map(|n| int(n, 8)).collect(),
    };
    let of = |length: u64| words(&[0xc0_0000, length, 1, 2, 3]);
    assert_eq!(both(&slice, &of(100)), "[]int{1, 2, 3, …+97} | [1,2,3]");
    assert_eq!(both(&slice, &of(3)), "[]int{1, 2, 3} | [1,2,3]");
    assert_eq!(both(&slice, &of(1)), "[]int{1} | [1]");
    assert_eq!(both(&slice, &of(0)), "[]int{} | []");
    assert_eq!(both(&slice, &words(&[0; 5])), "nil | null");
    let unread = captured(0b11100, &[&bytes(&[8, 7, 1, 2, 3])]);
    assert_eq!(
        both(&slice, &unread),
        "[]int len 7 ‹unreadable› | [null,null,null]"
    );
    let rows = Shape::Slice {
        ty: "[]main.Row".to_owned(),
        pointer: slot(0),
        length: slot(1),
        elements: vec![],
    };
    assert_eq!(both(&rows, &words(&[8, 3])), "[]main.Row len 3 | []");
    let array = Shape::Array {
        ty: "[4]int8".to_owned(),
        length: 4,
        elements: (0..2).map(|n| int(n, 1)).collect(),
    };
    assert_eq!(both(&array, &words(&[1, 2])), "[4]int8{1, 2, …+2} | [1,2]");
}

fn person(name: Shape, age: Shape, more: usize) -> Shape {
    Shape::Struct {
        ty: "main.Person".to_owned(),
        fields: vec![("Name".to_owned(), name), ("Age".to_owned(), age)],
        more,
    }
}

#[test]
fn structs_and_pointers() {
    let captured = |unreadable| {
        let (address, length) = (0xc000_1230_u64.to_le_bytes(), 1_u64.to_le_bytes());
        captured(
            unreadable,
            &[&address, &length, b"x\0\0\0\0\0\0\0", &3_u64.to_le_bytes()],
        )
    };
    let name = Run {
        item: 1,
        at: 16,
        most: 8,
    };
    let age = Shape::Int {
        slot: Slot { item: 2, at: 32 },
        width: 8,
    };
    let structure = |more| person(Shape::String(name), age.clone(), more);
    assert_eq!(
        both(&structure(2), &captured(0)),
        "{Name:\"x\" Age:3 …+2} | {\"Name\":\"x\",\"Age\":3}"
    );
    assert_eq!(
        both(&structure(0), &captured(0b100)),
        "{Name:\"x\" Age:‹unreadable›} | {\"Name\":\"x\",\"Age\":null}"
    );
    let pointer = |target: Option<Shape>| Shape::Pointer {
        ty: "*main.Person".to_owned(),
        slot: slot(0),
        target: target.map(Box::new),
    };
    assert_eq!(
        both(&pointer(Some(structure(0))), &captured(0)),
        "&{Name:\"x\" Age:3} | {\"Name\":\"x\",\"Age\":3}"
    );
    assert_eq!(
        both(&pointer(Some(structure(0))), &captured(0b110)),
        "0xc0001230 ‹unreadable› | {\"Name\":null,\"Age\":null}"
    );
    assert_eq!(
        both(&pointer(None), &captured(0)),
        "0xc0001230 | \"0xc0001230\""
    );
    assert_eq!(
        both(
            &pointer(Some(Shape::Missing(Missing::NoRoom))),
            &captured(0)
        ),
        "0xc0001230 | \"0xc0001230\""
    );
    assert_eq!(both(&pointer(Some(age.clone())), &captured(0)), "&3 | 3");
    assert_eq!(both(&pointer(Some(age)), &words(&[0])), "nil | null");
    let empty = Shape::Struct {
        ty: "struct {}".to_owned(),
        fields: vec![],
        more: 0,
    };
    assert_eq!(both(&empty, &[]), "{} | {}");
    let closed = Shape::Struct {
        ty: "main.Closed".to_owned(),
        fields: vec![],
        more: 5,
    };
    assert_eq!(both(&closed, &[]), "{…+5} | {}");
}

/// An interface of words 0 and 1, with 24 bytes of what it refers to and 16 of a text.
fn int_at(at: u16) -> Slot {
    Slot { item: 0, at }
}

fn address_in_array() -> Shape {
    Shape::Array {
        ty: "[1]uintptr".to_owned(),
        length: 1,
        elements: vec![Shape::Uint {
            slot: int_at(0),
            width: 8,
            hexadecimal: true,
        }],
    }
}

fn interface(ty: &str) -> Shape {
    Shape::Interface {
        ty: ty.to_owned(),
        dynamic: slot(0),
        data: slot(1),
        pointee: Some(Run {
            item: 2,
            at: 24,
            most: 24,
        }),
        text: Some(Run {
            item: 3,
            at: 56,
            most: 16,
        }),
        second_text: None,
    }
}

/// An error that begins with a number, and has its words behind it.
#[test]
fn words_behind_a_number() {
    let Shape::Interface {
        dynamic,
        data,
        pointee,
        text: first,
        ..
    } = interface("error")
    else {
        unreachable!()
    };
    let fault = Shape::Interface {
        ty: "error".to_owned(),
        dynamic,
        data,
        pointee,
        text: first,
        second_text: Some(Run {
            item: 4,
            at: 80,
            most: 16,
        }),
    };
    let with = |unreadable: u64| {
        let mut bytes = holding(13, 0xc000, &[5, 0xd000, 4], "", unreadable);
        bytes.extend(4_u64.to_le_bytes());
        bytes.extend(b"boom\0\0\0\0\0\0\0\0\0\0\0\0");
        both(&fault, &bytes)
    };
    assert_eq!(
        with(0b1000),
        r#"*main.Fault{Code:5 Msg:"boom" …+1} | {"type":"*main.Fault","value":{"Code":5,"Msg":"boom"}}"#
    );
    assert_eq!(
        with(0b11000),
        r#"*main.Fault{Code:5 …+2} | {"type":"*main.Fault","value":{"Code":5}}"#
    );
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

fn holding(dynamic: u64, data: u64, pointee: &[u64; 3], text: &str, unreadable: u64) -> Vec<u8> {
    let mut room = text.as_bytes().to_vec();
    room.resize(16, 0);
    let head = bytes(&[dynamic, data, 24]);
    let length = (text.len() as u64).to_le_bytes();
    captured(unreadable, &[&head, &bytes(pointee), &length, &room])
}

#[test]
fn interfaces() {
    let any = interface("any");
    let error = interface("error");
    let pointee = [7, 5, 9];
    let of = |dynamic| holding(dynamic, 0xc000, &pointee, "hello", 0);
    for (shape, captured, expected) in [
        (&error, of(0), "nil | null"),
        (&any, of(1), r#"7 | {"type":"int","value":7}"#),
        (&any, of(2), r#"main.ID(7) | {"type":"main.ID","value":7}"#),
        (
            &any,
            of(3),
            r#""hello" | {"type":"string","value":"hello"}"#,
        ),
        (&any, of(10), r#"true | {"type":"bool","value":true}"#),
        (
            &error,
            of(4),
            r#"*errors.errorString{"hello"} | {"type":"*errors.errorString","value":"hello"}"#,
        ),
        (
            &error,
            of(5),
            r#"*fmt.wrapError{"hello"} | {"type":"*fmt.wrapError","value":"hello"}"#,
        ),
        (
            &any,
            of(5),
            r#"*fmt.wrapError{msg:"hello" …+1} | {"type":"*fmt.wrapError","value":{"msg":"hello"}}"#,
        ),
        (
            &error,
            of(6),
            r#"*fs.PathError{Op:"hello" Code:9 …+2} | {"type":"*fs.PathError","value":{"Op":"hello","Code":9}}"#,
        ),
        (
            &any,
            of(7),
            r#"map[string]int(0xc000) | {"type":"map[string]int","value":"0xc000"}"#,
        ),
        (
            &any,
            of(8),
            r#"main.Big(‹unknown type›) | {"type":"main.Big","value":null}"#,
        ),
        (
            &any,
            of(9),
            r#"(*main.T)(0xc000) | {"type":"*main.T","value":"0xc000"}"#,
        ),
        (
            &any,
            of(99),
            r#"interface 0x63 | {"type":"interface","value":"0x63"}"#,
        ),
        (&any, of(11), r#"table len 7 | {"type":"table","value":{}}"#),
        // Its value is in the interface itself, zero as any other.
        (
            &any,
            of(12),
            r#"[1]uintptr{0xc000} | {"type":"[1]uintptr","value":["0xc000"]}"#,
        ),
        (
            &any,
            holding(12, 0, &[0; 3], "", 0b1100),
            r#"[1]uintptr{0x0} | {"type":"[1]uintptr","value":["0x0"]}"#,
        ),
        // A nil pointer in an interface that is not nil.
        (
            &error,
            holding(4, 0, &[0; 3], "", 0),
            r#"(*errors.errorString)(nil) | {"type":"*errors.errorString","value":null}"#,
        ),
        (
            &error,
            holding(4, 0xc000, &[0; 3], "", 0b1100),
            r#"(*errors.errorString)(0xc000 ‹unreadable›) | {"type":"*errors.errorString","value":"0xc000"}"#,
        ),
        (
            &any,
            holding(1, 0xc000, &[0; 3], "", 0b0100),
            r#"int(‹unreadable›) | {"type":"int","value":null}"#,
        ),
        (
            &any,
            holding(1, 0xc000, &[0; 3], "", 0b0001),
            "‹unreadable› | null",
        ),
    ] {
        assert_eq!(both(shape, &captured), expected);
    }
    let complex = |ty, one: u64, other: u64| holding(ty, 0xc000, &[one, other, 0], "", 0);
    let (one, two) = (1.0_f64.to_bits(), 2.0_f64.to_bits());
    assert_eq!(text(&any, &complex(14, one, two)), "(1+2i)");
    let singles = u64::from(1.0_f32.to_bits()) | u64::from((-2.0_f32).to_bits()) << 32;
    assert_eq!(text(&any, &complex(15, singles, 0)), "main.C(1-2i)");
    // Nothing of it was captured.
    let Shape::Interface { dynamic, data, .. } = any else {
        unreachable!()
    };
    let closed = Shape::Interface {
        ty: "interface {}".to_owned(),
        dynamic,
        data,
        pointee: None,
        text: None,
        second_text: None,
    };
    assert_eq!(text(&closed, &of(1)), "int(…)");
    assert_eq!(text(&closed, &of(4)), "(*errors.errorString)(0xc000)");
    // More fields than were captured.
    let Shape::Interface { dynamic, data, .. } = error else {
        unreachable!()
    };
    let small = Shape::Interface {
        ty: "error".to_owned(),
        dynamic,
        data,
        pointee: Some(Run {
            item: 2,
            at: 24,
            most: 16,
        }),
        text: Some(Run {
            item: 3,
            at: 48,
            most: 8,
        }),
        second_text: None,
    };
    let head = bytes(&[6, 0xc000, 16, 1, 2, 5]);
    assert_eq!(
        text(&small, &captured(0, &[&head, b"hello\0\0\0"])),
        "*fs.PathError{Op:\"hello\" …+3}"
    );
}

#[test]
fn maps() {
    let map = |rule| Shape::Map {
        ty: "map[string]int".to_owned(),
        pointer: slot(0),
        length: slot(1),
        entries: [(0, 32), (1, 56)]
            .map(|(index, at)| MapEntry {
                full: Slot {
                    item: 2,
                    at: 24 + index,
                },
                rule,
                key: Shape::String(Run {
                    item: 3,
                    at,
                    most: 8,
                }),
                value: Shape::Int {
                    slot: Slot {
                        item: 3,
                        at: at + 16,
                    },
                    width: 8,
                },
            })
            .to_vec(),
    };
    let of = |length: u64, control: u64| {
        let head = bytes(&[9, length, control]);
        captured(
            0,
            &[
                &head,
                &bytes(&[1]),
                b"a\0\0\0\0\0\0\0",
                &bytes(&[1]),
                &bytes(&[1]),
                b"b\0\0\0\0\0\0\0",
                &bytes(&[2]),
            ],
        )
    };
    let swiss = map(Full::HighBitClear);
    assert_eq!(
        both(&swiss, &of(2, 0x1122)),
        r#"map[string]int{"a": 1, "b": 2} | {"a":1,"b":2}"#
    );
    assert_eq!(
        both(&swiss, &of(6, 0x1180)),
        r#"map[string]int{"b": 2, …+5} | {"b":2}"#
    );
    assert_eq!(both(&swiss, &of(6, 0x8080)), "map[string]int len 6 | {}");
    assert_eq!(both(&swiss, &of(0, 0x8080)), "map[string]int{} | {}");
    assert_eq!(both(&swiss, &words(&[0, 6, 0])), "nil | null");
    let classic = map(Full::AtLeastFive);
    assert_eq!(
        both(&classic, &of(1, 0x04ff)),
        r#"map[string]int{"a": 1} | {"a":1}"#
    );
    let numbered = Shape::Map {
        ty: "map[int]bool".to_owned(),
        pointer: slot(0),
        length: slot(1),
        entries: vec![MapEntry {
            full: slot(2),
            rule: Full::HighBitClear,
            key: int(3, 8),
            value: Shape::Bool(slot(4)),
        }],
    };
    assert_eq!(
        both(&numbered, &words(&[9, 1, 0, 42, 1])),
        r#"map[int]bool{42: true} | {"42":true}"#
    );
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

fn any_slot() -> impl Strategy<Value = Slot> {
    (0..70_u8, prop_oneof![9 => 0..120_u16, 1 => any::<u16>()])
        .prop_map(|(item, at)| Slot { item, at })
}

fn any_run() -> impl Strategy<Value = Run> {
    (any_slot(), prop_oneof![0..40_u16, any::<u16>()]).prop_map(|(Slot { item, at }, most)| Run {
        item,
        at,
        most,
    })
}

fn any_shape() -> impl Strategy<Value = Shape> {
    let width = || prop_oneof![Just(1_u8), Just(2), Just(4), Just(8), any::<u8>()];
    let leaf = prop_oneof![
        any_slot().prop_map(Shape::Bool),
        (any_slot(), width()).prop_map(|(slot, width)| Shape::Int { slot, width }),
        (any_slot(), width(), any::<bool>()).prop_map(|(slot, width, hexadecimal)| Shape::Uint {
            slot,
            width,
            hexadecimal
        }),
        (any_slot(), width()).prop_map(|(slot, width)| Shape::Float { slot, width }),
        (any_slot(), any_slot(), width()).prop_map(|(real, imaginary, width)| Shape::Complex {
            real,
            imaginary,
            width
        }),
        any_slot().prop_map(Shape::Duration),
        (any_slot(), any_slot()).prop_map(|(wall, ext)| Shape::Time { wall, ext }),
        any_run().prop_map(Shape::String),
        any_run().prop_map(Shape::Characters),
        (any_run(), proptest::option::of(any_run()))
            .prop_map(|(bytes, text)| Shape::Memory { bytes, text }),
        (any_run(), any_slot()).prop_map(|(bytes, pointer)| Shape::Bytes { bytes, pointer }),
        (
            any_slot(),
            any_slot(),
            prop::option::of(any_run()),
            prop::option::of(any_run()),
            prop::option::of(any_run())
        )
            .prop_map(
                |(dynamic, data, pointee, text, second_text)| Shape::Interface {
                    ty: "error".to_owned(),
                    dynamic,
                    data,
                    pointee,
                    text,
                    second_text
                }
            ),
        (any_slot(), any_slot()).prop_map(|(slot, code)| Shape::Func { slot, code }),
        (
            any_slot(),
            prop::option::of(any_slot()),
            prop::option::of(any_slot())
        )
            .prop_map(|(pointer, length, capacity)| Shape::Chan {
                ty: "chan int".to_owned(),
                pointer,
                length,
                capacity
            }),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let some = || prop::collection::vec(inner.clone(), 0..4);
        let ty = || "T".to_owned();
        prop_oneof![
            (any_slot(), any_slot(), some()).prop_map(move |(pointer, length, elements)| {
                Shape::Slice {
                    ty: ty(),
                    pointer,
                    length,
                    elements,
                }
            }),
            (any::<u64>(), some()).prop_map(move |(length, elements)| Shape::Array {
                ty: ty(),
                length,
                elements
            }),
            (some(), any::<usize>()).prop_map(move |(fields, more)| Shape::Struct {
                ty: ty(),
                fields: fields
                    .into_iter()
                    .map(|shape| ("f".to_owned(), shape))
                    .collect(),
                more,
            }),
            (any_slot(), prop::option::of(inner.clone())).prop_map(move |(slot, target)| {
                Shape::Pointer {
                    ty: ty(),
                    slot,
                    target: target.map(Box::new),
                }
            }),
            (
                any_slot(),
                any_slot(),
                any_slot(),
                inner.clone(),
                inner.clone()
            )
                .prop_map(move |(pointer, length, full, key, value)| Shape::Map {
                    ty: ty(),
                    pointer,
                    length,
                    entries: vec![MapEntry {
                        full,
                        rule: Full::AtLeastFive,
                        key,
                        value
                    }],
                }),
        ]
    })
}

proptest! {
    #[test]
    fn any_bytes_of_any_shape_are_answered(
        shape in any_shape(),
        // Small numbers are lengths and types that there are.
        captured in prop::collection::vec(prop_oneof![0..12_u8, any::<u8>()], 0..200),
        readable in any::<bool>(),
    ) {
        let mut captured = captured;
        if readable && let Some(bits) = captured.first_chunk_mut() {
            *bits = [0; 8];
        }
        let text = text(&shape, &captured);
        prop_assert!(!text.is_empty());
        prop_assert!(!text.contains(crate::text::is_unsafe), "{text}");
        let json = json(&shape, &captured);
        prop_assert!(serde_json::from_str::<serde_json::Value>(&json).is_ok(), "{json}");
    }
}
