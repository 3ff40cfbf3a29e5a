//! Predicates without a kernel: what they mean, what of them is too large, how they are shown. That the generated code means the same is
//! tested where there is a kernel, in the crate `runtime`.

use compiler::{
    codegen::{
        Arm, CaptureArm, Code, Event, Limits, Resource, Verdict, evaluate, generate,
        generate_capture, generate_captures,
    },
    ir::{
        Condition, ConditionKind, Extension, Input, Item, Layout, Memory, Moment, Operator,
        Pattern, Register, Relation, SEARCH_WINDOW, Text, Unreadable, Width, Word, WordKind,
    },
};
use proptest::prelude::*;

/// Memory from [`Bytes::START`] on; nothing else can be read.
struct Bytes<'b>(&'b [u8]);

impl Bytes<'_> {
    const START: u64 = 0x1000;
}

impl Memory for Bytes<'_> {
    fn read(&self, address: u64, buffer: &mut [u8]) -> Result<(), Unreadable> {
        let start = address.checked_sub(Self::START).ok_or(Unreadable)?;
        let start = usize::try_from(start).map_err(|_| Unreadable)?;
        let end = start.checked_add(buffer.len()).ok_or(Unreadable)?;
        let bytes = self.0.get(start..end).ok_or(Unreadable)?;
        buffer.copy_from_slice(bytes);
        Ok(())
    }
}

fn word(kind: WordKind) -> Box<Word> {
    Word::new(kind, 0..1).into()
}

fn number(value: i64) -> Box<Word> {
    word(WordKind::Constant(value.cast_unsigned()))
}

fn register(register: Register) -> Box<Word> {
    word(WordKind::Register(register, Moment::Entry))
}

fn binary(operator: Operator, left: i64, right: i64) -> Box<Word> {
    word(WordKind::Binary {
        operator,
        left: number(left),
        right: number(right),
    })
}

fn condition(kind: ConditionKind) -> Condition {
    Condition::new(kind, 0..1)
}

fn compare(left: Box<Word>, relation: Relation, right: Box<Word>) -> Condition {
    condition(ConditionKind::Compare {
        relation,
        signed: true,
        left,
        right,
    })
}

fn is(left: Box<Word>, right: i64) -> Condition {
    compare(left, Relation::Equal, number(right))
}

fn verdict(condition: &Condition) -> Verdict {
    evaluate(condition, &Event::default(), &Bytes(&[]))
}

fn matches(pattern: Pattern) -> Condition {
    condition(ConditionKind::Matches {
        text: Text {
            pointer: register(Register::Rax),
            length: register(Register::Rbx),
        },
        pattern,
    })
}

fn on_text(pattern: Pattern, text: &[u8]) -> Verdict {
    let mut event = Event::default();
    event.set_register(Register::Rax, Bytes::START);
    event.set_register(Register::Rbx, text.len() as u64);
    evaluate(&matches(pattern), &event, &Bytes(text))
}

fn glob(glob: &str) -> Pattern {
    Pattern::glob(glob.as_bytes()).expect("it is short")
}

#[test]
fn arithmetic_is_that_of_go() {
    let divide = Operator::Divide { signed: true };
    let remainder = Operator::Remainder { signed: true };
    for (operator, left, right, result) in [
        (Operator::Add, i64::MAX, 1, i64::MIN),
        (Operator::Subtract, i64::MIN, 1, i64::MAX),
        (Operator::Multiply, 1 << 62, 4, 0),
        (Operator::And, -1, 0xff, 0xff),
        (divide, -7, 2, -3),
        (divide, 7, -2, -3),
        (divide, i64::MIN, -1, i64::MIN),
        (remainder, -7, 2, -1),
        (remainder, 7, -2, 1),
        (remainder, i64::MIN, -1, 0),
        (Operator::Divide { signed: false }, -1, 2, i64::MAX),
        (Operator::Remainder { signed: false }, -1, 10, 5),
    ] {
        let found = verdict(&is(binary(operator, left, right), result));
        assert_eq!(found, Verdict::Yes, "{left} {operator:?} {right}");
    }
}

