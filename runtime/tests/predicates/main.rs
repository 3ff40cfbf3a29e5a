//! What the kernel makes of generated predicates is what the interpreter says, for random expressions over random memory, faults included.
//!
//! The functions are not spliced into the probe program but called by a program that can be run at will, in this process, whose memory
//! they then read; and they are loaded as a probe program, so that the verifier has the say that it will have later.
//! Needs root; says so where it is missing.

mod kernel;
mod random;

use compiler::{
    codegen::{
        Arm, CaptureArm, Code, Event, LONG_SEARCH, Limits, Resource, SEARCHES_IN_ARM, Verdict,
        capture, evaluate, generate, generate_capture,
    },
    ir::{
        Condition, ConditionKind, Input, Item, Kept, Layout, Moment, Pattern, Register, Relation,
        Split, Text, Width, Word, WordKind,
    },
};
use kernel::{Kind, Loaded, OwnMemory, Pages};
use proptest::prelude::*;
use random::{Choices, Maker};

const ROOM: Limits = Limits {
    instructions: 4000,
    stack: 144,
    searches: 60,
};

fn cannot_run() -> bool {
    let kernel = runtime::Kernel::detect();
    let Err(error) = kernel.require() else {
        return false;
    };
    assert!(
        std::env::var_os("GOFUNCGRAPH_REQUIRE_ROOT").is_none(),
        "{error}"
    );
    eprintln!("skipped: {error}");
    true
}

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

fn arm(functions: impl IntoIterator<Item = u32>, condition: Condition) -> Arm {
    Arm {
        functions: functions.into_iter().collect(),
        condition,
    }
}

/// Runs it in the kernel in every way that there is, which all have to agree.
fn in_kernel(condition: &Condition, code: Code, events: &[Event]) -> Vec<Verdict> {
    let show = |log: String| panic!("{condition}\n{log}");
    Loaded::new(&code.instructions, Kind::Probe).unwrap_or_else(show);
    let probing = Loaded::new(&code.instructions, Kind::Callable).unwrap_or_else(show);
    let copying = code.sleepable();
    let copying = Loaded::new(&copying.instructions, Kind::Callable).unwrap_or_else(show);
    let run = |event| {
        // Brings in what is mapped by chance where a random address leads, so that the other finds it in memory too.
        let verdict = copying.run(event);
        assert_eq!(probing.run(event), verdict, "{condition}");
        verdict
    };
    events.iter().map(run).collect()
}

/// Random memory in pages of our own.
fn filled(choices: &mut Choices<'_>) -> (Pages, Vec<u8>) {
    let mut pages = Pages::new();
    let memory = random::memory(choices, pages.address());
    pages.fill(&memory);
    (pages, memory)
}

