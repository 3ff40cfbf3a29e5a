//! What is captured of real values, in the memory of real programs of several versions of Go, read by the shapes that come with it.

#[path = "support/decode.rs"]
mod decode;
#[path = "shown/expressions.rs"]
mod expressions;
mod support;

use std::{
    collections::HashMap,
    fs::File,
    io::{BufRead, BufReader},
    os::unix::fs::FileExt,
    process::{Child, Command, Stdio},
    sync::OnceLock,
};

use compiler::{
    Limits,
    capture::{Captured, all, resolved},
    codegen::{CaptureArm, Event, Limits as Room, capture, generate_capture},
    ir::{Input, Item, Layout, MAX_ITEMS, Memory, Moment, Register, Unreadable},
    shape::Shape,
};
use decode::Decoder;
use gobinary::{Executable, Function, Kind, Signature, Types, Variable, Where};

/// Where the pretended stack and closure are: where no program has anything.
const STACK: u64 = 0x6000_0000_0000;
const CLOSURE: u64 = 0x6100_0000_0000;

/// Versions with each layout of maps, the first and the last of each.
const VERSIONS: [&str; 4] = ["1.19", "1.23", "1.24", "1.27"];

/// A running program that has said where its values are. It ends when its standard input does, which is with the test.
struct Program {
    _child: Child,
    memory: File,
    executable: Executable,
    lines: Vec<Line>,
}

/// A function and the values for it.
struct Line {
    function: String,
    moment: Moment,
    /// Where each is, and what it looks like.
    values: Vec<(u64, String)>,
}

/// The program built by one of [`VERSIONS`], for all tests; `None` (said on stderr) where there is no such toolchain.
fn program(version: &str) -> Option<&'static Program> {
    static PROGRAMS: [OnceLock<Option<Program>>; 4] = [const { OnceLock::new() }; 4];
    let index = VERSIONS.iter().position(|known| *known == version)?;
    PROGRAMS[index]
        .get_or_init(|| Program::start(version))
        .as_ref()
}

impl Program {
    fn start(version: &str) -> Option<Self> {
        let file = support::program("shown", version)?;
        let executable = Executable::parse(std::fs::read(&file).expect("go built it"));
        let mut child = Command::new(&file)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it runs");
        std::fs::remove_file(&file).expect("it can be removed");
        let output = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut lines = Vec::new();
        for line in output.lines() {
            let line = line.expect("text");
            if line == "end" {
                break;
            }
            lines.push(Line::parse(&line));
        }
        let memory = File::open(format!("/proc/{}/mem", child.id())).expect("it is ours");
        Some(Self {
            _child: child,
            memory,
            executable: executable.expect("it is a Go executable"),
            lines,
        })
    }
}

impl Line {
    fn parse(line: &str) -> Self {
        let mut words = line.split('\t');
        let function = words.next().expect("a function").to_owned();
        let moment = match words.next() {
            Some("args") => Moment::Entry,
            Some("ret") => Moment::Return,
            other => panic!("{line}: {other:?}"),
        };
        let words: Vec<&str> = words.collect();
        let values = words.chunks(2).map(|pair| {
            let address = u64::from_str_radix(pair[0].trim_start_matches("0x"), 16);
            (address.expect("an address"), pair[1].to_owned())
        });
        Self {
            function,
            moment,
            values: values.collect(),
        }
    }
}

/// The memory of a program, and what is pretended to be there too.
struct Overlay<'p> {
    memory: &'p File,
    bytes: HashMap<u64, u8>,
}

impl Memory for Overlay<'_> {
    fn read(&self, address: u64, buffer: &mut [u8]) -> Result<(), Unreadable> {
        if self.bytes.contains_key(&address) {
            for (byte, address) in buffer.iter_mut().zip(address..) {
                *byte = *self.bytes.get(&address).ok_or(Unreadable)?;
            }
            return Ok(());
        }
        self.memory
            .read_exact_at(buffer, address)
            .map_err(|_| Unreadable)
    }
}

