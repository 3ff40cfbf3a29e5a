//! The settings of `config`: what each means, and that none is given twice.
//!
//! A further one is a row in `grammar::keywords::SETTINGS` with what it takes, a field of [`Settings`], and a row in [`MEANINGS`].

use std::{collections::HashMap, fmt, str::FromStr};

use grammar::{
    ast::{Config, Setting, Span, ValueKind},
    keywords::{self, CLAUSES, SETTINGS, SettingWords},
};

use serde::Serialize;

use crate::{
    diagnostics::{codes, diagnostic::Diagnostic, did_you_mean::nearest_word},
    resolve::values::{self, Values},
};

/// What the program's `config` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Settings {
    /// What tracing may cost.
    pub budget: Budget,
    /// Durations are shown without what the probes inside took.
    pub compensate: bool,
    /// How much of values is captured.
    pub values: Limits,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            budget: Budget::Share(500),
            compensate: false,
            values: Limits::default(),
        }
    }
}

/// How much of values is captured. What there is beyond is shown to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// Bytes of a string, up to [`Self::MOST_STRING`].
    pub string: u16,
    /// Elements of a slice, an array, a map; up to [`Self::MOST_ELEMENTS`].
    pub elements: u8,
    /// Pointers followed, one after the other, up to [`Self::MOST_DEPTH`].
    pub depth: u8,
}

impl Limits {
    /// Half of what is captured at once.
    pub const MOST_STRING: u16 = 512;
    /// Half as many as there are items.
    pub const MOST_ELEMENTS: u8 = 32;
    /// Each asks for memory anew.
    pub const MOST_DEPTH: u8 = 4;
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            string: 64,
            elements: 4,
            depth: 1,
        }
    }
}

/// How much processor time the probes may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Budget {
    /// Any.
    Off,
    /// Of one core, in thousandths: 2,000 are two cores.
    Share(u32),
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("off"),
            Self::Share(thousandths) if thousandths.is_multiple_of(10) => {
                write!(f, "{}%", thousandths / 10)
            }
            Self::Share(thousandths) => write!(f, "{}.{}%", thousandths / 10, thousandths % 10),
        }
    }
}

/// Why a value cannot be that of a setting.
#[derive(Debug)]
enum Misfit {
    /// It is of a type that the setting does not take.
    Type,
    /// It is of the right type: what is wrong with it, and what to write instead.
    Range(&'static str, &'static str),
}

/// Takes a setting over.
type Meaning = fn(&mut Settings, &ValueKind) -> Result<(), Misfit>;

const MEANINGS: &[(&str, Meaning)] = &[
    ("budget", |settings, value| {
        settings.budget = budget(value)?;
        Ok(())
    }),
    ("compensate", |settings, value| {
        settings.compensate = switch(value)?;
        Ok(())
    }),
    ("string", |settings, value| {
        settings.values.string = up_to(
            value,
            Limits::MOST_STRING,
            "so much of one string leaves no room for anything else",
            "the maximum is 512",
        )?;
        Ok(())
    }),
    ("elements", |settings, value| {
        settings.values.elements = up_to(
            value,
            Limits::MOST_ELEMENTS,
            "there is no room for so many elements",
            "the maximum is 32",
        )?;
        Ok(())
    }),
    ("pointers", |settings, value| {
        settings.values.depth = up_to(
            value,
            Limits::MOST_DEPTH,
            "so many pointers cannot be followed at a probe",
            "the maximum is 4",
        )?;
        Ok(())
    }),
];

fn budget(value: &ValueKind) -> Result<Budget, Misfit> {
    match value {
        ValueKind::Percent(0) => Err(Misfit::Range(
            "a budget of nothing allows no probe",
            "the minimum is 0.1%; `off` removes the limit",
        )),
        ValueKind::Percent(thousandths) => Ok(Budget::Share(*thousandths)),
        ValueKind::Bool(false) => Ok(Budget::Off),
        _ => Err(Misfit::Type),
    }
}

fn switch(value: &ValueKind) -> Result<bool, Misfit> {
    match value {
        ValueKind::Bool(on) => Ok(*on),
        _ => Err(Misfit::Type),
    }
}

fn up_to<T: TryFrom<u64> + PartialOrd>(
    value: &ValueKind,
    most: T,
    wrong: &'static str,
    help: &'static str,
) -> Result<T, Misfit> {
    let ValueKind::Integer(number) = value else {
        return Err(Misfit::Type);
    };
    T::try_from(*number)
        .ok()
        .filter(|number| *number <= most)
        .ok_or(Misfit::Range(wrong, help))
}

/// `5%` or `off`, as on the command line.
impl FromStr for Budget {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let value = values::literal_of(text).ok_or(Misfit::Type);
        value
            .and_then(|value| budget(&value))
            .map_err(|misfit| match misfit {
                Misfit::Type => "give a percentage of one core, as in 5%, or off".to_owned(),
                Misfit::Range(wrong, help) => format!("{wrong}: {}", help.replace('`', "")),
            })
    }
}

/// Settings that go before those of the program.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Overrides {
    /// [`Settings::budget`]
    pub budget: Option<Budget>,
    /// [`Settings::compensate`]
    pub compensate: Option<bool>,
    /// [`Limits::string`]
    pub string: Option<u16>,
    /// [`Limits::elements`]
    pub elements: Option<u8>,
    /// [`Limits::depth`]
    pub pointers: Option<u8>,
}