proptest! {
    #![proptest_config(cases(150))]

    #[test]
    fn expressions_agree(bytes in proptest::collection::vec(any::<u8>(), 0..400), seed in any::<u64>()) {
        if cannot_run() {
            return Ok(());
        }
        let mut choices = Choices::Endless(seed);
        let (pages, memory) = filled(&mut choices);
        let base = pages.address();
        let events: Vec<Event> = (0..8).map(|_| random::event(&mut choices, base)).collect();
        let mut choices = Choices::Bytes(&bytes);
        let mut maker = Maker { choices: &mut choices, memory: &memory, base, inputs: random::inputs() };
        let condition = maker.condition(4);
        let Ok(code) = generate(&[arm([], condition.clone())], ROOM) else {
            return Ok(());
        };
        let verdicts = in_kernel(&condition, code, &events);
        for (event, verdict) in events.iter().zip(verdicts) {
            prop_assert_eq!(evaluate(&condition, event, &OwnMemory), verdict, "{}\n{:x?}", condition, event);
        }
    }

    #[test]
    fn a_split_condition_keeps_the_same_calls(bytes in proptest::collection::vec(any::<u8>(), 0..400), seed in any::<u64>()) {
        let mut choices = Choices::Endless(seed);
        let (pages, memory) = filled(&mut choices);
        let base = pages.address();
        let events: Vec<Event> = (0..8).map(|_| random::event(&mut choices, base)).collect();
        let mut choices = Choices::Bytes(&bytes);
        let inputs = vec![Input::Duration, Input::SelfTime, Input::Goroutine, Input::Depth];
        let condition = Maker { choices: &mut choices, memory: &memory, base, inputs }.condition(4);
        let mut kept = Kept::default();
        let Ok(split) = Split::new(condition.clone(), &mut kept) else {
            return Ok(());
        };
        let items = kept.finish([]);
        for event in events {
            let (entry, mut exit) = moments(&event);
            exit.set_kept(&capture(&items, &entry, &OwnMemory));
            let holds = |part: &Option<Condition>, event| {
                part.as_ref().is_none_or(|part| evaluate(part, event, &OwnMemory) == Verdict::Yes)
            };
            let whole = evaluate(&condition, &event, &OwnMemory) == Verdict::Yes;
            prop_assert_eq!(holds(&split.entry, &entry) && holds(&split.exit, &exit), whole, "{}\n{:?}", condition, split);
        }
    }

    #[test]
    fn kept_items_are_what_would_have_been_captured_at_once(bytes in proptest::collection::vec(any::<u8>(), 0..400), seed in any::<u64>()) {
        let mut choices = Choices::Endless(seed);
        let (pages, memory) = filled(&mut choices);
        let base = pages.address();
        let events: Vec<Event> = (0..8).map(|_| random::event(&mut choices, base)).collect();
        let mut choices = Choices::Bytes(&bytes);
        let inputs = vec![Input::Duration, Input::Goroutine];
        let wanted = Maker { choices: &mut choices, memory: &memory, base, inputs }.items();
        let mut kept = Kept::default();
        let later: Result<Vec<Item>, _> = wanted
            .iter()
            .cloned()
            .map(|item| match item {
                Item::Word(word) => kept.word(word).map(Item::Word),
                Item::Bytes { text, most, span } => kept.bytes(text, most, span),
                Item::Kept { .. } => unreachable!("of one moment"),
            })
            .collect();
        let Ok(mut later) = later else {
            return Ok(());
        };
        let items = kept.finish(&mut later);
        if Layout::new(&items).size > ebpf_templates::KEEP_MAX {
            return Ok(());
        }
        for event in events {
            let (entry, mut exit) = moments(&event);
            exit.set_kept(&capture(&items, &entry, &OwnMemory));
            let layout = Layout::new(&wanted);
            prop_assert_eq!(
                readable(&layout, capture(&later, &exit, &OwnMemory)),
                readable(&layout, capture(&wanted, &event, &OwnMemory)),
                "{:?}\n{:?}", wanted, later
            );
        }
    }

    #[test]
    fn captured_items_agree(bytes in proptest::collection::vec(any::<u8>(), 0..400), seed in any::<u64>()) {
        if cannot_run() {
            return Ok(());
        }
        let mut choices = Choices::Endless(seed);
        let (pages, memory) = filled(&mut choices);
        let base = pages.address();
        let events: Vec<Event> = (0..8).map(|_| random::event(&mut choices, base)).collect();
        let mut choices = Choices::Bytes(&bytes);
        let items = Maker { choices: &mut choices, memory: &memory, base, inputs: random::inputs() }.items();
        let arms = [CaptureArm { functions: vec![], items: items.clone() }];
        let code = generate_capture(&arms, ROOM, kernel::ROOM).expect("it fits");
        let show = |log: String| panic!("{items:?}\n{log}");
        Loaded::new(&code.instructions, Kind::Probe).unwrap_or_else(show);
        let probing = Loaded::new(&code.instructions, Kind::Callable).unwrap_or_else(show);
        let copying = Loaded::new(&code.sleepable().instructions, Kind::Callable).unwrap_or_else(show);
        let layout = Layout::new(&items);
        for event in &events {
            let expected = capture(&items, event, &OwnMemory);
            for loaded in [&copying, &probing] {
                let (size, mut found) = loaded.capture(event);
                assert_eq!(size as usize, layout.size);
                prop_assert!(found[layout.size..].iter().all(|byte| *byte == 0));
                found.truncate(layout.size);
                prop_assert_eq!(readable(&layout, found), readable(&layout, expected.clone()), "{:?}\n{:x?}", items, event);
            }
        }
    }

    #[test]
    fn texts_agree(bytes in proptest::collection::vec(any::<u8>(), 0..900), seed in any::<u64>()) {
        if cannot_run() {
            return Ok(());
        }
        let (pages, memory) = filled(&mut Choices::Endless(seed));
        let (place, pattern) = random::text_and_pattern(&mut Choices::Bytes(&bytes), &memory);
        let condition = matches(pattern);
        let Ok(code) = generate(&[arm([], condition.clone())], ROOM) else {
            return Ok(());
        };
        let event = text_at(pages.address() + place.start as u64, place.len());
        let verdict = in_kernel(&condition, code, std::slice::from_ref(&event));
        prop_assert_eq!(vec![evaluate(&condition, &event, &OwnMemory)], verdict, "{} {:?}", condition, place);
    }
}

