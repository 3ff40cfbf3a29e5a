//! Text from a traced process on its way to a terminal: made harmless, and made to fit.

use std::borrow::Cow;

pub use compiler::escape;
pub(crate) use compiler::{escape_character, has_unsafe, is_unsafe};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The same for text that is not needed otherwise.
pub(crate) fn escaped(text: String) -> String {
    if has_unsafe(&text) {
        escape(&text).into_owned()
    } else {
        text
    }
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
