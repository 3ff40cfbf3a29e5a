//! What the program `values` says of its own arguments and results, and what the tracer showed of them.

mod json;
mod text;

use std::fmt;

use serde::Deserialize;
use serde_json::Value;

use crate::tree;

/// A value in pieces (`tests/programs/values/tree.go`).
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct Tree {
    /// `int`, `struct`, `pointer`, …
    pub kind: String,
    /// Its static type, as package reflect writes it; of what an interface holds the dynamic one.
    #[serde(rename = "type")]
    pub ty: String,
    /// It is nil.
    pub nil: bool,
    /// What it is written as, of what has no parts.
    pub text: String,
    /// Of durations: nanoseconds.
    pub number: String,
    /// Of strings and byte slices.
    pub bytes: Vec<u8>,
    /// Names of a struct's fields.
    pub names: Vec<String>,
    /// Fields, elements, keys and values, what a pointer points to, what an interface holds.
    pub parts: Vec<Tree>,
    /// Of slices, arrays, maps and channels.
    pub length: u64,
    /// Of channels.
    pub capacity: u64,
    /// Of pointers, in hexadecimal.
    pub address: String,
    /// In bytes.
    pub size: u64,
}

/// A value with its name.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Told {
    /// Empty where it has none.
    pub name: String,
    /// Static type.
    #[serde(rename = "type")]
    pub ty: String,
    /// The whole value, in Go's syntax.
    pub text: String,
    /// The same in pieces.
    pub tree: Tree,
}

/// A call as the program tells it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Call {
    /// Its name, `[...]` for type arguments.
    pub function: String,
    /// Arguments that have a name.
    pub args: Vec<Told>,
    /// What a closure captured.
    #[serde(default)]
    pub captured: Vec<Told>,
    /// Results.
    pub results: Vec<Told>,
}

/// The calls that the program told, in the order in which they returned.
#[must_use]
pub fn told(stdout: &str) -> Vec<Call> {
    let records = stdout
        .lines()
        .filter(|line| line.starts_with("{\"function\""));
    records
        .map(|line| {
            serde_json::from_value(tree::parse(line)).unwrap_or_else(|e| panic!("{e}: {line}"))
        })
        .collect()
}

/// How much of a value was shown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Seen {
    /// How much was left out at the top: bytes, elements, fields, entries.
    pub cut: u64,
    /// Something was left out further inside, or a pointer not followed.
    pub cut_inside: bool,
    /// Reasons why something was not shown.
    pub unknown: Vec<Unknown>,
}

/// Something that was not shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// `in X0`
    pub reason: String,
    /// Of what it is.
    pub kind: String,
    /// It is the value itself, and not part of it.
    pub whole: bool,
}

impl Seen {
    /// All of it was shown.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.cut == 0 && !self.cut_inside && self.unknown.is_empty()
    }
}

/// One value of a call, told and shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// `main.ints`
    pub function: String,
    /// `argument a`
    pub place: String,
    /// What the program says.
    pub told: Told,
    /// What the tracer's JSON has of it.
    pub shown: Value,
    /// What was seen of it, or why that is wrong.
    pub seen: Result<Seen, String>,
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Told { ty, text, .. } = &self.told;
        let (function, place) = (&self.function, &self.place);
        let shown = &self.shown["text"];
        write!(
            f,
            "{function}, {place} {ty}: expected {}, got {shown}",
            short(text)
        )?;
        match &self.seen {
            Ok(seen) => write!(f, " ({seen:?})"),
            Err(why) => write!(f, ": {why}"),
        }
    }
}

