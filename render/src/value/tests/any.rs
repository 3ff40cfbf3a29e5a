//! Any bytes that a program sends, taken for a value of any shape.

use proptest::prelude::*;

use super::*;

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