#[test]
fn what_cannot_be_read_leaves_the_whole_undecided() {
    let divide = Operator::Divide { signed: true };
    let faults = [
        is(binary(divide, 1, 0), 0),
        is(binary(Operator::Remainder { signed: false }, 1, 0), 0),
        is(
            word(WordKind::Load {
                pointer: number(0),
                offset: 8,
                width: Width::Eight,
                extension: Extension::Zero,
            }),
            0,
        ),
        is(
            word(WordKind::Checked {
                condition: condition(ConditionKind::Constant(false)).into(),
                value: number(0),
            }),
            0,
        ),
    ];
    let constant = |value| Box::new(condition(ConditionKind::Constant(value)));
    for fault in faults {
        let fault = Box::new(fault);
        for (kind, expected) in [
            (ConditionKind::Not(fault.clone()), Verdict::Undecided),
            (
                ConditionKind::And(constant(true), fault.clone()),
                Verdict::Undecided,
            ),
            (
                ConditionKind::And(constant(false), fault.clone()),
                Verdict::No,
            ),
            (
                ConditionKind::And(fault.clone(), constant(false)),
                Verdict::Undecided,
            ),
            (
                ConditionKind::Or(constant(true), fault.clone()),
                Verdict::Yes,
            ),
            (
                ConditionKind::Or(constant(false), fault.clone()),
                Verdict::Undecided,
            ),
            (
                ConditionKind::Or(fault.clone(), constant(true)),
                Verdict::Undecided,
            ),
        ] {
            let whole = condition(kind);
            assert_eq!(verdict(&whole), expected, "{whole}");
        }
    }
}

#[test]
fn narrow_words_are_extended() {
    for (width, extension, expected) in [
        (Width::One, Extension::Zero, 0xfe),
        (Width::One, Extension::Sign, -2),
        (Width::Two, Extension::Zero, 0xfdfe),
        (Width::Two, Extension::Sign, -0x202),
        (Width::Four, Extension::Zero, 0xfbfc_fdfe),
        (Width::Four, Extension::Sign, -0x0403_0202),
        (Width::Eight, Extension::Zero, 0x77f9_fafb_fbfc_fdfe),
    ] {
        let memory = 0x77f9_fafb_fbfc_fdfe_u64.to_le_bytes();
        let load = word(WordKind::Load {
            pointer: number(0x1008),
            offset: -8,
            width,
            extension,
        });
        let extend = word(WordKind::Extend {
            value: number(0x77f9_fafb_fbfc_fdfe),
            width,
            extension,
        });
        for word in [load, extend] {
            let found = evaluate(&is(word, expected), &Event::default(), &Bytes(&memory));
            assert_eq!(found, Verdict::Yes, "{width:?} {extension:?}");
        }
    }
}

#[test]
fn floats_compare_as_floats() {
    let values = [
        f64::NEG_INFINITY,
        -1.5,
        -0.0,
        0.0,
        1e-310,
        1.5,
        f64::INFINITY,
        f64::NAN,
    ];
    for left in values {
        for right in values {
            for relation in Relation::ALL {
                let expected = match relation {
                    Relation::Equal => left == right,
                    Relation::NotEqual => left != right,
                    Relation::Less => left < right,
                    Relation::LessOrEqual => left <= right,
                    Relation::Greater => left > right,
                    Relation::GreaterOrEqual => left >= right,
                };
                for width in [Width::Eight, Width::Four] {
                    let bits = |value: f64| match width {
                        // The upper half of a register is garbage.
                        Width::Four => u64::from((value as f32).to_bits()) | 0xabcd << 48,
                        _ => value.to_bits(),
                    };
                    if width == Width::Four && (left == 1e-310 || right == 1e-310) {
                        continue;
                    }
                    let found = verdict(&condition(ConditionKind::CompareFloats {
                        relation,
                        width,
                        left: word(WordKind::Constant(bits(left))),
                        right: word(WordKind::Constant(bits(right))),
                    }));
                    assert_eq!(
                        found == Verdict::Yes,
                        expected,
                        "{left} {relation:?} {right}"
                    );
                }
            }
        }
    }
}

