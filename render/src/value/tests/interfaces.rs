//! Interfaces: what they hold by its dynamic type, and errors in words.

use super::*;

/// An interface of words 0 and 1, with 24 bytes of what it refers to and 16 of a text.
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
            of(16),
            r#"main.bad("hello") | {"type":"main.bad","value":"hello"}"#,
        ),
        (
            &any,
            of(16),
            r#"main.bad("hello") | {"type":"main.bad","value":"hello"}"#,
        ),
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
        r#"*main.Fault{Code:5 Msg:‹unreadable› …+1} | {"type":"*main.Fault","value":{"Code":5,"Msg":null}}"#
    );
}

/// Issue 9, case cgo-args: a string for which there was no room is not said to be unreadable.
#[test]
fn what_was_not_tried_is_not_unreadable() {
    let Shape::Interface {
        ty,
        dynamic,
        data,
        pointee,
        text: Some(text),
        ..
    } = interface("any")
    else {
        unreachable!()
    };
    let with = |text: Option<Run>, unreadable: u64| {
        let shape = Shape::Interface {
            ty: ty.clone(),
            dynamic,
            data,
            pointee,
            text,
            second_text: None,
        };
        both(
            &shape,
            &holding(3, 0xc000, &[0xd000, 1, 0], "a", unreadable),
        )
    };
    assert_eq!(
        with(Some(text), 0),
        r#""a" | {"type":"string","value":"a"}"#
    );
    assert_eq!(
        with(None, 0),
        r#"string(…) | {"type":"string","value":null}"#
    );
    assert_eq!(
        with(Some(text), 0b1000),
        r#"string(‹unreadable›) | {"type":"string","value":null}"#
    );
}