/// A call with these values as its arguments or results, as the calling convention has them.
fn call<'p>(program: &'p Program, variables: &[&Variable], line: &Line) -> (Event, Overlay<'p>) {
    let mut event = Event::default();
    let mut overlay = Overlay {
        memory: &program.memory,
        bytes: HashMap::new(),
    };
    event.set_register(Register::Rsp, STACK);
    event.set_register(Register::Rdx, CLOSURE);
    let name = &line.function;
    assert_eq!(variables.len(), line.values.len(), "{name}: {variables:?}");
    for (variable, (address, _)) in variables.iter().zip(&line.values) {
        assert!(variable.place.is_complete(), "{name}: {variable:?}");
        for piece in &variable.place.pieces {
            let mut bytes = vec![0; usize::try_from(piece.size).expect("a size")];
            if variable.by_reference {
                bytes.copy_from_slice(&address.to_le_bytes());
            } else {
                let from = address + piece.offset;
                overlay.read(from, &mut bytes).expect("it is there");
            }
            let at = match piece.at {
                Where::Register(register) => {
                    // Above narrow values there is garbage.
                    let mut word = [0xa5; 8];
                    word[..bytes.len()].copy_from_slice(&bytes);
                    let name = register.name().to_lowercase();
                    let register = Register::ALL.into_iter().find(|r| r.name() == name);
                    event.set_register(register.expect("known"), u64::from_le_bytes(word));
                    continue;
                }
                Where::Vector(_) => continue,
                Where::Stack(offset) => STACK.checked_add_signed(offset).expect("an address"),
                Where::Closure(offset) => CLOSURE + offset,
                Where::Absent => panic!("{name}"),
            };
            overlay.bytes.extend((at..).zip(bytes));
        }
    }
    (event, overlay)
}

fn variables(signature: &Signature, moment: Moment) -> Vec<&Variable> {
    match moment {
        Moment::Entry => signature
            .parameters
            .iter()
            .chain(&signature.captured)
            .collect(),
        Moment::Return => signature.results.iter().collect(),
    }
}

/// The name of a type that the runtime describes, and whether its values, or what they point to, begin with a string.
fn described(types: &Types<'_>, address: u64) -> (String, bool) {
    let ty = types.at_runtime_address(address).expect("a type");
    let ty = types.get(ty).expect("it is there");
    let mut inner = ty.clone();
    if let Kind::Pointer { target } = ty.kind {
        inner = types.get(target).expect("it is there");
    }
    while let [first, ..] = inner.fields() {
        inner = types.get(first.ty).expect("it is there");
    }
    (ty.short_name(), inner.kind == Kind::String)
}

impl Program {
    /// Of generic code there is only one instance.
    fn function(&self, name: &str) -> Function<'_> {
        let mut functions = self.executable.functions();
        let found = functions.find(|function| function.name.split('[').next() == Some(name));
        found.unwrap_or_else(|| panic!("{name} is there"))
    }

    fn line(&self, function: &str) -> &Line {
        let line = self.lines.iter().find(|line| line.function == function);
        line.expect("it is told")
    }
}

/// What is captured and shown of a function's arguments or results.
fn shown(program: &Program, types: &Types<'_>, line: &Line, limits: Limits) -> Vec<String> {
    let signature = types
        .signature(&program.function(&line.function))
        .expect("it is described");
    let captured = all(types, &signature, line.moment, &limits, &(0..0));
    decoded(program, types, &signature, line, &captured)
}

/// What `captured` shows at a call with these values.
fn decoded(
    program: &Program,
    types: &Types<'_>,
    signature: &Signature,
    line: &Line,
    captured: &Captured,
) -> Vec<String> {
    check(captured);
    let (mut event, memory) = call(program, &variables(signature, line.moment), line);
    let caller = program.function("main.callback");
    event.set_input(Input::Caller, caller.entry);
    let bytes = capture(&captured.items, &event, &memory);
    let decoder = Decoder {
        bytes: &bytes,
        code: &|address| {
            let function = program.executable.functions().find(|f| f.entry == address);
            function.map_or("nobody".to_owned(), |function| function.name.to_owned())
        },
        dynamic: &|address| described(types, address),
    };
    captured
        .values
        .iter()
        .map(|value| decoder.value(value))
        .collect()
}

/// What holds of all that is captured.
fn check(captured: &Captured) {
    assert!(captured.items.len() <= MAX_ITEMS);
    assert!(Layout::new(&captured.items).size <= 1024);
    for item in &captured.items {
        if let Item::Bytes { text, most, .. } = item
            && let compiler::ir::WordKind::Constant(length) = text.length.kind
        {
            assert!(length <= 256 && length == u64::from(*most), "{item:?}");
        }
    }
    let room = Room {
        instructions: 32_000,
        stack: 256,
        searches: 0,
    };
    let arm = CaptureArm {
        functions: vec![1],
        items: captured.items.clone(),
    };
    generate_capture(&[arm], room, 1024).expect("it can be captured in the kernel");
}