#[test]
fn texts() {
    let contains = |text: &str| Pattern::contains(text.as_bytes()).expect("it is short");
    for (pattern, text, expected) in [
        (Pattern::equal(b"GET").expect("it is short"), "GET", true),
        (Pattern::equal(b"GET").expect("it is short"), "GETS", false),
        (Pattern::equal(b"*").expect("it is short"), "x", false),
        (Pattern::equal(b"").expect("it is short"), "", true),
        (contains("/api/"), "/v1/api/x", true),
        (contains("/api/"), "/api", false),
        (contains("*"), "a", false),
        (contains(""), "", true),
        (glob("SELECT*"), "SELECT 1", true),
        (glob("SELECT*"), "select 1", false),
        (glob("*.go"), "main.go", true),
        (glob("*.go"), "main.gone", false),
        (glob("a*a"), "a", false),
        (glob("a*a"), "aa", true),
        (glob("a?c"), "abc", true),
        (glob("a?c"), "ac", false),
        (glob("*?"), "", false),
        (glob("*b?*d*"), "abcd", true),
        (glob("*b?*d*"), "abd", false),
        (glob(r"a\*"), "a*", true),
        (glob(r"a\*"), "ab", false),
        (glob(""), "", true),
        (glob("*"), "anything", true),
    ] {
        let shown = pattern.to_string();
        let found = on_text(pattern, text.as_bytes());
        assert_eq!(found == Verdict::Yes, expected, "{shown} {text}");
    }
}

#[test]
fn the_part_of_a_text_that_decides_is_all_that_is_read() {
    // The text is said to go on beyond what can be read.
    let cut = |pattern, text: &[u8], length| {
        let mut event = Event::default();
        event.set_register(Register::Rax, Bytes::START);
        event.set_register(Register::Rbx, length);
        evaluate(&matches(pattern), &event, &Bytes(text))
    };
    assert_eq!(cut(glob("SELECT*"), b"SELECT", 10_000), Verdict::Yes);
    assert_eq!(cut(glob("SELECT*"), b"SELEC", 10_000), Verdict::Undecided);
    assert_eq!(cut(glob("SELECT*"), b"", 5), Verdict::No);
    assert_eq!(cut(glob("*x*"), &[b'x'; 64], 10_000), Verdict::Yes);
    assert_eq!(cut(glob("*x*"), &[b'y'; 64], 64), Verdict::No);
    assert_eq!(cut(glob("*x*"), &[b'y'; 64], 65), Verdict::Undecided);
    let mut long = vec![b'y'; 600];
    long[SEARCH_WINDOW - 1] = b'x';
    assert_eq!(on_text(glob("*x*"), &long), Verdict::Yes);
    long.insert(0, b'y');
    assert_eq!(on_text(glob("*x*"), &long), Verdict::Undecided);
    assert_eq!(on_text(glob("*x*"), &long[..SEARCH_WINDOW]), Verdict::No);
    assert_eq!(on_text(glob("y*x*"), &long), Verdict::Yes);
}

/// Matching by trying everything.
fn fits(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, text) => text.is_none(),
        (Some((b'*', rest)), _) => (0..=text.len()).any(|at| fits(rest, &text[at..])),
        (Some((b'?', rest)), Some((_, text))) => fits(rest, text),
        (Some((byte, rest)), Some((first, text))) => byte == first && fits(rest, text),
        (Some(_), None) => false,
    }
}

proptest! {
    #[test]
    fn globs_match_what_they_should(pattern in "[ab*?]{0,9}", text in "[ab]{0,12}") {
        let expected = fits(pattern.as_bytes(), text.as_bytes());
        prop_assert_eq!(on_text(glob(&pattern), text.as_bytes()) == Verdict::Yes, expected);
    }
}

#[test]
fn patterns_have_a_greatest_length() {
    assert!(Pattern::equal(&[b'a'; 256]).is_ok());
    let error = Pattern::equal(&[b'a'; 257]).expect_err("too long");
    assert_eq!((error.length, error.most), (257, 256));
    assert!(Pattern::contains(&[b'a'; 64]).is_ok());
    let error = Pattern::contains(&[b'a'; 65]).expect_err("too long");
    assert_eq!((error.length, error.most), (65, 64));
}

fn room(instructions: usize, stack: usize) -> Limits {
    Limits {
        instructions,
        stack,
        searches: 8,
    }
}

fn arm(condition: Condition) -> [Arm; 1] {
    [Arm {
        functions: vec![],
        condition,
    }]
}

