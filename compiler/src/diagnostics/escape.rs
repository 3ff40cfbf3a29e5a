//! Text from outside on its way to a terminal, made harmless: names come from executables and processes, which may be hostile.
//!
//! One way for all: what is shown of functions, files, commands, values and errors goes through [`escape`].

use std::{borrow::Cow, fmt::Write as _, os::unix::ffi::OsStrExt, path::Path};

use gobinary::Executable;

/// Makes text safe to print: control characters, characters that turn or hide text, and bytes that are not UTF-8 become
/// `\x1b`, `\u202e`, `\xff`. Everything else stays as it is.
#[must_use]
pub fn escape<T: AsRef<[u8]> + ?Sized>(text: &T) -> Cow<'_, str> {
    let bytes = text.as_ref();
    if let Ok(text) = str::from_utf8(bytes)
        && !has_unsafe(text)
    {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(bytes.len() + 16);
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            escape_character(&mut out, character);
        }
        for byte in chunk.invalid() {
            _ = write!(out, "\\x{byte:02x}");
        }
    }
    Cow::Owned(out)
}

/// A character as Go's `%q` writes it where a terminal must not have it itself.
pub fn escape_character(out: &mut String, character: char) {
    if !is_unsafe(character) {
        out.push(character);
        return;
    }
    match character {
        '\x07' => out.push_str("\\a"),
        '\x08' => out.push_str("\\b"),
        '\x0c' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\x0b' => out.push_str("\\v"),
        _ => match u32::from(character) {
            code @ ..0x80 => _ = write!(out, "\\x{code:02x}"),
            code @ ..0x1_0000 => _ = write!(out, "\\u{code:04x}"),
            code => _ = write!(out, "\\U{code:08x}"),
        },
    }
}

/// The same for messages.
#[must_use]
pub(crate) fn printable(text: &str) -> String {
    escape(text).into_owned()
}

/// A function's name as it is shown: as Go source writes it, and harmless.
#[must_use]
pub(crate) fn symbol(name: &str) -> String {
    printable(&Executable::source_name(name))
}

/// A path as it is shown.
#[must_use]
pub fn escape_path(path: &Path) -> String {
    escape(path.as_os_str().as_bytes()).into_owned()
}

/// Whether [`escape`] would change the text.
#[must_use]
pub fn has_unsafe(text: &str) -> bool {
    !text.bytes().all(|byte| matches!(byte, b' '..=b'~')) && text.contains(is_unsafe)
}

/// Control characters (Unicode category Cc), line and paragraph separators, and the invisible format characters (Cf): bidirectional
/// overrides and isolates, zero-width characters, tags.
#[must_use]
pub fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_names_are_left_alone() {
        for name in [
            "net/http.(*conn).serve",
            "main.Größe",
            "主.関数",
            "gopkg.in/yaml%2ev3.Unmarshal",
            "main.Map[go.shape.int,…]",
        ] {
            assert!(matches!(escape(name), Cow::Borrowed(same) if same == name));
        }
    }

    #[test]
    fn everything_that_could_reach_the_terminal_is_escaped() {
        assert_eq!(
            escape("a\x1b[31mb\r\n\x07\x7f"),
            "a\\x1b[31mb\\r\\n\\a\\x7f"
        );
        assert_eq!(
            escape("\u{9b}31m\u{202e}gnp\u{2066}\u{200b}\u{feff}\u{2028}"),
            "\\u009b31m\\u202egnp\\u2066\\u200b\\ufeff\\u2028"
        );
        assert_eq!(escape(b"ok\xff\xc3(".as_slice()), "ok\\xff\\xc3(");
    }

    #[test]
    fn escaped_text_is_safe_whatever_it_was() {
        for code in 0..=u32::from(char::MAX) {
            let Some(character) = char::from_u32(code) else {
                continue;
            };
            let text = character.to_string();
            let escaped = escape(&text);
            assert!(!escaped.chars().any(is_unsafe), "{code:x}");
            assert!(!escaped.chars().any(char::is_control), "{code:x}");
        }
    }

    /// Issue 9, case list-path.
    #[test]
    fn paths_are_escaped_byte_by_byte() {
        use std::ffi::OsStr;
        let path = Path::new(OsStr::from_bytes(b"./new\nline/te\x1b[31mxt\xff"));
        assert_eq!(escape_path(path), "./new\\nline/te\\x1b[31mxt\\xff");
    }
}