fn short(text: &str) -> String {
    let mut short: String = text.chars().take(300).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// Every value of every call that the program told, with what the tracer showed of it.
///
/// # Errors
/// The calls are not the same ones.
pub fn cells(context: &str, told: &[Call], lines: &[Value]) -> Result<Vec<Cell>, String> {
    let names: std::collections::HashSet<&str> =
        told.iter().map(|call| call.function.as_str()).collect();
    let mut graphs: Vec<&Value> = lines.iter().filter(|l| l["type"] == "graph").collect();
    graphs.sort_by_key(|graph| graph["start"].as_str());
    let mut shown = Vec::new();
    for graph in graphs {
        returned(&graph["root"], &mut |call| {
            let name = tree::plain_name(call["function"].as_str().unwrap_or(""));
            if names.contains(name.as_str()) {
                shown.push((name, call));
            }
        });
    }
    let of_told: Vec<&str> = told.iter().map(|call| call.function.as_str()).collect();
    let of_shown: Vec<&str> = shown.iter().map(|(name, _)| name.as_str()).collect();
    if of_told != of_shown {
        return Err(format!(
            "{context}: calls {of_told:?}, and shown are {of_shown:?}"
        ));
    }
    let mut cells = Vec::new();
    for (told, (_, shown)) in told.iter().zip(&shown) {
        of_call(told, shown, &mut cells);
    }
    Ok(cells)
}

/// Calls in the order in which they returned.
fn returned<'v>(call: &'v Value, each: &mut impl FnMut(&'v Value)) {
    for inner in call["calls"].as_array().into_iter().flatten() {
        returned(inner, each);
    }
    each(call);
}

fn of_call(told: &Call, shown: &Value, cells: &mut Vec<Cell>) {
    let empty = Vec::new();
    let list = |name: &str| shown[name].as_array().unwrap_or(&empty);
    let named = |name: &str| list("args").iter().find(|shown| shown["name"] == *name);
    let arguments = told.args.iter().map(|value| ("argument", value));
    let captured = told.captured.iter().map(|value| ("captured", value));
    let results = told.results.iter().enumerate();
    let results = results.map(|(number, value)| {
        let found = list("results").get(number);
        (format!("result {number} {}", value.name), value, found)
    });
    let arguments = arguments
        .chain(captured)
        .map(|(kind, value)| (format!("{kind} {}", value.name), value, named(&value.name)));
    for (place, told_value, found) in arguments.chain(results) {
        let shown = found.cloned().unwrap_or_default();
        cells.push(Cell {
            function: told.function.clone(),
            place,
            told: told_value.clone(),
            seen: compare(told_value, &shown, told.function.contains("[...]")),
            shown,
        });
    }
}

/// There is no reason to leave anything out.
fn is_small(tree: &Tree) -> bool {
    match tree.kind.as_str() {
        _ if tree.nil => true,
        "bool" | "int" | "uint" | "address" | "duration" | "time" | "func" | "chan" => true,
        "string" | "bytes" => tree.bytes.len() <= 8,
        "struct" => tree.size <= 64 && tree.parts.iter().all(is_small),
        _ => false,
    }
}

fn compare(told: &Told, shown: &Value, generic: bool) -> Result<Seen, String> {
    let name = shown["name"].as_str().unwrap_or("");
    let text = shown["text"].as_str().ok_or("not shown at all")?;
    if name != told.name {
        return Err(format!("it is called {name:?}"));
    }
    if generic && shown["type"] != told.ty {
        return Err(format!("its type is {}", shown["type"]));
    }
    let seen = text::compare(&told.tree, text)?;
    if is_small(&told.tree) && (seen.cut > 0 || seen.cut_inside) {
        return Err("it is not shown whole".to_owned());
    }
    let cut = shown["cut"].as_u64().unwrap_or(0);
    if cut != seen.cut {
        return Err(format!(
            "the text leaves {} out, and JSON says {cut}",
            seen.cut
        ));
    }
    let error = seen.unknown.iter().find(|unknown| unknown.whole);
    let error = error.map(|unknown| unknown.reason.as_str());
    // What is said may be said of what an interface holds.
    if shown["error"].as_str() != error && told.tree.kind != "interface" {
        return Err(format!("an error in JSON: {}", shown["error"]));
    }
    json::compare(&told.tree, &shown["value"])?;
    Ok(seen)
}