#[test]
fn a_comparison_of_an_argument_takes_six_instructions() {
    let greater = compare(register(Register::Rcx), Relation::Greater, number(100));
    let code = generate(&arm(greater), room(6, 0)).expect("it fits");
    assert_eq!((code.instructions.len(), code.stack), (6, 0));
    assert_eq!(code.by_span(), [(0..0, 4), (0..1, 2)]);
}

/// How many bytes are captured of a function: follows the instructions that find it, and those that capture words of registers.
fn captured_of(code: &Code, function: i64) -> i64 {
    let (mut at, mut result) = (0_i64, -1);
    loop {
        let instruction = &code.instructions[usize::try_from(at).expect("in the code")];
        let immediate = i64::from(instruction.immediate);
        let jump = at + 1 + i64::from(instruction.offset);
        at += 1;
        match (instruction.code, instruction.destination) {
            (0x05, _) => at = jump,
            (0x15, 0) if function == immediate => at = jump,
            (0x35, 0) if function >= immediate => at = jump,
            // Of a pointer it is not: there is something where it points to.
            (0xa5, 0) if function < immediate => at = jump,
            (0xb5, 0) if function <= immediate => at = jump,
            (0x15 | 0x35 | 0xa5 | 0xb5, _) => {}
            (0x85, _) => {
                assert!(instruction.is_function_call());
                at += immediate;
                let begins = usize::try_from(at).expect("in the code");
                assert!(code.functions.contains(&begins), "{at} begins no function");
            }
            (0xb7, 0) => result = immediate,
            (0x95, _) => return result,
            (0x79 | 0x7b | 0xb7 | 0xbf, _) => {}
            (code, _) => panic!("{code:#x} at {at}"),
        }
    }
}

#[test]
fn captures_are_functions_of_their_own() {
    // Functions share arms across pieces, and some have none.
    let arms: Vec<CaptureArm> = (1..=50)
        .map(|arm| CaptureArm {
            functions: vec![2 * arm, 2 * arm + 1, 1000 - 3 * arm],
            items: vec![Item::Word(*register(Register::Rcx)); arm as usize],
        })
        .collect();
    let limits = room(32_000, 64);
    let alone = |arm: &CaptureArm| {
        let made = generate_capture(std::slice::from_ref(arm), limits, 1024);
        made.expect("it fits").instructions.len()
    };
    let sizes: Vec<usize> = arms.iter().map(alone).collect();
    let total: usize = sizes.iter().sum();
    let (code, count) = generate_captures(&arms, limits, total, 1024).expect("it fits");
    assert_eq!((count, code.arms.len()), (50, 50));
    assert!(code.functions.len() > 1, "{} pieces", code.functions.len());
    assert!(code.functions.is_sorted());
    for function in 0..=1001 {
        let arm = arms.iter().find(|arm| arm.functions.contains(&function));
        let size = arm.map_or(0, |arm| Layout::new(&arm.items).size);
        let captured = captured_of(&code, function.into());
        assert_eq!(captured, size as i64, "function {function}");
    }
    // No jump leaves its function, and none runs into the next.
    let starts = [0].into_iter().chain(code.functions.iter().copied());
    let ends = code.functions.iter().copied();
    for (start, end) in starts.zip(ends.chain([code.instructions.len()])) {
        for (index, instruction) in code.instructions[..end].iter().enumerate().skip(start) {
            let class = instruction.code & 7;
            if matches!(class, 5 | 6) && !matches!(instruction.code, 0x85 | 0x95) {
                let target = index as i64 + 1 + i64::from(instruction.offset);
                let own = start as i64..end as i64;
                assert!(own.contains(&target), "{index} to {target}");
            }
        }
        assert_eq!(code.instructions[end - 1].code, 0x95);
    }
    // Little code is not divided.
    let (code, _) = generate_captures(&arms[..5], limits, total, 1024).expect("it fits");
    assert!(code.functions.is_empty());
    assert_eq!(captured_of(&code, 4), 24);
    // What does not fit any more is left out from the end.
    let (code, count) = generate_captures(&arms, limits, total - 1, 1024).expect("it fits");
    assert_eq!((code.arms.len(), count), (49, 49));
    assert_eq!(captured_of(&code, 100), 0);
    let (code, count) = generate_captures(&arms, limits, 1, 1024).expect("it fits");
    assert_eq!((code.instructions.len(), count), (0, 0));
    // A single one that is too long is an error.
    assert!(generate_captures(&arms[49..], room(sizes[49] - 1, 64), total, 1024).is_err());
}

