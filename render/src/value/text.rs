//! Strings as Go's `%q` writes them, which a terminal can show.

use std::fmt::Write as _;

use super::Text;
use crate::text::is_unsafe;

impl Text {
    /// Quoted; where something follows, `…` before the closing quote and its length after it: `"SELECT …"+212`.
    pub(super) fn quote(&self, out: &mut String) {
        let whole = self.whole_characters();
        out.push('"');
        for chunk in whole.utf8_chunks() {
            chunk.valid().chars().for_each(|c| quoted(out, c));
            for byte in chunk.invalid() {
                _ = write!(out, "\\x{byte:02x}");
            }
        }
        let more = self
            .more
            .saturating_add((self.bytes.len() - whole.len()) as u64);
        if more > 0 {
            _ = write!(out, "…\"+{more}");
        } else {
            out.push('"');
        }
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

fn quoted(out: &mut String, character: char) {
    let short = match character {
        '"' => "\\\"",
        '\\' => "\\\\",
        '\x07' => "\\a",
        '\x08' => "\\b",
        '\x0c' => "\\f",
        '\n' => "\\n",
        '\r' => "\\r",
        '\t' => "\\t",
        '\x0b' => "\\v",
        _ => {
            match u32::from(character) {
                _ if !is_unsafe(character) => out.push(character),
                code @ ..0x80 => _ = write!(out, "\\x{code:02x}"),
                code @ ..0x1_0000 => _ = write!(out, "\\u{code:04x}"),
                code => _ = write!(out, "\\U{code:08x}"),
            }
            return;
        }
    };
    out.push_str(short);
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
}