/// What was captured with zeroes for items that could not be read, of whose places nothing can be said.
fn readable(layout: &Layout, mut captured: Vec<u8>) -> Vec<u8> {
    for (number, at) in layout.offsets.iter().enumerate() {
        if captured[number / 8] >> (number % 8) & 1 == 1 {
            let end = layout.offsets.get(number + 1).unwrap_or(&layout.size);
            captured[*at..*end].fill(0);
        }
    }
    captured
}

/// What of an event is known at entry, and what at return; elsewhere is something else.
fn moments(event: &Event) -> (Event, Event) {
    let (mut entry, mut exit) = (event.clone(), event.clone());
    for register in Register::ALL {
        match random::moment(register) {
            Moment::Entry => exit.set_register(register, 3),
            Moment::Return => entry.set_register(register, 3),
        }
    }
    for input in [Input::Duration, Input::SelfTime] {
        entry.set_input(input, 3);
    }
    (entry, exit)
}

fn register(register: Register) -> Word {
    Word::new(WordKind::Register(register, Moment::Entry), 0..1)
}

fn text() -> Text {
    Text {
        pointer: register(Register::Rax).into(),
        length: register(Register::Rbx).into(),
    }
}

fn matches(pattern: Pattern) -> Condition {
    let text = text();
    Condition::new(ConditionKind::Matches { text, pattern }, 0..1)
}

fn glob(glob: &str) -> Condition {
    matches(Pattern::glob(glob.as_bytes()).expect("it is short"))
}

fn text_at(address: u64, length: usize) -> Event {
    let mut event = Event::default();
    event.set_register(Register::Rax, address);
    event.set_register(Register::Rbx, length as u64);
    event
}

/// All of them, or any.
fn chain(all: bool, conditions: impl Iterator<Item = Condition>) -> Condition {
    let join = if all {
        ConditionKind::And
    } else {
        ConditionKind::Or
    };
    conditions
        .reduce(|left, right| Condition::new(join(left.into(), right.into()), 0..1))
        .expect("there is one")
}

#[test]
fn searches_for_short_and_long_texts_find_them_wherever_they_are() {
    if cannot_run() {
        return;
    }
    let mut pages = Pages::new();
    for length in [1, 7, 8, 9, 15, 16, 17, 63, 64] {
        let needle: Vec<u8> = (0..length).map(|at| b'a' + (at % 26) as u8).collect();
        let needle = String::from_utf8(needle).expect("letters");
        let condition = glob(&format!("*{needle}*"));
        let code = generate(&[arm([], condition.clone())], ROOM).expect("it fits");
        let loaded = Loaded::new(&code.instructions, Kind::Callable).expect("it loads");
        for at in [
            0,
            1,
            7,
            8,
            55,
            56,
            57,
            63,
            64,
            65,
            200,
            512 - length,
            513 - length,
        ] {
            let mut haystack = "a".repeat(at);
            haystack.push_str(&needle);
            haystack.push_str(&"b".repeat(600 - at - length));
            pages.fill(haystack.as_bytes());
            let event = text_at(pages.address(), haystack.len());
            let seen = at + length <= 512 || length == 1;
            let expected = if seen {
                Verdict::Yes
            } else {
                Verdict::Undecided
            };
            assert_eq!(loaded.run(&event), expected, "{needle} at {at}");
            // A text that ends within it.
            let event = text_at(pages.address(), at + length - 1);
            let expected = if at > 0 && length == 1 {
                Verdict::Yes
            } else {
                Verdict::No
            };
            assert_eq!(loaded.run(&event), expected, "all but {needle} at {at}");
        }
    }
}