#[test]
fn a_function_is_found_without_a_comparison_that_cannot_fail() {
    // The verifier knows which numbers are left, and takes such comparisons out at a price.
    let arms: Vec<CaptureArm> = (0..8)
        .map(|function| CaptureArm {
            functions: vec![function],
            items: vec![Item::Word(*register(Register::Rcx)); function as usize],
        })
        .collect();
    let code = generate_capture(&arms, room(1000, 64), 1024).expect("it fits");
    let mut branches = code.instructions.iter();
    let mut numbers: Vec<(u8, i32)> = Vec::new();
    while let Some(instruction) = branches.find(|i| matches!(i.code, 0x15 | 0x35)) {
        if instruction.destination == 0 {
            numbers.push((instruction.code, instruction.immediate));
        }
    }
    let equal = |number: &i32| numbers.contains(&(0x15, *number));
    let compared: Vec<i32> = (0..8).filter(equal).collect();
    // Below 2 there is only 1 left after 0, and so on; above 6 there is no end.
    assert_eq!(compared, [0, 2, 4, 6, 7]);
    for function in 0..10 {
        let size = if function < 8 { 8 + 8 * function } else { 0 };
        assert_eq!(captured_of(&code, function), size);
    }
}

#[test]
fn what_does_not_fit_is_named() {
    let at = |start: usize| {
        let load = WordKind::Load {
            pointer: Word::new(
                WordKind::Register(Register::Rax, Moment::Entry),
                start..start + 1,
            )
            .into(),
            offset: 0,
            width: Width::Eight,
            extension: Extension::Zero,
        };
        let kind = ConditionKind::Compare {
            relation: Relation::Less,
            signed: true,
            left: Word::new(load, start..start + 2).into(),
            right: Word::constant(5, start + 2..start + 3).into(),
        };
        Condition::new(kind, start..start + 3)
    };
    let and = ConditionKind::And(at(10).into(), at(20).into());
    let both = Condition::new(and, 10..23);
    let error = generate(&arm(both.clone()), room(15, 512)).expect_err("too many instructions");
    assert_eq!(
        (error.resource, error.span),
        (Resource::Instructions, 20..22)
    );
    assert!(generate(&arm(both.clone()), room(error.needed, 512)).is_ok());
    assert!(generate(&arm(both.clone()), room(error.needed - 1, 512)).is_err());
    let error = generate(&arm(both), room(100, 4)).expect_err("too little stack");
    assert_eq!(
        (error.resource, error.needed, error.room),
        (Resource::Stack, 8, 4)
    );
}

#[test]
fn constants_leave_nothing_unreachable() {
    let constant = |value| Box::new(condition(ConditionKind::Constant(value)));
    let argument = || Box::new(is(register(Register::Rax), 1));
    for (kind, expected) in [
        (ConditionKind::And(constant(false), argument()), 2),
        (ConditionKind::Or(constant(true), argument()), 2),
        (ConditionKind::And(argument(), constant(true)), 6),
        (ConditionKind::Not(constant(true)), 2),
    ] {
        let code = generate(&arm(condition(kind)), room(100, 512)).expect("it fits");
        assert_eq!(code.instructions.len(), expected);
    }
}

#[test]
fn shown_in_one_line() {
    let load = word(WordKind::Load {
        pointer: register(Register::Rdi),
        offset: 16,
        width: Width::Four,
        extension: Extension::Sign,
    });
    let sum = word(WordKind::Binary {
        operator: Operator::Add,
        left: load,
        right: number(-1),
    });
    let slow = compare(
        word(WordKind::Input(Input::Duration)),
        Relation::GreaterOrEqual,
        number(1000),
    );
    let either = ConditionKind::Or(
        compare(sum, Relation::Less, number(-3)).into(),
        matches(glob("SELECT*?;")).into(),
    );
    let not = condition(ConditionKind::Not(slow.into()));
    let whole = condition(ConditionKind::And(condition(either).into(), not.into()));
    assert_eq!(
        whole.to_string(),
        r#"((*i32(rdi + 16) + -1) < -3 || [rax; rbx] =~ "SELECT*?;") && !(dur >= 1000)"#
    );
}
