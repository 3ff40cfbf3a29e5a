//! A value as the tracer writes it (Go's syntax, cuts, what is not known) against the value that the program told.

use super::{Seen, Tree, Unknown};

/// Whether the text is that of the value, and how much of it.
pub(super) fn compare(told: &Tree, text: &str) -> Result<Seen, String> {
    let mut reader = Reader {
        rest: text,
        seen: Seen::default(),
        level: 0,
        in_interface: false,
    };
    reader.value(told)?;
    if reader.rest.is_empty() {
        Ok(reader.seen)
    } else {
        Err(format!("more is written: {:?}", reader.rest))
    }
}

#[derive(Clone)]
struct Reader<'t> {
    rest: &'t str,
    seen: Seen,
    /// Values around the one that is read; what a pointer points to stands for the pointer.
    level: usize,
    /// What an interface holds is read.
    in_interface: bool,
}

impl<'t> Reader<'t> {
    fn skip(&mut self, text: &str) -> bool {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, text: &str) -> Result<(), String> {
        if self.skip(text) {
            Ok(())
        } else {
            Err(format!("{text:?} expected at {:?}", self.rest))
        }
    }

    fn number(&mut self) -> Result<u64, String> {
        let end = self.rest.find(|c: char| !c.is_ascii_digit());
        let (digits, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        let number = digits.parse();
        let number = number.map_err(|_| format!("a number expected at {:?}", self.rest))?;
        self.rest = rest;
        Ok(number)
    }

    fn cut(&mut self, count: u64) {
        if count > 0 && self.level == 0 {
            self.seen.cut = count;
        } else if count > 0 {
            self.seen.cut_inside = true;
        }
    }

    fn inside<R>(&mut self, read: impl FnOnce(&mut Self) -> R) -> R {
        self.level += 1;
        let read = read(self);
        self.level -= 1;
        read
    }

    fn unknown(&mut self, told: &Tree) -> bool {
        let Some((reason, rest)) = self
            .rest
            .strip_prefix('‹')
            .and_then(|rest| rest.split_once('›'))
        else {
            return false;
        };
        self.rest = rest;
        self.seen.unknown.push(Unknown {
            reason: reason.to_owned(),
            kind: told.kind.clone(),
            whole: self.level == 0 && !self.in_interface,
        });
        true
    }

    fn value(&mut self, told: &Tree) -> Result<(), String> {
        if self.unknown(told) {
            return Ok(());
        }
        if told.nil {
            return self.expect("nil");
        }
        match told.kind.as_str() {
            // Of a closure whose code is not known.
            "func" if self.rest.starts_with("0x") => {
                let rest = self
                    .rest
                    .trim_start_matches(|c: char| c.is_ascii_hexdigit() || c == 'x');
                self.rest = rest;
                self.seen.cut_inside = true;
                Ok(())
            }
            "bool" | "int" | "uint" | "float" | "complex" | "duration" | "time" | "func" => {
                self.expect(&told.text)
            }
            "address" => self.expect(&told.address),
            "string" => self.string(&told.bytes),
            "bytes" if self.skip("[]byte(") => {
                self.string(&told.bytes)?;
                self.expect(")")
            }
            // Those in an interface.
            "bytes" => {
                self.expect(&told.ty)?;
                let length = format!(" len {}", told.bytes.len());
                if !told.bytes.is_empty() && self.skip(&length) {
                    self.cut(told.bytes.len() as u64);
                    return Ok(());
                }
                self.expect("{}")
            }
            "slice" | "array" => self.list(told),
            "struct" => self.structure(told),
            "pointer" => self.pointer(told),
            "interface" => self.interface(told),
            "map" => self.map(told),
            "chan" => {
                self.expect(&told.ty)?;
                match told.capacity {
                    0 => Ok(()),
                    capacity => self.expect(&format!(" ({} of {capacity})", told.length)),
                }
            }
            kind => Err(format!("a value of kind {kind}")),
        }
    }

    fn string(&mut self, told: &[u8]) -> Result<(), String> {
        self.expect("\"")?;
        let mut bytes = Vec::new();
        loop {
            let mut characters = self.rest.chars();
            let character = characters.next().ok_or("a string without an end")?;
            self.rest = characters.as_str();
            match character {
                '"' => break,
                '\\' => self.escape(&mut bytes)?,
                other => bytes.extend(other.to_string().bytes()),
            }
        }
        if self.skip("+") {
            let more = self.number()?;
            let dots = bytes.len().saturating_sub('…'.len_utf8());
            if bytes.split_off(dots) != "…".as_bytes() {
                return Err("a cut without its mark".to_owned());
            }
            self.cut(more);
            let whole = bytes.len() as u64 + more;
            if told.len() as u64 != whole {
                return Err(format!("{whole} bytes, and there are {}", told.len()));
            }
            if !told.starts_with(&bytes) {
                return Err("another string".to_owned());
            }
        } else if told != bytes {
            return Err("another string".to_owned());
        }
        Ok(())
    }

    fn escape(&mut self, bytes: &mut Vec<u8>) -> Result<(), String> {
        let mut characters = self.rest.chars();
        let kind = characters.next().ok_or("an escape without an end")?;
        self.rest = characters.as_str();
        let short = match kind {
            'a' => Some(7),
            'b' => Some(8),
            'f' => Some(12),
            'n' => Some(b'\n'),
            'r' => Some(b'\r'),
            't' => Some(b'\t'),
            'v' => Some(11),
            '"' => Some(b'"'),
            '\\' => Some(b'\\'),
            _ => None,
        };
        if let Some(short) = short {
            bytes.push(short);
            return Ok(());
        }
        let digits = match kind {
            'x' => 2,
            'u' => 4,
            'U' => 8,
            _ => return Err(format!("an escape \\{kind}")),
        };
        let (code, rest) = self.rest.split_at_checked(digits).ok_or("a short escape")?;
        let code = u32::from_str_radix(code, 16).map_err(|error| error.to_string())?;
        self.rest = rest;
        match kind {
            'x' => bytes.push(code as u8),
            _ => bytes.extend(
                char::from_u32(code)
                    .ok_or("no character")?
                    .to_string()
                    .bytes(),
            ),
        }
        Ok(())
    }

    /// `…+N`, which has to be all that is left.
    fn cut_of(&mut self, left: usize) -> Result<bool, String> {
        if !self.skip("…+") {
            return Ok(false);
        }
        let more = self.number()?;
        if more != left as u64 {
            return Err(format!("…+{more}, and there are {left} more"));
        }
        self.cut(more);
        Ok(true)
    }

    fn list(&mut self, told: &Tree) -> Result<(), String> {
        self.expect(&told.ty)?;
        if self.skip(" len ") {
            let length = self.number()?;
            if length != told.length || length == 0 {
                return Err(format!("len {length}, and there are {}", told.length));
            }
            if self.rest.starts_with(" ‹") {
                self.expect(" ")?;
                self.unknown(told);
            } else {
                self.cut(length);
            }
            return Ok(());
        }
        self.expect("{")?;
        self.items(&told.parts, ", ", |this, part| this.value(part))
    }

    fn items(
        &mut self,
        parts: &[Tree],
        separator: &str,
        read: impl Fn(&mut Self, &Tree) -> Result<(), String>,
    ) -> Result<(), String> {
        for (number, part) in parts.iter().enumerate() {
            if number > 0 {
                self.expect(separator)?;
            }
            if self.cut_of(parts.len() - number)? {
                break;
            }
            self.inside(|this| read(this, part))?;
        }
        self.expect("}")
    }

    /// Fields that take no room are left out, and not counted.
    fn structure(&mut self, told: &Tree) -> Result<(), String> {
        self.expect("{")?;
        let fields = told.names.iter().zip(&told.parts);
        let fields: Vec<(&String, &Tree)> = fields
            .filter(|(name, part)| part.size > 0 && *name != "_")
            .collect();
        for (number, (name, part)) in fields.iter().enumerate() {
            if number > 0 {
                self.expect(" ")?;
            }
            if self.cut_of(fields.len() - number)? {
                break;
            }
            self.expect(&format!("{name}:"))?;
            self.inside(|this| this.value(part))?;
        }
        self.expect("}")
    }

    fn pointer(&mut self, told: &Tree) -> Result<(), String> {
        if self.skip("&") {
            let target = told.parts.first().ok_or("deeper than the program told")?;
            return self.value(target);
        }
        self.expect(&told.address)?;
        if self.rest.starts_with(" ‹") {
            self.expect(" ")?;
            self.unknown(told);
        }
        self.seen.cut_inside = true;
        Ok(())
    }

    fn map(&mut self, told: &Tree) -> Result<(), String> {
        self.expect(&told.ty)?;
        if self.skip(" len ") {
            let length = self.number()?;
            self.cut(length);
            return if length == told.length {
                Ok(())
            } else {
                Err(format!("len {length}, and there are {}", told.length))
            };
        }
        self.expect("{")?;
        let mut left: Vec<&[Tree]> = told.parts.chunks_exact(2).collect();
        let mut first = true;
        while !left.is_empty() {
            if !std::mem::take(&mut first) {
                self.expect(", ")?;
            }
            if self.cut_of(left.len())? {
                break;
            }
            let found = left.iter().enumerate().find_map(|(number, entry)| {
                let [key, value] = entry else { return None };
                let mut reader = self.clone();
                reader.level += 1;
                reader.value(key).ok()?;
                reader.expect(": ").ok()?;
                reader.value(value).ok()?;
                reader.level -= 1;
                Some((number, reader))
            });
            let (number, reader) =
                found.ok_or_else(|| format!("no such entry is left: {:?}", self.rest))?;
            left.remove(number);
            *self = reader;
        }
        self.expect("}")
    }

    /// What an interface holds, with its type unless that is a constant's own.
    fn interface(&mut self, told: &Tree) -> Result<(), String> {
        let held = told.parts.first().ok_or("nothing held")?;
        let outer = std::mem::replace(&mut self.in_interface, true);
        self.held(held)?;
        self.in_interface = outer;
        Ok(())
    }

    fn held(&mut self, held: &Tree) -> Result<(), String> {
        let ty = held.ty.as_str();
        let mut alone = self.clone();
        let own = [
            "bool",
            "int",
            "float64",
            "complex128",
            "string",
            "time.Duration",
            "time.Time",
        ];
        let composed = ["slice", "array", "map", "chan", "bytes"];
        if (own.contains(&ty) || composed.contains(&held.kind.as_str()) && !held.nil)
            && alone.value(held).is_ok()
        {
            *self = alone;
            return Ok(());
        }
        let written = if ty.starts_with('*') || ty.starts_with("<-") || ty.contains(' ') {
            format!("({ty})(")
        } else {
            format!("{ty}(")
        };
        // A pointer's own type says that it is one.
        let value = match (held.kind.as_str(), held.parts.first()) {
            ("pointer", Some(target)) => target,
            _ => held,
        };
        // Complex numbers have brackets of their own.
        if held.kind != "complex" && self.skip(&written) {
            if self.skip("…") {
                self.seen.cut_inside = true;
                return self.expect(")");
            }
            self.value(if self.rest.starts_with("0x") {
                held
            } else {
                value
            })?;
            return self.expect(")");
        }
        self.expect(ty)?;
        if self.rest.starts_with("{\"") {
            // An error's words, which are its first field.
            let words = value.parts.iter().find(|part| part.kind == "string");
            self.expect("{")?;
            self.string(&words.ok_or("no words")?.bytes)?;
            return self.expect("}");
        }
        self.value(value)
    }
}
