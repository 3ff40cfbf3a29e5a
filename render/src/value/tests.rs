use std::sync::Arc;

use compiler::shape::{Absent, Full, MapEntry, Missing, Run, Shape, ShownCall, ShownValue, Slot};
use graph::{Graph, Moment};

use super::{Value, decode::decode, go, json::Json};
use crate::{Held, RuntimeType, Site, Symbols};

mod any;
mod interfaces;
mod partial;

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
            16 => ("main.bad", Held::Copy, Some(string())),
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
