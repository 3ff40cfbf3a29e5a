//! Captured values as text, by their shapes alone: what a renderer makes of them, without its cuts.

use compiler::shape::{Absent, Full, MapEntry, Missing, Run, Shape, ShownValue, Slot};

/// What is captured, and who knows what addresses mean.
pub struct Decoder<'d> {
    pub bytes: &'d [u8],
    /// The name of the function at an address of code.
    pub code: &'d dyn Fn(u64) -> String,
    /// The name of the type that the runtime describes at an address, and whether a value of it begins with a string.
    pub dynamic: &'d dyn Fn(u64) -> (String, bool),
}

type Decoded = Result<String, String>;

impl Decoder<'_> {
    pub fn value(&self, value: &ShownValue) -> String {
        format!("{}={}", value.label, self.text(&value.shape))
    }

    fn text(&self, shape: &Shape) -> String {
        self.shape(shape).unwrap_or_else(|why| why)
    }

    fn at(&self, slot: Slot, width: usize) -> Result<u64, String> {
        let unreadable = u64::from_le_bytes(self.bytes[..8].try_into().expect("eight bytes"));
        if unreadable >> slot.item & 1 == 1 {
            return Err("‹unreadable›".to_owned());
        }
        let mut word = [0; 8];
        let at = usize::from(slot.at);
        word[..width].copy_from_slice(&self.bytes[at..at + width]);
        Ok(u64::from_le_bytes(word))
    }

    fn word(&self, slot: Slot) -> Result<u64, String> {
        self.at(slot, 8)
    }

    /// How many bytes there were, and those that are there.
    fn run(&self, run: Run) -> Result<(usize, &[u8]), String> {
        let Run { item, at, most } = run;
        let length = self.word(Slot { item, at })?;
        let length = usize::try_from(length).expect("a length");
        let start = usize::from(at) + 8;
        Ok((
            length,
            &self.bytes[start..start + length.min(usize::from(most))],
        ))
    }

    fn string(&self, run: Run) -> Decoded {
        let (length, bytes) = self.run(run)?;
        let mut out = String::from("\"");
        for c in String::from_utf8_lossy(bytes).chars() {
            match c {
                '\0'..='\x1f' => out += &format!("\\x{:02x}", u32::from(c)),
                c => out.push(c),
            }
        }
        out.push('"');
        if length > bytes.len() {
            out += &format!("…+{}", length - bytes.len());
        }
        Ok(out)
    }

    fn list(&self, ty: &str, shapes: &[Shape], length: usize) -> String {
        let mut all: Vec<String> = shapes.iter().take(length).map(|s| self.text(s)).collect();
        if length > all.len() {
            all.push(format!("…+{}", length - all.len()));
        }
        format!("{ty}{{{}}}", all.join(", "))
    }

    fn shape(&self, shape: &Shape) -> Decoded {
        Ok(match shape {
            Shape::Missing(Missing::Vector(number)) => format!("‹X{number}›"),
            Shape::Missing(Missing::NoRoom) => "‹no room›".to_owned(),
            Shape::Missing(Missing::OptimisedAway) => "‹absent›".to_owned(),
            Shape::Missing(Missing::NotDescribed) => "‹not described›".to_owned(),
            Shape::Missing(Missing::UnknownType) => "‹unknown›".to_owned(),
            Shape::Reached { shape, steps } => match self.shape(shape) {
                Ok(text) => text,
                Err(why) => {
                    let step = steps.iter().find(|(slot, _)| self.word(*slot) == Ok(0));
                    let (_, absent) = step.ok_or(why)?;
                    match absent {
                        Absent::BehindNil => "‹behind nil›",
                        Absent::PastTheEnd => "‹past the end›",
                        Absent::OtherType => "‹another type›",
                    }
                    .to_owned()
                }
            },
            Shape::Constant(text) => text.clone(),
            Shape::Bool(slot) => (self.at(*slot, 1)? != 0).to_string(),
            Shape::Int { slot, width } => {
                let unused = 64 - 8 * u32::from(*width);
                let word = self.at(*slot, usize::from(*width))?;
                ((word << unused).cast_signed() >> unused).to_string()
            }
            Shape::Uint {
                slot,
                width,
                hexadecimal,
            } => {
                let word = self.at(*slot, usize::from(*width))?;
                if *hexadecimal {
                    format!("{word:#x}")
                } else {
                    word.to_string()
                }
            }
            Shape::Float { slot, width } => self.float(*slot, *width)?.to_string(),
            Shape::Complex {
                real,
                imaginary,
                width,
            } => format!(
                "({}{:+}i)",
                self.float(*real, *width)?,
                self.float(*imaginary, *width)?
            ),
            Shape::Duration(slot) => match self.word(*slot)? {
                ns if ns >= 100_000_000 => format!("{}s", ns as f64 / 1e9),
                ns => format!("{ns}ns"),
            },
            Shape::Time { wall, ext } => {
                let (wall, ext) = (self.word(*wall)?, self.word(*ext)?);
                assert_eq!(wall >> 63, 0, "a time with the monotonic clock");
                format!("{}.{:09}", ext - 62_135_596_800, wall & ((1 << 30) - 1))
            }
            Shape::String(run) | Shape::Characters(run) => self.string(*run)?,
            Shape::Bytes { pointer, .. } if self.word(*pointer)? == 0 => "nil".to_owned(),
            Shape::Bytes { bytes, .. } => format!("[]byte({})", self.string(*bytes)?),
            Shape::Slice { pointer, .. } if self.word(*pointer)? == 0 => "nil".to_owned(),
            Shape::Slice {
                ty,
                length,
                elements,
                ..
            } => self.list(ty, elements, self.word(*length)? as usize),
            Shape::Array {
                ty,
                length,
                elements,
            } => self.list(ty, elements, *length as usize),
            Shape::Struct { ty, fields, more } => {
                let mut all: Vec<String> = fields
                    .iter()
                    .map(|(name, shape)| format!("{name}: {}", self.text(shape)))
                    .collect();
                if *more > 0 {
                    all.push(format!("…+{more}"));
                }
                format!("{ty}{{{}}}", all.join(", "))
            }
            Shape::Pointer { slot, .. } if self.word(*slot)? == 0 => "nil".to_owned(),
            Shape::Memory { .. } => "‹untyped›".to_owned(),
            Shape::Pointer { ty, target, .. } => match target {
                Some(target) if matches!(**target, Shape::Memory { .. }) => format!("{ty}(0x)"),
                Some(target) => format!("&{}", self.text(target)),
                None => format!("{ty}(0x)"),
            },
            Shape::Interface { dynamic, .. } if self.word(*dynamic)? == 0 => "nil".to_owned(),
            Shape::Interface {
                dynamic,
                pointee,
                text,
                ..
            } => {
                let (name, begins_with_string) = (self.dynamic)(self.word(*dynamic)?);
                let inside = match (text, pointee) {
                    (Some(text), _) if begins_with_string => self.string(*text)?,
                    (_, Some(run)) => {
                        let (_, bytes) = self.run(*run)?;
                        let word = bytes.first_chunk().expect("a word");
                        i64::from_le_bytes(*word).to_string()
                    }
                    _ => String::new(),
                };
                format!("{name}({inside})")
            }
            Shape::Map { pointer, .. } if self.word(*pointer)? == 0 => "nil".to_owned(),
            Shape::Map {
                ty,
                length,
                entries,
                ..
            } => {
                let length = self.word(*length)? as usize;
                let mut all: Vec<String> = self
                    .entries(entries)
                    .into_iter()
                    .map(|(key, value)| format!("{key}: {value}"))
                    .collect();
                all.sort();
                all.truncate(length);
                if length > all.len() {
                    all.push(format!("…+{}", length - all.len()));
                }
                format!("{ty}{{{}}}", all.join(", "))
            }
            Shape::Chan { pointer, .. } if self.word(*pointer)? == 0 => "nil".to_owned(),
            Shape::Chan {
                ty,
                length: Some(length),
                capacity: Some(capacity),
                ..
            } => format!(
                "{ty}(len {}, cap {})",
                self.word(*length)?,
                self.word(*capacity)?
            ),
            Shape::Chan { ty, .. } => ty.clone(),
            Shape::Func { slot, .. } if self.word(*slot)? == 0 => "nil".to_owned(),
            Shape::Func { code, .. } | Shape::Code(code) => (self.code)(self.word(*code)?),
            Shape::Function(number) => format!("function {}", self.word(*number)?),
        })
    }

    fn float(&self, slot: Slot, width: u8) -> Result<f64, String> {
        let word = self.at(slot, usize::from(width))?;
        Ok(match width {
            4 => f32::from_bits(word as u32).into(),
            _ => f64::from_bits(word),
        })
    }

    /// Those that are there.
    pub fn entries(&self, entries: &[MapEntry]) -> Vec<(String, String)> {
        let is_there = |entry: &&MapEntry| match self.at(entry.full, 1) {
            Ok(mark) => match entry.rule {
                Full::HighBitClear => mark < 0x80,
                Full::AtLeastFive => mark >= 5,
            },
            Err(_) => false,
        };
        let there = entries.iter().filter(is_there);
        there
            .map(|entry| (self.text(&entry.key), self.text(&entry.value)))
            .collect()
    }
}