fn agree(version: &str) {
    let Some(program) = program(version) else {
        return;
    };
    let types = program.executable.types().expect("it has DWARF");
    let mut wrong = String::new();
    let mut in_large_maps = 0;
    for line in &program.lines {
        let shown = shown(program, &types, line, Limits::default());
        let expected: Vec<&String> = line.values.iter().map(|(_, text)| text).collect();
        for (shown, expected) in shown.iter().zip(&expected) {
            let fits = match (expected.split_once('='), squares(shown)) {
                (Some((_, "squares")), Some(count)) => {
                    in_large_maps += count;
                    true
                }
                // Go itself writes both types of this name alike.
                _ => shown.replace("internal/sync.Mutex{", "sync.Mutex{") == **expected,
            };
            if !fits {
                let name = &line.function;
                wrong += &format!("{name}\n  {shown}\n  {expected} expected\n");
            }
        }
        assert_eq!(shown.len(), expected.len(), "{}", line.function);
    }
    assert!(program.lines.len() > 20);
    assert!(in_large_maps > 0);
    assert!(wrong.is_empty(), "Go {version}\n{wrong}");
}

/// How many entries are shown of a map of a thousand numbers to their squares; `None` where it is something else. Where chance has put
/// nothing into the places that are looked at, there are none.
fn squares(text: &str) -> Option<usize> {
    let (_, rest) = text.split_once('{')?;
    let text = rest.strip_suffix('}')?.replace('"', "");
    let (pairs, more): (Vec<&str>, Vec<&str>) =
        text.split(", ").partition(|part| part.contains(": "));
    for pair in &pairs {
        let (key, value) = pair.split_once(": ")?;
        let key: u64 = key.parse().ok()?;
        value
            .parse()
            .ok()
            .filter(|value: &u64| *value == key * key)?;
    }
    (more == [format!("…+{}", 1000 - pairs.len())]).then_some(pairs.len())
}

#[test]
fn values_of_go_1_19() {
    agree(VERSIONS[0]);
}

#[test]
fn values_of_go_1_23() {
    agree(VERSIONS[1]);
}

#[test]
fn values_of_go_1_24() {
    agree(VERSIONS[2]);
}

#[test]
fn values_of_go_1_27() {
    agree(VERSIONS[3]);
}

