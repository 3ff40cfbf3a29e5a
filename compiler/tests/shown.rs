//! What is captured of real values, in the memory of real programs of several versions of Go, read by the shapes that come with it.

#[path = "support/decode.rs"]
mod decode;
mod support;

use std::{
    collections::HashMap,
    fs::File,
    io::{BufRead, BufReader},
    os::unix::fs::FileExt,
    process::{Child, Command, Stdio},
};

use compiler::{
    Limits,
    predicate::{
        Event, Item, Layout, MAX_ITEMS, Memory, Unreadable, capture,
        ir::{Moment, Register},
    },
    shown::{Captured, all},
};
use decode::Decoder;
use gobinary::{Executable, Kind, Signature, Types, Variable, Where};

/// Where the pretended stack and closure are: where no program has anything.
const STACK: u64 = 0x6000_0000_0000;
const CLOSURE: u64 = 0x6100_0000_0000;

/// Versions with each layout of maps, the first and the last of each.
const VERSIONS: [&str; 4] = ["1.19", "1.23", "1.24", "1.27"];

/// A running program that has said where its values are.
struct Program {
    child: Child,
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

impl Program {
    /// `None` (said on stderr) where there is no such toolchain.
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
            child,
            memory,
            executable: executable.expect("it is a Go executable"),
            lines,
        })
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
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

/// What is captured and shown of a function's arguments or results.
fn shown(program: &Program, types: &Types<'_>, line: &Line, limits: Limits) -> Vec<String> {
    // Of generic code there is only one instance.
    let function = program.executable.functions().find(|function| {
        let name = function.name.split('[').next();
        name == Some(line.function.as_str())
    });
    let function = function.unwrap_or_else(|| panic!("{} is there", line.function));
    let signature = types.signature(&function).expect("it is described");
    let captured = all(types, &signature, line.moment, &limits, &(0..0));
    check(&captured);
    let (event, memory) = call(program, &variables(&signature, line.moment), line);
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
            && let compiler::predicate::ir::WordKind::Constant(length) = text.length.kind
        {
            assert!(length <= 256 && length == u64::from(*most), "{item:?}");
        }
    }
}

fn agree(version: &str) {
    let Some(program) = Program::start(version) else {
        return;
    };
    let types = program.executable.types().expect("it has DWARF");
    let mut wrong = String::new();
    let mut in_large_maps = 0;
    for line in &program.lines {
        let shown = shown(&program, &types, line, Limits::default());
        let expected: Vec<&String> = line.values.iter().map(|(_, text)| text).collect();
        for (shown, expected) in shown.iter().zip(&expected) {
            let fits = match (expected.split_once('='), squares(shown)) {
                (Some((_, "squares")), Some(count)) => {
                    in_large_maps += count;
                    true
                }
                _ => shown == *expected,
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
