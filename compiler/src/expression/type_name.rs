//! Names of types as people write them, and as DWARF has them.

use gobinary::{TypeId, Types};

/// What the words that Go predeclares for other types stand for.
const ALIASES: [(&str, &str); 3] = [
    ("any", "interface {}"),
    ("byte", "uint8"),
    ("rune", "int32"),
];

/// The type that is meant by a name as people write it.
pub(super) fn find(types: &Types<'_>, written: &str) -> Option<TypeId> {
    let named = |name: &str| types.named(name);
    named(written)
        .or_else(|| named(&spelt(written)))
        .or_else(|| named(&escaped(written)?))
}

/// With `%2e` for the dots in the last element of the package path, as the linker has it.
fn escaped(written: &str) -> Option<String> {
    let (folders, last) = written.rsplit_once('/')?;
    let (package, name) = last.rsplit_once('.')?;
    let plain = !written.contains(['[', '{', '(', ' ']);
    (plain && package.contains('.'))
        .then(|| format!("{folders}/{}.{name}", package.replace('.', "%2e")))
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
    fn dots_in_packages() {
        for (written, expected) in [
            ("*gopkg.in/yaml.v3.Node", Some("*gopkg.in/yaml%2ev3.Node")),
            ("example.com/a/b.c.d.T", Some("example.com/a/b%2ec%2ed.T")),
            ("net/http.Request", None),
            ("main.T", None),
            ("[]gopkg.in/yaml.v3.Node", None),
        ] {
            assert_eq!(escaped(written).as_deref(), expected, "{written}");
        }
    }

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