impl Overrides {
    /// The settings of a run whose program says `settings`.
    #[must_use]
    pub fn over(self, settings: Settings) -> Settings {
        Settings {
            budget: self.budget.unwrap_or(settings.budget),
            compensate: self.compensate.unwrap_or(settings.compensate),
            values: Limits {
                string: self.string.unwrap_or(settings.values.string),
                elements: self.elements.unwrap_or(settings.values.elements),
                depth: self.pointers.unwrap_or(settings.values.depth),
            },
        }
    }
}

/// What all `config` items of a program say, as far as they have been looked at.
#[derive(Debug, Default)]
pub(crate) struct Configs {
    settings: Settings,
    /// Where each setting was given first.
    given: HashMap<&'static str, Span>,
}

impl Configs {
    /// Checks a further item.
    pub(crate) fn check(&mut self, config: &Config, values: &mut Values) {
        for setting in &config.settings {
            let name = setting.name.node.as_str();
            let known = keywords::setting(name).zip(
                MEANINGS
                    .iter()
                    .find(|(word, _)| *word == name)
                    .map(|(_, meaning)| meaning),
            );
            let Some((words, meaning)) = known else {
                values.diagnostics.push(unknown(setting));
                // That its parameter is not used otherwise says nothing.
                values.literal(&setting.value);
                continue;
            };
            if let Some(first) = self.given.get(words.name) {
                values.diagnostics.push(
                    Diagnostic::new(codes::SETTING_TWICE, format!("`{name}` is set twice"))
                        .at(&setting.name.span, "set again here")
                        .also_at(first, "first set here")
                        .help(format!("delete one `{name}`")),
                );
            } else {
                self.given.insert(words.name, setting.name.span.clone());
            }
            let Some((value, declared)) = values.literal(&setting.value) else {
                continue;
            };
            if let Err(misfit) = meaning(&mut self.settings, &value) {
                let diagnostic = misfitting(setting, words, &value, &misfit);
                values.diagnostics.push(match declared {
                    Some(span) => diagnostic.also_at(&span, "the parameter is declared here"),
                    None => diagnostic,
                });
            }
        }
    }

    /// What they say together.
    pub(crate) fn finish(self) -> Settings {
        self.settings
    }
}

fn unknown(setting: &Setting) -> Diagnostic {
    let name = setting.name.node.as_str();
    let names = || SETTINGS.iter().map(|setting| setting.name);
    let diagnostic = Diagnostic::new(codes::UNKNOWN_SETTING, format!("unknown setting `{name}`"))
        .at(&setting.name.span, "not a setting");
    if CLAUSES.contains(&name) {
        return diagnostic.help(format!(
            "`{name}` is a clause of a trace: trace main.handleBar < {name} … >"
        ));
    }
    diagnostic.help(match nearest_word(name, names()) {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => format!(
            "the settings are {}",
            names().collect::<Vec<_>>().join(", ")
        ),
    })
}

fn misfitting(
    setting: &Setting,
    words: &SettingWords,
    value: &ValueKind,
    misfit: &Misfit,
) -> Diagnostic {
    let SettingWords { name, takes, .. } = words;
    match misfit {
        Misfit::Type => {
            let help = match value {
                ValueKind::Integer(number) if words.example.ends_with('%') => {
                    format!("write {name} = {number}%")
                }
                _ => format!("write {}", words.example),
            };
            Diagnostic::new(codes::WRONG_TYPE, format!("`{name}` takes {takes}"))
                .at(
                    &setting.value.span,
                    format!("this is {}", values::describe(value)),
                )
                .help(help)
        }
        Misfit::Range(wrong, help) => Diagnostic::new(codes::OUT_OF_RANGE, *wrong)
            .at(&setting.value.span, format!("`{name}` takes {takes}"))
            .help(*help),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_has_a_meaning_and_its_example_is_taken() {
        let names: Vec<&str> = MEANINGS.iter().map(|(name, _)| *name).collect();
        let words: Vec<&str> = SETTINGS.iter().map(|setting| setting.name).collect();
        assert_eq!(names, words);
        for (setting, (_, meaning)) in SETTINGS.iter().zip(MEANINGS) {
            let (_, value) = setting.example.split_once(" = ").unwrap();
            let value = values::literal_of(value).unwrap();
            assert!(meaning(&mut Settings::default(), &value).is_ok());
        }
    }

    #[test]
    fn budgets_of_the_command_line() {
        for (text, budget) in [
            ("5%", Budget::Share(50)),
            ("2.5%", Budget::Share(25)),
            ("0.1%", Budget::Share(1)),
            ("150%", Budget::Share(1_500)),
            ("off", Budget::Off),
            ("false", Budget::Off),
        ] {
            assert_eq!(text.parse(), Ok(budget), "{text}");
        }
        for text in [
            "", "5", "on", "five", "-5%", "5 %", "0%", "0.01%", "5% # x", "5%\n", "$x", "\"5%\"",
            "5ms",
        ] {
            let parsed: Result<Budget, String> = text.parse();
            assert!(parsed.is_err(), "{text}: {parsed:?}");
        }
    }
}
