//! Strings as Go's `%q` writes them, which a terminal can show.

use std::fmt::Write as _;

use super::Text;
use crate::text::escape_character;

impl Text {
    /// Quoted; where something follows, `…` before the closing quote and its length after it: `"SELECT …"+212`.
    pub(super) fn quote(&self, out: &mut String) {
        let whole = self.whole_characters();
        out.push('"');
        escape(out, whole, &['"', '\\']);
        let more = self.left_out();
        if more > 0 {
            _ = write!(out, "…\"+{more}");
        } else {
            out.push('"');
        }
    }

    /// All of it without quotes; only where nothing follows.
    pub(crate) fn plain(&self, out: &mut String) {
        escape(out, &self.bytes, &['\\']);
    }

    /// Bytes that are not shown: those that follow, and the beginning of a character whose end is among them.
    pub(super) fn left_out(&self) -> u64 {
        let half = self.bytes.len() - self.whole_characters().len();
        self.more.saturating_add(half as u64)
    }

    /// Without the beginning of a character whose end was left out.
    pub(super) fn whole_characters(&self) -> &[u8] {
        match str::from_utf8(&self.bytes) {
            Err(error) if self.more > 0 && error.error_len().is_none() => {
                self.bytes.get(..error.valid_up_to()).unwrap_or(&self.bytes)
            }
            _ => &self.bytes,
        }
    }
}

/// With a backslash before each of these characters, too.
fn escape(out: &mut String, bytes: &[u8], marked: &[char]) {
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            if marked.contains(&character) {
                out.push('\\');
            }
            escape_character(out, character);
        }
        for byte in chunk.invalid() {
            _ = write!(out, "\\x{byte:02x}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quote(bytes: &[u8], more: u64) -> String {
        let mut out = String::new();
        let bytes = bytes.to_vec();
        Text { bytes, more }.quote(&mut out);
        out
    }

    #[test]
    fn as_go_quotes() {
        let text = "a\x07\x08\x0c\n\r\t\x0b\\\"'\0\x1b\x7f\u{202e}\u{ad}\u{e0001}é世\u{feff}`";
        assert_eq!(
            quote(text.as_bytes(), 0),
            r#""a\a\b\f\n\r\t\v\\\"'\x00\x1b\x7f\u202e\u00ad\U000e0001é世\ufeff`""#
        );
        assert_eq!(quote(b"\xff\xc3(", 0), r#""\xff\xc3(""#);
        assert_eq!(quote(b"", 0), r#""""#);
    }

    #[test]
    fn a_cut_is_seen_and_splits_no_character() {
        assert_eq!(quote(b"SELECT ", 212), "\"SELECT …\"+212");
        assert_eq!(
            quote("né".as_bytes().split_last().unwrap().1, 4),
            "\"n…\"+5"
        );
        // What is no character anyway stays.
        assert_eq!(quote(b"n\xff", 4), "\"n\\xff…\"+4");
        assert_eq!(quote(b"n\xc3", 0), "\"n\\xc3\"");
        assert_eq!(quote(b"", 9), "\"…\"+9");
    }

    /// Issue 9, case json-cut: what is left out of a value and the value are all of the string, wherever it was cut.
    #[test]
    fn what_is_left_out_and_the_value_are_all_of_it() {
        for whole in [
            "日本語日本語",
            "né🙂a",
            "plain",
            "\u{7ff}\u{800}\u{ffff}\u{10000}",
        ] {
            for cut in 0..=whole.len() {
                let bytes = whole.as_bytes().get(..cut).expect("a beginning").to_vec();
                let text = Text {
                    bytes,
                    more: (whole.len() - cut) as u64,
                };
                let value = String::from_utf8(text.whole_characters().to_vec()).expect("UTF-8");
                assert!(whole.starts_with(&value), "{whole} at {cut}");
                assert_eq!(value.len() as u64 + text.left_out(), whole.len() as u64);
                let mut out = String::new();
                text.quote(&mut out);
                let said = match text.left_out() {
                    0 => format!("{value:?}"),
                    more => format!("\"{value}…\"+{more}"),
                };
                if !whole.contains('\u{ffff}') {
                    assert_eq!(out, said);
                }
            }
        }
    }

    /// Issue 9, case json-cut: without quotes text is escaped as within, but for the quotes themselves.
    #[test]
    fn text_without_quotes_is_escaped_alike() {
        let bytes = b"a\"b\\x1b\t\x1b\xe2\x80\xae\xff".to_vec();
        let mut out = String::new();
        Text { bytes, more: 0 }.plain(&mut out);
        assert_eq!(out, r#"a"b\\x1b\t\x1b\u202e\xff"#);
    }
}
