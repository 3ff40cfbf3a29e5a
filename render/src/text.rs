//! Text from a traced process on its way to a terminal: made harmless, and made to fit.

use std::{borrow::Cow, fmt::Write as _};

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Makes text from a traced process safe to print: control characters, characters that turn or hide text, and bytes that are not
/// UTF-8 become `\x1b`, `\u{202e}`, `\xff`. Everything else stays as it is.
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

/// The same for text that is not needed otherwise.
pub(crate) fn escaped(text: String) -> String {
    if has_unsafe(&text) {
        escape(&text).into_owned()
    } else {
        text
    }
}

/// A character as Go's `%q` writes it where a terminal must not have it itself.
pub(crate) fn escape_character(out: &mut String, character: char) {
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

/// Whether [`escape`] would change the text.
pub(crate) fn has_unsafe(text: &str) -> bool {
    !is_plain(text) && text.contains(is_unsafe)
}

/// How many columns text takes that has been escaped.
pub(crate) fn columns(text: &str) -> usize {
    if is_plain(text) {
        text.len()
    } else {
        text.width()
    }
}

/// Printable ASCII, as nearly all names are: every byte is a column.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// Control characters (Unicode category Cc), line and paragraph separators, and the invisible format characters (Cf): bidirectional
/// overrides and isolates, zero-width characters, tags.
pub(crate) fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e007f}')
}

/// Makes a function's name, or a file's with its line, fit into this many columns of a terminal. Directories go first, from the
/// left: `…/postgres/pool.go:12`; where that is not enough, what is left is [`cut`].
#[must_use]
pub fn shorten(name: &str, room: usize) -> Cow<'_, str> {
    if columns(name) <= room {
        return Cow::Borrowed(name);
    }
    // A slash after a bracket belongs to a type: `main.Map[net/http.Header]`.
    let path = name
        .find(['(', '['])
        .map_or(name, |bracket| &name[..bracket]);
    let mut last = name;
    for (slash, _) in path.match_indices('/').skip_while(|(slash, _)| *slash == 0) {
        last = &name[slash..];
        if columns(last) < room {
            return Cow::Owned(format!("…{last}"));
        }
    }
    cut(last.trim_start_matches('/'), room)
}

/// Makes text fit by leaving out its middle, marked by `…`. Of the end, which in names says most, twice as much is kept as of the
/// beginning.
#[must_use]
pub fn cut(text: &str, room: usize) -> Cow<'_, str> {
    if columns(text) <= room {
        return Cow::Borrowed(text);
    }
    let ellipsis = if room == 0 { "" } else { "…" };
    let room = room.saturating_sub(1);
    let (head_end, head_columns) = fitting(text.char_indices(), room / 3);
    let from_end = text
        .char_indices()
        .rev()
        .map(|(index, character)| (text.len() - index - character.len_utf8(), character));
    let (tail_length, _) = fitting(from_end, room - head_columns);
    let (head, tail) = (&text[..head_end], &text[text.len() - tail_length..]);
    Cow::Owned(format!("{head}{ellipsis}{tail}"))
}

/// Makes text fit by leaving out its end, marked by `…`.
pub(crate) fn head(text: &str, room: usize) -> Cow<'_, str> {
    if columns(text) <= room {
        return Cow::Borrowed(text);
    }
    let ellipsis = if room == 0 { "" } else { "…" };
    let (end, _) = fitting(text.char_indices(), room.saturating_sub(1));
    let head = text.get(..end).unwrap_or_default().trim_end_matches('…');
    Cow::Owned(format!("{head}{ellipsis}"))
}

/// How many bytes, and columns, of these characters fit into `room` columns.
fn fitting(characters: impl Iterator<Item = (usize, char)>, room: usize) -> (usize, usize) {
    let mut columns = 0;
    let mut length = 0;
    for (before, character) in characters {
        let width = character.width().unwrap_or(0);
        if columns + width > room {
            return (before, columns);
        }
        columns += width;
        length = before + character.len_utf8();
    }
    (length, columns)
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

    #[test]
    fn directories_go_first() {
        let name = "github.com/shop/storage/postgres.(*Pool).Acquire";
        let cases = [
            (48, name),
            (47, "…/shop/storage/postgres.(*Pool).Acquire"),
            (30, "…/postgres.(*Pool).Acquire"),
            (26, "…/postgres.(*Pool).Acquire"),
            (25, "postgres.(*Pool).Acquire"),
            (12, "pos….Acquire"),
            (1, "…"),
            (0, ""),
        ];
        for (columns, expected) in cases {
            assert_eq!(shorten(name, columns), expected, "{columns} columns");
        }
        assert_eq!(
            shorten("/usr/local/go/src/net/http/server.go:2122", 25),
            "…/net/http/server.go:2122"
        );
        assert_eq!(shorten("main.Map[net/http.Header]", 16), "main.…tp.Header]");
    }

    #[test]
    fn a_cut_keeps_both_ends() {
        assert_eq!(cut("main.handle", 11), "main.handle");
        assert_eq!(cut("main.handle", 10), "mai…handle");
        assert_eq!(cut("abc", 1), "…");
        assert_eq!(cut("abc", 0), "");
    }

    #[test]
    fn a_cut_may_keep_the_head_alone() {
        for (room, expected) in [(6, "n=\"世\""), (5, "n=\"…"), (2, "n…"), (1, "…"), (0, "")]
        {
            assert_eq!(head("n=\"世\"", room + usize::from(room == 6)), expected);
        }
        assert_eq!(head("n=\"a…\"+7", 6), "n=\"a…");
    }

    #[test]
    fn wide_characters_take_two_columns() {
        let text = "主関数主関数";
        for columns in 0..13 {
            let short = cut(text, columns);
            assert!(short.width() <= columns, "{short} in {columns}");
        }
        assert_eq!(cut(text, 8), "主…関数");
    }
}
