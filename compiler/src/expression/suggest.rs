//! What was probably meant, where it takes more than the nearest word of a list to tell.

use gobinary::{Executable, Kind, Types, Variable};

use super::{constant::Constant, meaning::Value};
use crate::{
    diagnostics::{did_you_mean::nearest_word, escape::printable},
    ir::Register,
};

/// What can be done about numbers of which one has a sign and the other has not.
pub(super) const CONVERT: &str = "convert one of them: int64(x), uint64(x)";

/// Functions of other languages, and what there is instead.
const SYNONYMS: [(&str, &str); 8] = [
    ("strlen", "len"),
    ("length", "len"),
    ("size", "len"),
    ("sizeof", "len"),
    ("count", "len"),
    ("capacity", "cap"),
    ("str", "mem"),
    ("buf", "mem"),
];

/// A function of the language that `name` may stand for.
pub(super) fn function<'a>(
    name: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let synonym = SYNONYMS.iter().find(|(word, _)| *word == name);
    match synonym {
        Some((_, meant)) => Some(meant),
        None => nearest_word(name, known),
    }
}

/// What to write instead of a comparison of the two, seen from one of them.
pub(super) fn comparison(
    value: &Value,
    text: &str,
    other: &Value,
    other_text: &str,
) -> Option<String> {
    let quoted = match other {
        Value::Constant(Constant::String(quoted)) => Some(quoted.as_str()),
        _ => None,
    };
    let number = match other {
        Value::Constant(Constant::Integer(_)) => true,
        Value::Typed(other) => other.ty.is_integer(),
        _ => false,
    };
    let value = match value {
        Value::Typed(value) => value,
        Value::Caller if quoted.is_some() => {
            return Some("callers are compared with ==, != and =~ only".to_owned());
        }
        Value::Caller => {
            return Some(
                "callers are compared with names in quotes: caller == \"main.main\"".to_owned(),
            );
        }
        Value::Constant(_) => return None,
    };
    let character = other_text.starts_with('\'');
    let rune = match (quoted, &value.ty.kind) {
        (Some(quoted), Kind::Uint | Kind::Int) if quoted.chars().count() == 1 => {
            quoted.chars().next()
        }
        _ => None,
    };
    let nil = matches!(other, Value::Constant(Constant::Nil));
    let same = matches!(other, Value::Typed(other) if other.ty == value.ty);
    Some(match &value.ty.kind {
        Kind::String if nil => {
            format!("a string is never nil; compare it with \"\": `{text} == \"\"`")
        }
        _ if nil && !value.ty.nilable() => format!("`{text}` is never nil"),
        Kind::String if character => {
            format!(
                "strings are quoted with \": \"{}\"",
                other_text.trim_matches('\'')
            )
        }
        Kind::String | Kind::Slice { .. } | Kind::Map { .. } | Kind::Chan { .. } if number => {
            format!("did you mean `len({text})`?")
        }
        Kind::String => "strings are compared with ==, !=, =~, has and in only".to_owned(),
        Kind::Slice { .. } if quoted.is_some() => {
            format!(
                "bytes are tested with =~ and has, or as a string: `string({text}) == {other_text}`"
            )
        }
        Kind::Slice { .. } | Kind::Map { .. } | Kind::Func if same => {
            "slices, maps and functions are compared with nil only".to_owned()
        }
        Kind::Array { .. } => format!("compare its elements: {text}[0]"),
        Kind::Struct { fields } => {
            let field = fields.first()?;
            let text = text.trim_start_matches('*');
            format!("compare its fields: {text}.{}", printable(&field.name))
        }
        Kind::Pointer { .. } if number => format!("did you mean what it points to, `*{text}`?"),
        Kind::Pointer { .. } | Kind::Chan { .. } if same => {
            "pointers and channels are compared with == and != only".to_owned()
        }
        Kind::Interface { .. } if !nil => interface(text, &value.ty.name, number, quoted.is_some()),
        Kind::Int if value.ty.is_duration() && quoted.is_some_and(|text| text.ends_with('s')) => {
            format!("a duration has no quotes: {}", quoted.unwrap_or_default())
        }
        Kind::Int if value.ty.is_duration() && number => {
            format!("a duration is a number of nanoseconds: int64({text})")
        }
        Kind::Int | Kind::Uint if let Some(rune) = rune.filter(|c| !c.is_ascii_digit()) => {
            format!("a single character is written {rune:?}")
        }
        Kind::Int | Kind::Uint if quoted.is_some_and(|text| text.parse::<i64>().is_ok()) => {
            format!("a number has no quotes: {}", quoted.unwrap_or_default())
        }
        Kind::Bool => format!("write `{text}` or `!{text}`"),
        _ => return None,
    })
}

