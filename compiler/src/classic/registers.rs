//! The original's register expressions, by which it reads arguments: `main.(*T).F(s.name=(*+0(%ax)):c64, n=(+8(%ax)):s64)`.
//!
//! `%ax` is a register, `+8(%ax)` the memory eight bytes after where it points, and an offset around an offset reads the address there:
//! `+0(+8(%ax))`. A later notation writes each such step as a `*`, so `*+0(%ax)` is the memory at the address that is at `%ax`. After
//! the colon there is what to read: a number of so many bits, or characters, as many as make so many bits.

use std::fmt;

use crate::ir::Register;

/// Offsets around a register.
const MAX_STEPS: usize = 8;
/// Bits of text.
const MAX_TEXT: u32 = 4096;

/// A pattern of the original command line: functions, and what is read when they are called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern<'t> {
    /// The functions.
    pub(super) functions: &'t str,
    /// In the order in which they are written.
    pub(super) arguments: Vec<Argument<'t>>,
}

/// A name, and what is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Argument<'t> {
    pub(super) name: &'t str,
    /// In the language.
    pub(super) expression: String,
}

/// What is wrong with a register expression of the original command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassicError {
    /// In one sentence without a full stop.
    pub message: String,
    /// A way out.
    pub help: String,
}

impl ClassicError {
    fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            help: help.into(),
        }
    }
}

impl fmt::Display for ClassicError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ClassicError {}

impl<'t> Pattern<'t> {
    /// Reads a pattern. What does not end in a list in parentheses is the name of functions and nothing else.
    pub(super) fn parse(text: &'t str) -> Result<Self, ClassicError> {
        let plain = Self {
            functions: text,
            arguments: Vec::new(),
        };
        let Some((functions, list)) = split_list(text) else {
            return Ok(plain);
        };
        if functions.is_empty() {
            return Err(ClassicError::new(
                format!("`{text}`: there is no function before the parenthesis"),
                "write it as main.F(n=(%ax):s64)",
            ));
        }
        let arguments = if list.trim().is_empty() {
            Vec::new()
        } else {
            let arguments = list.split(',').map(str::trim).map(argument);
            arguments.collect::<Result<_, _>>()?
        };
        Ok(Self {
            functions,
            arguments,
        })
    }
}

/// The name, and what stands in the parentheses at the end.
fn split_list(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_suffix(')')?;
    let mut depth = 1_u32;
    let at = inner.bytes().rposition(|byte| {
        match byte {
            b')' => depth += 1,
            b'(' => depth -= 1,
            _ => {}
        }
        depth == 0
    })?;
    Some((inner.get(..at)?, inner.get(at + 1..)?))
}

/// `n=(+8(%ax)):s64`
fn argument(text: &str) -> Result<Argument<'_>, ClassicError> {
    let malformed = || {
        ClassicError::new(
            format!("`{text}` is no register expression"),
            "write a name, where it is and its type, as in n=(+8(%ax)):s64",
        )
    };
    if text.is_empty() {
        return Err(ClassicError::new(
            "something is missing between two commas, or after the last one",
            "write a name, where it is and its type, as in n=(+8(%ax)):s64",
        ));
    }
    let (name, rest) = text.split_once('=').ok_or_else(malformed)?;
    let (place, ty) = rest.split_once(':').ok_or_else(malformed)?;
    let (name, place, ty) = (name.trim(), place.trim(), ty.trim());
    if name.is_empty() || place.is_empty() {
        return Err(malformed());
    }
    let place = Place::parse(place).ok_or_else(|| {
        ClassicError::new(
            format!("`{place}` in `{text}` is no place"),
            "places are registers and offsets around them: (%ax), (+8(%ax)), (*+0(%ax)), +0(+8(%ax))",
        )
    })??;
    let expression = place.read_as(ty).ok_or_else(|| match ty.strip_prefix('c') {
        Some(_) if place.steps.is_empty() => ClassicError::new(
            format!("`{text}` takes characters from a register"),
            format!("characters are in memory: {name}=(+0(%{})):{ty}", place.name),
        ),
        _ => ClassicError::new(
            format!("unknown type `{ty}` in `{text}`"),
            format!("the types are u8 u16 u32 u64, s8 s16 s32 s64, and characters: c8 for one, c16 for two, to c{MAX_TEXT}"),
        ),
    })?;
    Ok(Argument { name, expression })
}

/// A register, and the offsets around it, the innermost first.
struct Place<'t> {
    /// As written, without its `%`.
    name: &'t str,
    register: Register,
    steps: Vec<Step>,
}

/// An offset around what comes before it.
struct Step {
    offset: i32,
    /// It stands for the address that is in memory there.
    dereferences: bool,
}