#[test]
fn each_call_is_asked_what_its_function_has_to_be_asked() {
    if cannot_run() {
        return;
    }
    let is = |value| {
        let kind = ConditionKind::Compare {
            relation: Relation::Equal,
            signed: false,
            left: Word::new(WordKind::Input(Input::Goroutine), 0..1).into(),
            right: Word::constant(value, 0..1).into(),
        };
        Condition::new(kind, 0..1)
    };
    for count in 0..12 {
        let mut arms: Vec<Arm> = (0..count)
            .map(|arm_| arm([100 - 7 * arm_, 200 + arm_], is(u64::from(arm_))))
            .collect();
        for otherwise in [None, Some(99)] {
            arms.extend(otherwise.map(|value| arm([], is(value))));
            let code = generate(&arms, ROOM).expect("it fits");
            let loaded = Loaded::new(&code.instructions, Kind::Callable).expect("it loads");
            for function in 0..220 {
                let listed = arms
                    .iter()
                    .zip(0..)
                    .find(|(arm, _)| arm.functions.contains(&function));
                let wanted = listed.map(|(_, number)| number).or(otherwise);
                for goroutine in [0, 1, 5, 11, 99] {
                    let mut event = Event::default();
                    event.set_input(Input::Function, function.into());
                    event.set_input(Input::Goroutine, goroutine);
                    let asked = wanted.is_none_or(|wanted| wanted == goroutine);
                    let expected = if asked { Verdict::Yes } else { Verdict::No };
                    assert_eq!(loaded.run(&event), expected, "{function} {goroutine}");
                }
            }
        }
    }
}

#[test]
fn the_verifier_takes_whatever_is_within_the_limits() {
    if cannot_run() {
        return;
    }
    let short = |_| glob("*abcdefgh*");
    let long = |_| glob("*0123456789012345678901234567890123456789012345678901234567890123*");
    let most = SEARCHES_IN_ARM;
    let several = ROOM.searches / LONG_SEARCH;
    let arms = |conditions: Vec<Condition>| -> Vec<Arm> {
        (0..).zip(conditions).map(|(n, c)| arm([n], c)).collect()
    };
    let full = [
        arms(vec![chain(true, (0..most).map(short))]),
        arms(vec![chain(false, (0..most).map(short))]),
        arms(vec![glob(&"*abc".repeat(most + 1))]),
        arms(vec![chain(true, (0..several).map(long))]),
        arms(vec![glob(&"*abcdefghi".repeat(several + 1))]),
        arms((0..ROOM.searches).map(short).collect()),
        arms(vec![glob(&"?".repeat(256)), glob(&"a".repeat(256))]),
    ];
    for arms in full {
        let code = generate(&arms, ROOM).expect("it fits");
        let loaded = Loaded::new(&code.instructions, Kind::Probe);
        let loaded = loaded.unwrap_or_else(|log| panic!("{}\n{log}", arms[0].condition));
        // What remains of the million steps is for the probe program.
        assert!(
            loaded.verified() < 800_000,
            "{} {}",
            arms[0].condition,
            loaded.verified()
        );
    }
    for (arms, needed, room) in [
        (
            arms(vec![chain(true, (0..=most).map(short))]),
            most + 1,
            most,
        ),
        (
            arms((0..=several).map(long).collect()),
            (several + 1) * LONG_SEARCH,
            ROOM.searches,
        ),
    ] {
        let error = generate(&arms, ROOM).expect_err("it does not fit");
        assert_eq!(error.resource, Resource::Searches);
        assert_eq!((error.needed, error.room), (needed, room));
    }
}

#[test]
fn equal_strings_are_compared_as_far_as_they_can_be() {
    if cannot_run() {
        return;
    }
    let mut pages = Pages::new();
    let kind = ConditionKind::Equal {
        left: text(),
        right: Text {
            pointer: Word::new(
                WordKind::Load {
                    pointer: register(Register::Rcx).into(),
                    offset: 8,
                    width: Width::Eight,
                    extension: compiler::ir::Extension::Zero,
                },
                0..1,
            )
            .into(),
            length: register(Register::Rbx).into(),
        },
    };
    let condition = Condition::new(kind, 0..1);
    let code = generate(&[arm([], condition.clone())], ROOM).expect("it fits");
    for length in [0_usize, 1, 31, 32, 33, 500, 512, 513] {
        for different in [
            None,
            Some(0),
            Some(length / 2),
            Some(length.saturating_sub(1)),
        ] {
            let mut memory = vec![b'x'; 4096];
            memory[8..16].copy_from_slice(&(pages.address() + 2000).to_le_bytes());
            if let Some(at) = different {
                memory[2000 + at] = b'y';
            }
            pages.fill(&memory);
            let mut event = text_at(pages.address() + 1000, length);
            event.set_register(Register::Rcx, pages.address());
            let expected = match (different, length) {
                (Some(at), _) if at < length.min(512) => Verdict::No,
                (_, 513) => Verdict::Undecided,
                _ => Verdict::Yes,
            };
            let verdicts = in_kernel(&condition, code.clone(), std::slice::from_ref(&event));
            assert_eq!(verdicts, [expected], "{length} {different:?}");
            assert_eq!(evaluate(&condition, &event, &OwnMemory), expected);
        }
    }
}
