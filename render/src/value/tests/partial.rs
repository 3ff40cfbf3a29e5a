//! Values of whose JSON something further inside is missing.

use crate::value::{Text, Unknown, Value, json::is_partial};

/// In JSON an empty list and one that was left out look the same.
#[test]
fn what_is_left_out_inside_is_known() {
    let list = |elements: Vec<Value>, more| Value::List {
        ty: "[]T".to_owned(),
        elements,
        more,
    };
    let fields = |value: Value| Value::Struct {
        fields: vec![("F".to_owned(), value)],
        more: 0,
    };
    let string = |more| {
        let bytes = b"a".to_vec();
        Value::String(Text { bytes, more })
    };
    let map = |key: Value, value: Value| Value::Map {
        ty: "map[K]V".to_owned(),
        entries: vec![(key, value)],
        more: 0,
    };
    let pointer = |target: Option<Value>| Value::Pointer {
        address: 1,
        target: target.map(Box::new),
    };
    let holding = |ty: &str, value: Value| Value::Interface {
        ty: ty.to_owned(),
        value: Box::new(value),
    };
    let no_room = || Value::Unknown(Unknown::NoRoom);
    let odd_time = Value::Time {
        wall: 1,
        ext: i64::MAX,
    };
    for partial in [
        map(string(0), list(vec![], 2)),
        map(string(9), Value::Nil),
        list(vec![pointer(Some(fields(string(1)))), Value::Nil], 0),
        list(vec![holding("int", no_room()), Value::Nil], 0),
        pointer(Some(fields(no_room()))),
        fields(odd_time),
        holding("int", no_room()),
        holding("interface", Value::Address(1)),
    ] {
        assert!(is_partial(&partial), "{partial:?}");
    }
    for whole in [
        // These are counted of the value itself.
        list(vec![], 2),
        string(1),
        pointer(Some(list(vec![], 2))),
        holding("[]int", list(vec![], 2)),
        // These are addresses.
        list(vec![pointer(None), pointer(Some(no_room()))], 0),
        holding("main.Handle", Value::Address(1)),
        fields(map(string(0), list(vec![Value::Nil, Value::Int(0)], 0))),
    ] {
        assert!(!is_partial(&whole), "{whole:?}");
    }
}
