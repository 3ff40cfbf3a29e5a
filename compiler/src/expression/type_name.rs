//! Names of types as people write them, and as DWARF has them.

use gobinary::{TypeId, Types};

/// What the words that Go predeclares for other types stand for.
const ALIASES: [(&str, &str); 3] = [
    ("any", "interface {}"),
    ("byte", "uint8"),
    ("rune", "int32"),
];

/// What is meant by a name as people write it.
pub(super) enum Named<'n> {
    One(TypeId),
    /// The full names of all that it could be.
    Several(Vec<&'n str>),
    Nothing,
}

/// The type that is meant by a name as people write it, or as it is shown.
pub(super) fn find<'n>(types: &Types<'n>, written: &str) -> Named<'n> {
    let spelt = spelt(written);
    if let Some(id) = types.named(written).or_else(|| types.named(&spelt)) {
        return Named::One(id);
    }
    if written.contains('·') {
        // The number of a local type is there or it is not.
        return Named::Nothing;
    }
    let mut found = types.spelt(&spelt);
    if found.len() > 1 {
        // What no interface holds is not meant.
        let held = |name: &&str| {
            let ty = types.named(name).and_then(|id| types.get(id).ok());
            ty.is_some_and(|ty| types.runtime_address(&ty).is_some())
        };
        if found.iter().any(held) {
            found.retain(held);
        }
    }
    match found.as_slice() {
        [] => Named::Nothing,
        [one] => types.named(one).map_or(Named::Nothing, Named::One),
        _ => Named::Several(found),
    }
}

/// A type as the linker spells it: `map[string]interface {}` of `map[string]any`.
fn spelt(written: &str) -> String {
    let mut out = String::with_capacity(written.len());
    let mut rest = written;
    while !rest.is_empty() {
        let end = rest.find(|c| !belongs(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        let alias = ALIASES.iter().find(|(alias, _)| *alias == word);
        out.push_str(alias.map_or(word, |(_, meant)| meant));
        let is_braced = matches!(word, "interface" | "struct") && after.starts_with('{');
        if is_braced {
            out.push(' ');
        }
        let mut others = after.chars();
        out.extend(others.next());
        rest = others.as_str();
    }
    out
}

/// To a name with its package path.
fn belongs(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '.' | '/' | '-' | '%' | '~')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_are_whole_words() {
        for (written, expected) in [
            ("[]byte", "[]uint8"),
            ("map[string]any", "map[string]interface {}"),
            ("map[rune][]interface{}", "map[int32][]interface {}"),
            ("chan struct{}", "chan struct {}"),
            ("interface {}", "interface {}"),
            ("*main.any", "*main.any"),
            ("any/thing.byte", "any/thing.byte"),
            ("*encoding/json.SyntaxError", "*encoding/json.SyntaxError"),
            ("anyone", "anyone"),
            ("", ""),
        ] {
            assert_eq!(spelt(written), expected);
        }
    }
}