/// What `symbol` can be applied to, where it cannot be to this.
pub(super) fn operand(symbol: &str, text: &str, value: Option<&Value>) -> Option<String> {
    let kind = match value {
        Some(Value::Typed(value)) => Some(&value.ty.kind),
        _ => None,
    };
    let searched = matches!(symbol, "=~" | "has");
    let help = match (symbol, kind) {
        ("mem" | "u8" | "u16" | "u32" | "u64" | "s8" | "s16" | "s32" | "s64", _) => {
            "addresses and lengths are numbers: mem(reg.ax, 64), s64(reg.sp + 8)"
        }
        (_, Some(Kind::Interface { .. })) if searched => {
            let Some(Value::Typed(value)) = value else {
                return None;
            };
            return Some(interface(text, &value.ty.name, false, true));
        }
        ("has", None) if matches!(value, Some(Value::Caller)) => {
            "callers are compared with ==, != and =~ only"
        }
        ("&", _) => "conditions are joined by `&&`",
        ("string", _) => "only strings and byte slices are texts",
        _ if searched => "`=~` and `has` test strings and byte slices",
        ("[]", _) => "only strings, slices and arrays have elements",
        ("len" | "cap", _) => "only strings, slices, arrays, maps and channels have a length",
        (_, Some(Kind::Float | Kind::Complex)) => {
            "floating-point numbers can be compared, but not computed with"
        }
        (_, Some(Kind::String)) => "strings are tested with == != =~ has in, and have a len()",
        ("*", Some(Kind::Int | Kind::Uint)) => "only pointers are followed",
        _ => return None,
    };
    Some(help.to_owned())
}

/// What to write where an interface is not the place to look.
pub(super) fn interface(text: &str, ty: &str, number: bool, string: bool) -> String {
    let inside = match ty {
        "error" if string => {
            return format!(
                "most errors hold their text: {text}.(*errors.errorString).s; or compare it with nil"
            );
        }
        _ if number => "int",
        _ if string => "string",
        _ => "*T",
    };
    format!("say what is in it: {text}.({inside}); or compare it with nil")
}

/// The register that a name without `reg.` is.
pub(super) fn register(name: &str) -> Option<String> {
    let name = name.trim_start_matches('%');
    let full = format!("r{name}");
    Register::ALL
        .into_iter()
        .any(|register| register.name() == name || register.name() == full)
        .then(|| format!("a register is written with `reg`: reg.{name}"))
}

/// The one result that is an error, where `name` says so and results have no names.
pub(super) fn error_result(name: &str, results: &[(Variable, String)]) -> Option<String> {
    if !matches!(name, "err" | "error" | "e") {
        return None;
    }
    let mut errors = results
        .iter()
        .enumerate()
        .filter(|(_, (result, ty))| ty == "error" && result.name.is_none());
    let (number, _) = errors.next()?;
    errors
        .next()
        .is_none()
        .then(|| format!("the error that it returns has no name: ret[{number}]"))
}

