//! Values that are made of others.

use super::*;

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

fn person(name: Shape, age: Shape, more: usize) -> Shape {
    Shape::Struct {
        ty: "main.Person".to_owned(),
        fields: vec![("Name".to_owned(), name), ("Age".to_owned(), age)],
        more,
    }
}