impl<'t> Place<'t> {
    /// Nothing where it is none at all.
    fn parse(text: &'t str) -> Option<Result<Self, ClassicError>> {
        let mut steps = Vec::new();
        let mut rest = text.trim();
        let name = loop {
            if let Some(register) = rest.strip_prefix('%') {
                break register.trim_end();
            }
            let (before, inner) = rest.strip_suffix(')')?.split_once('(')?;
            let before = before.trim();
            rest = inner.trim();
            if before.is_empty() {
                continue;
            }
            let (dereferences, number) = match before.strip_prefix('*') {
                Some(number) => (true, number),
                None => (false, before),
            };
            steps.push(Step {
                offset: number.trim().parse().ok()?,
                dereferences,
            });
            if steps.len() > MAX_STEPS {
                return Some(Err(ClassicError::new(
                    format!("`{text}` has more than {MAX_STEPS} offsets in one another"),
                    "leave some out",
                )));
            }
        };
        let full = format!("r{name}");
        let known = |register: &Register| register.name() == name || register.name() == full;
        let Some(register) = Register::ALL.into_iter().find(known) else {
            return Some(Err(ClassicError::new(
                format!("there is no register `%{name}`"),
                "the integer arguments of Go are in %ax %bx %cx %di %si %r8 %r9 %r10 %r11",
            )));
        };
        steps.reverse();
        if !steps.iter().any(|step| step.dereferences) {
            let outermost = steps.len().saturating_sub(1);
            steps
                .iter_mut()
                .take(outermost)
                .for_each(|step| step.dereferences = true);
        }
        Some(Ok(Self {
            name,
            register,
            steps,
        }))
    }

    /// What is read there, in the language.
    fn read_as(&self, ty: &str) -> Option<String> {
        let letter = ty.get(..1)?;
        let bits = ty.get(1..)?;
        if bits.starts_with(['+', '0']) {
            return None;
        }
        let bits: u32 = bits.parse().ok()?;
        let number = matches!(bits, 8 | 16 | 32 | 64);
        match letter {
            "u" | "s" if number && self.steps.is_empty() => {
                let register = self.register();
                Some(match (letter, bits) {
                    ("u", 64) => register,
                    ("u", _) => format!("uint{bits}({register})"),
                    _ => format!("int{bits}({register})"),
                })
            }
            "u" | "s" if number => Some(format!("{ty}({})", self.address())),
            "c" if bits.is_multiple_of(8) && bits <= MAX_TEXT && !self.steps.is_empty() => {
                Some(format!("mem({}, {})", self.address(), bits / 8))
            }
            _ => None,
        }
    }

    fn register(&self) -> String {
        let name = self.register.name();
        // Go's own names for the old registers have no `r`.
        let short = name
            .strip_prefix('r')
            .filter(|rest| !rest.starts_with(|c: char| c.is_ascii_digit()));
        format!("reg.{}", short.unwrap_or(name))
    }