#[test]
fn limits() {
    let Some(program) = program("1.27") else {
        return;
    };
    let types = program.executable.types().expect("it has DWARF");
    let shown = |function: &str, string, elements, depth| {
        let limits = Limits {
            string,
            elements,
            depth,
        };
        shown(program, &types, program.line(function), limits)
    };
    assert_eq!(
        shown("main.strings3", 3, 4, 1),
        [r#"a="""#, r#"b="pä"…+3"#, r#"c="012"…+64"#]
    );
    assert_eq!(shown("main.strings3", 0, 4, 1)[2], r#"c=""…+67"#);
    assert_eq!(
        shown("main.slices", 64, 1, 1)[..3],
        ["a=[]int{1, …+5}", "b=nil", "c=[]int8{-1, …+1}"]
    );
    assert_eq!(shown("main.slices", 64, 0, 1)[0], "a=[]int{…+6}");
    assert_eq!(
        shown("main.slices", 64, 32, 1)[0],
        "a=[]int{1, 2, 3, 4, 5, 6}"
    );
    assert_eq!(
        shown("main.pointers", 64, 4, 0)[..3],
        ["a=*main.point(0x)", "b=nil", "c=*int(0x)"]
    );
    assert_eq!(
        shown("main.pointers", 64, 4, 3)[4..6],
        [
            "e=&&main.point{x: 1, y: -2}",
            "f=&main.node{value: 1, next: &main.node{value: 2, next: nil}}"
        ]
    );
    assert_eq!(
        shown("main.mapsOfNumbers", 64, 4, 0)[0],
        "a=map[string]int{…+1}"
    );
    assert_eq!(
        shown("main.mapOfSlices", 64, 8, 1)[0],
        r#"a=map[int][]string{5: []string{"x", "y"}, 6: nil}"#
    );
}

#[test]
fn functions_with_arguments_of_the_same_kinds_share_what_is_captured() {
    let Some(program) = program("1.27") else {
        return;
    };
    let types = program.executable.types().expect("it has DWARF");
    let items = |name: &str| {
        let signature = types
            .signature(&program.function(name))
            .expect("it is there");
        all(
            &types,
            &signature,
            Moment::Entry,
            &Limits::default(),
            &(0..0),
        )
        .items
    };
    assert_eq!(items("main.sameOne"), items("main.sameTwo"));
}

/// A word that is the address of the runtime's description of a type, as those of dictionaries are: what a pointer's or a slice's own
/// description has behind `internal/abi.Type`. Such that the word is the given one of the dictionary.
fn dictionary(types: &Types<'_>, ty: &str, entry: u64) -> u64 {
    let outer = [format!("*{ty}"), format!("[]{ty}")];
    let address = outer.iter().find_map(|outer| {
        let outer = types.get(types.named(outer)?).ok()?;
        types.runtime_address(&outer)
    });
    let address = address.unwrap_or_else(|| panic!("{ty} is described"));
    address + 48 - 8 * entry
}

#[test]
fn generic_values_are_shown_by_the_types_of_a_dictionary() {
    for version in VERSIONS {
        let Some(program) = program(version) else {
            return;
        };
        let types = program.executable.types().expect("it has DWARF");
        let line = program.line("main.generic");
        let signature = types.signature(&program.function(&line.function));
        let signature = signature.expect("it is described");
        let limits = Limits::default();
        let captured = all(&types, &signature, Moment::Entry, &limits, &(0..0));
        let first = captured.dictionary.expect("it is captured");
        assert_eq!((first.item, first.at), (0, 8));
        let results = all(&types, &signature, Moment::Return, &limits, &(0..0));
        assert_eq!(results.dictionary, None);
        let by = |number: usize, ty: &str| {
            let value = &captured.values[number];
            let entry = value.derived.as_ref().expect("it is generic").entry;
            let dictionary = dictionary(&types, ty, entry);
            let resolved = resolved(&types, value, dictionary, &limits)?;
            let name = resolved.ty.clone().expect("a type");
            let mut captured = captured.clone();
            captured.values[number] = resolved;
            let all = decoded(program, &types, &signature, line, &captured);
            Some(format!("{name}: {}", all[number]))
        };
        assert_eq!(by(0, "int").as_deref(), Some("int: a=5"));
        assert_eq!(
            by(0, "time.Duration").as_deref(),
            Some("time.Duration: a=5ns")
        );
        // Another size, another kind.
        for other in ["int8", "string", "main.point"] {
            assert_eq!(by(0, other), None, "Go {version}");
        }
        for number in [1, 2] {
            assert_eq!(by(number, "int"), None, "Go {version}");
        }
        for nowhere in [0, 1, program.function("main.generic").entry, u64::MAX - 7] {
            for value in captured.values.iter().chain(&results.values) {
                assert_eq!(resolved(&types, value, nowhere, &limits), None);
            }
        }
    }
}

/// Whether nothing is captured of what is behind the addresses in a value.
fn is_closed(shape: &Shape) -> bool {
    match shape {
        Shape::Pointer { target, .. } => target.is_none(),
        Shape::Interface { pointee, text, .. } => pointee.is_none() && text.is_none(),
        Shape::Struct { fields, .. } => fields.iter().all(|(_, shape)| is_closed(shape)),
        Shape::Slice { elements, .. } => elements.is_empty(),
        Shape::String(_) | Shape::Bytes { .. } | Shape::Map { .. } => false,
        _ => true,
    }
}

#[test]
fn what_is_private_to_the_runtime_is_not_followed() {
    for version in VERSIONS {
        let Some(program) = program(version) else {
            return;
        };
        let types = program.executable.types().expect("it has DWARF");
        let signature = types.signature(&program.function("main.internals"));
        let signature = signature.expect("it is described");
        let limits = Limits {
            depth: Limits::MOST_DEPTH,
            ..Limits::default()
        };
        let captured = all(&types, &signature, Moment::Entry, &limits, &(0..0));
        assert_eq!(captured.values.len(), 5);
        for value in &captured.values {
            assert!(is_closed(&value.shape), "Go {version}: {value:?}");
        }
    }
}

#[test]
fn whatever_a_program_has_fits() {
    for version in VERSIONS {
        let Some(program) = program(version) else {
            return;
        };
        let types = program.executable.types().expect("it has DWARF");
        let greatest = Limits {
            string: Limits::MOST_STRING,
            elements: Limits::MOST_ELEMENTS,
            depth: Limits::MOST_DEPTH,
        };
        let mut count = 0;
        for function in program.executable.functions().step_by(5) {
            let Ok(signature) = types.signature(&function) else {
                continue;
            };
            for moment in [Moment::Entry, Moment::Return] {
                for limits in [Limits::default(), greatest] {
                    check(&all(&types, &signature, moment, &limits, &(0..0)));
                }
            }
            count += 1;
        }
        assert!(count > 200, "{count}");
    }
}