/// The type that `name` may be meant for, as it is written: with a `*`, with the package of the traced function, or nearly so.
pub(super) fn go_type(
    name: &str,
    function: &str,
    executable: &Executable,
    types: &Types<'_>,
) -> Option<String> {
    let package = package(function);
    let plain = name.trim_start_matches('*');
    // Types in interfaces mostly have methods, whose names begin with theirs.
    let mut receivers: Vec<String> = executable
        .functions()
        .filter_map(|function| receiver(function.name))
        .collect();
    receivers.sort_unstable();
    receivers.dedup();
    let is_receiver = |name: &String| receivers.binary_search(name).is_ok();
    let there = |name: &String| types.named(name).is_some();
    if let Some(found) = named_so(plain, package, types) {
        let pointer = format!("*{found}");
        let only_pointer = is_receiver(&pointer) && !is_receiver(&found);
        let candidates = match name.starts_with('*') || only_pointer {
            true => [pointer, found],
            false => [found, pointer],
        };
        if let Some(found) = candidates.into_iter().find(|one| one != name && there(one)) {
            return Some(found);
        }
    }
    let words = receivers.iter().map(String::as_str);
    let nearest = nearest_word(name, words.clone()).or_else(|| {
        let qualified = format!("*{package}.{plain}");
        nearest_word(&qualified, words.clone())
    })?;
    Some(nearest.to_owned()).filter(there)
}

/// The one type that goes by a name: of the package, with its path left out or cut, or by its last element alone.
fn named_so(name: &str, package: &str, types: &Types<'_>) -> Option<String> {
    let own = format!("{package}.{name}");
    for exact in [name, &own] {
        if types.named(exact).is_some() {
            return Some(exact.to_owned());
        }
    }
    let wanted = name.replace("%2e", ".");
    if wanted.is_empty() {
        return None;
    }
    let separator = if wanted.contains('.') { '/' } else { '.' };
    let mut found = types.names().filter(|candidate| {
        let is_plain = !candidate.contains(['*', '[', '{', '(', ' ']);
        is_plain
            && candidate
                .replace("%2e", ".")
                .strip_suffix(wanted.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.ends_with(separator))
    });
    let only = found.next()?;
    found.next().is_none().then(|| only.to_owned())
}

/// `*net/http.Request` of `net/http.(*Request).Write`.
fn receiver(function: &str) -> Option<String> {
    let package = package(function);
    let rest = function.get(package.len()..)?.strip_prefix('.')?;
    let (receiver, method) = match rest.strip_prefix("(*") {
        Some(rest) => rest.split_once(")."),
        None => rest.split_once('.'),
    }?;
    let plain = |name: &str| name.chars().all(|c| c.is_alphanumeric() || c == '_');
    (plain(receiver) && plain(method)).then(|| {
        let star = if rest.starts_with("(*") { "*" } else { "" };
        format!("{star}{package}.{receiver}")
    })
}

/// Whether a package of the executable goes by this name.
pub(super) fn is_package(name: &str, executable: &Executable) -> bool {
    executable.functions().any(|function| {
        let path = package(function.name);
        path.rsplit('/').next() == Some(name)
    })
}

/// The package path of a function's name.
fn package(function: &str) -> &str {
    let folders = function.rfind('/').map_or(0, |slash| slash + 1);
    let dot = function.get(folders..).and_then(|name| name.find('.'));
    let end = dot.map_or(function.len(), |dot| folders + dot);
    function.get(..end).unwrap_or(function)
}

/// `ret.n int64, ret.took time.Duration`
pub(super) fn results(results: &[(Variable, String)]) -> String {
    let one = |(number, (result, ty)): (usize, &(Variable, String))| {
        let ty = printable(ty);
        match &result.name {
            Some(name) => format!("ret.{} {ty}", printable(name)),
            None => format!("ret[{number}] {ty}"),
        }
    };
    let all: Vec<String> = results.iter().enumerate().map(one).collect();
    all.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn receivers_are_read_from_the_names_of_methods() {
        for (function, expected) in [
            ("net/http.(*Request).Write", Some("*net/http.Request")),
            ("time.Time.Add", Some("time.Time")),
            ("gopkg.in/yaml%2ev3.(*T).F", Some("*gopkg.in/yaml%2ev3.T")),
            ("main.main", None),
            ("main.(*T[...]).F", None),
            ("main.(*T).F-fm", None),
            ("x", None),
        ] {
            assert_eq!(receiver(function).as_deref(), expected, "{function}");
        }
    }
}