    fn address(&self) -> String {
        self.steps.iter().fold(self.register(), |inner, step| {
            let at = match step.offset {
                0 => inner,
                offset @ ..0 => format!("{inner} - {}", offset.unsigned_abs()),
                offset => format!("{inner} + {offset}"),
            };
            if step.dereferences {
                format!("u64({at})")
            } else {
                at
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expressions(text: &str) -> Vec<String> {
        let arguments = Pattern::parse(text).expect("it is in order").arguments;
        let shown = |argument: Argument<'_>| format!("{} = {}", argument.name, argument.expression);
        arguments.into_iter().map(shown).collect()
    }

    fn one(expression: &str) -> String {
        let text = format!("main.F(n={expression})");
        let shown = expressions(&text).concat();
        shown.strip_prefix("n = ").map(str::to_owned).expect("one")
    }

    fn error(text: &str) -> String {
        let ClassicError { message, help } = Pattern::parse(text).expect_err(text);
        format!("{message}: {help}")
    }

    #[test]
    fn both_notations_are_read() {
        assert_eq!(
            expressions("main.(*T).F(s.name=(*+0(%ax)):c64, n=(+8(%ax)):s64)"),
            ["s.name = mem(u64(reg.ax), 8)", "n = s64(reg.ax + 8)"]
        );
        assert_eq!(
            expressions(
                "pkg.(*Mutex).tryAcquire(pfx=+0(+8(%ax)):c512, n=+16(%ax):u64, id=16(0(%ax)):u64)"
            ),
            [
                "pfx = mem(u64(reg.ax + 8), 64)",
                "n = u64(reg.ax + 16)",
                "id = u64(u64(reg.ax) + 16)"
            ]
        );
    }

    #[test]
    fn places_and_types() {
        for (classic, expected) in [
            ("%ax:u64", "reg.ax"),
            ("(%ax):s64", "int64(reg.ax)"),
            ("(%rbx):u8", "uint8(reg.bx)"),
            ("((%r10)):s32", "int32(reg.r10)"),
            ("-8(%sp):u16", "u16(reg.sp - 8)"),
            ("(+8(*+16(%cx))):s8", "s8(u64(reg.cx + 16) + 8)"),
            ("*+8(*+16(%cx)):c8", "mem(u64(u64(reg.cx + 16) + 8), 1)"),
            ("*+8(+16(%cx)):u64", "u64(u64(reg.cx + 16 + 8))"),
            (" ( + 8 ( %ax ) ) : c16", "mem(reg.ax + 8, 2)"),
        ] {
            assert_eq!(one(&classic.replace("+ 8", "+8")), expected, "{classic}");
        }
    }

    #[test]
    fn names_without_lists_stay_as_they_are() {
        for text in [
            "main.F",
            "main.(*T).F",
            "*handleBar",
            "",
            ")",
            "main.F)",
            "a(b",
        ] {
            let pattern = Pattern::parse(text).expect("no list");
            assert_eq!(pattern.functions, text);
            assert_eq!(pattern.arguments, []);
        }
        let empty = Pattern::parse("main.F( )").expect("an empty list");
        assert_eq!((empty.functions, empty.arguments.len()), ("main.F", 0));
    }

    #[test]
    fn mistakes_are_named() {
        insta::assert_snapshot!(
            [
                "(n=(%ax):s64)",
                "main.F(n)",
                "main.F(n=%ax)",
                "main.F(=%ax:u64)",
                "main.F(n=%ax:u64,)",
                "main.F(n=8:u64)",
                "main.F(n=x(%ax):u64)",
                "main.F(n=99999999999(%ax):u64)",
                "main.F(n=+8%ax:u64)",
                "main.F(n=%xx:u64)",
                "main.F(n=%ax:u65)",
                "main.F(n=%ax:f64)",
                "main.F(n=%ax:)",
                "main.F(n=+0(%ax):c7)",
                "main.F(n=+0(%ax):c8192)",
                "main.F(n=(%ax):c64)",
                "main.F(n=1(1(1(1(1(1(1(1(1(%ax))))))))):u64)",
            ]
            .map(error)
            .join("\n"),
            @"
        `(n=(%ax):s64)`: there is no function before the parenthesis: write it as main.F(n=(%ax):s64)
        `n` is no register expression: write a name, where it is and its type, as in n=(+8(%ax)):s64
        `n=%ax` is no register expression: write a name, where it is and its type, as in n=(+8(%ax)):s64
        `=%ax:u64` is no register expression: write a name, where it is and its type, as in n=(+8(%ax)):s64
        something is missing between two commas, or after the last one: write a name, where it is and its type, as in n=(+8(%ax)):s64
        `8` in `n=8:u64` is no place: places are registers and offsets around them: (%ax), (+8(%ax)), (*+0(%ax)), +0(+8(%ax))
        `x(%ax)` in `n=x(%ax):u64` is no place: places are registers and offsets around them: (%ax), (+8(%ax)), (*+0(%ax)), +0(+8(%ax))
        `99999999999(%ax)` in `n=99999999999(%ax):u64` is no place: places are registers and offsets around them: (%ax), (+8(%ax)), (*+0(%ax)), +0(+8(%ax))
        `+8%ax` in `n=+8%ax:u64` is no place: places are registers and offsets around them: (%ax), (+8(%ax)), (*+0(%ax)), +0(+8(%ax))
        there is no register `%xx`: the integer arguments of Go are in %ax %bx %cx %di %si %r8 %r9 %r10 %r11
        unknown type `u65` in `n=%ax:u65`: the types are u8 u16 u32 u64, s8 s16 s32 s64, and characters: c8 for one, c16 for two, to c4096
        unknown type `f64` in `n=%ax:f64`: the types are u8 u16 u32 u64, s8 s16 s32 s64, and characters: c8 for one, c16 for two, to c4096
        unknown type `` in `n=%ax:`: the types are u8 u16 u32 u64, s8 s16 s32 s64, and characters: c8 for one, c16 for two, to c4096
        unknown type `c7` in `n=+0(%ax):c7`: the types are u8 u16 u32 u64, s8 s16 s32 s64, and characters: c8 for one, c16 for two, to c4096
        unknown type `c8192` in `n=+0(%ax):c8192`: the types are u8 u16 u32 u64, s8 s16 s32 s64, and characters: c8 for one, c16 for two, to c4096
        `n=(%ax):c64` takes characters from a register: characters are in memory: n=(+0(%ax)):c64
        `1(1(1(1(1(1(1(1(1(%ax)))))))))` has more than 8 offsets in one another: leave some out
        "
        );
    }
}
