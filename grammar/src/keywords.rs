//! The words of the language, for suggestions: `gfg.pest` decides what they mean (a test holds the two together).

/// Items of this version.
pub const ITEMS: &[&str] = &[
    "trace", "target", "set", "param", "config", "every", "begin", "end",
];

/// Items of the language that this version does not have.
pub const LATER_ITEMS: &[&str] = &["import", "macro"];

/// Clauses of this version.
pub const CLAUSES: &[&str] = &[
    "include",
    "exclude",
    "depth",
    "min",
    "max",
    "prune",
    "pid",
    "comm",
    "goroutine",
    "sample",
    "limit",
    "for",
    "stack",
    "where",
    "args",
    "ret",
    "until",
    "count",
    "sum",
    "avg",
    "stats",
    "hist",
    "lhist",
    "print",
];

/// Clauses of the language that this version reads as [`crate::ast::ClauseKind::Unknown`].
pub const LATER_CLAUSES: &[&str] = &["blocked", "follow", "output"];

/// Actions of hooks.
pub const ACTIONS: &[&str] = &["print", "show", "clear"];

/// The items of this version in words.
pub(crate) fn items() -> String {
    match ITEMS.split_last() {
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}

/// A setting of `config`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SettingWords {
    /// Its name.
    pub name: &'static str,
    /// What it takes, with its article.
    pub takes: &'static str,
    /// One that is in order.
    pub example: &'static str,
}

/// Settings of this version. What they mean is the compiler's business, and so is what is said of a value that is not what they take.
pub const SETTINGS: &[SettingWords] = &[
    SettingWords {
        name: "budget",
        takes: "a percentage of one core or `off`",
        example: "budget = 5%",
    },
    SettingWords {
        name: "compensate",
        takes: "`on` or `off`",
        example: "compensate = on",
    },
    SettingWords {
        name: "string",
        takes: "a number of bytes from 0 to 512",
        example: "string = 64",
    },
    SettingWords {
        name: "elements",
        takes: "a number from 0 to 32",
        example: "elements = 4",
    },
    SettingWords {
        name: "pointers",
        takes: "a number from 0 to 4",
        example: "pointers = 1",
    },
];

/// The setting called `name`.
#[must_use]
pub fn setting(name: &str) -> Option<&'static SettingWords> {
    SETTINGS.iter().find(|setting| setting.name == name)
}

/// Whether the word can be a pattern in quotes only.
pub fn is_reserved(word: &str) -> bool {
    [ITEMS, LATER_ITEMS, CLAUSES, LATER_CLAUSES]
        .iter()
        .any(|list| list.contains(&word))
}

/// The candidate that `word` was probably meant to be: one slip of the hand away, two where the word is long, letter case aside.
pub fn nearest<'a>(word: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let length = word.chars().count();
    if length > 24 {
        return None;
    }
    let word = word.to_lowercase();
    let allowed = if length <= 3 { 1 } else { 2 };
    candidates
        .iter()
        .map(|candidate| (strsim::damerau_levenshtein(&word, candidate), *candidate))
        .filter(|(distance, candidate)| *distance <= allowed && *distance + 1 < candidate.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parser::{Gfg, Rule};
    use pest::Parser as _;

    #[test]
    fn the_grammar_knows_the_same_words() {
        for (rule, lists) in [
            (Rule::item_word, [ITEMS, LATER_ITEMS]),
            (Rule::supported_word, [CLAUSES, &[]]),
            (Rule::later_word, [LATER_CLAUSES, &[]]),
        ] {
            for word in lists.concat() {
                assert!(Gfg::parse(rule, word).is_ok(), "{word}");
                assert!(Gfg::parse(Rule::reserved, word).is_ok(), "{word}");
                assert!(Gfg::parse(rule, &format!("{word}x")).is_err(), "{word}x");
            }
        }
    }

    #[test]
    fn every_clause_of_this_version_has_a_rule_of_its_own() {
        for word in CLAUSES {
            let source = format!("trace main.f < {word} 1/2 >");
            let errors = crate::parse(&source).errors;
            let unknown = crate::parse(&format!("trace main.f < {word}x 1/2 >")).errors;
            let own = errors.len()
                + usize::from(
                    [
                        "include", "exclude", "sample", "where", "args", "ret", "until",
                    ]
                    .contains(word),
                );
            assert_eq!(own, 1, "{word}");
            assert_eq!(unknown, [], "{word}x");
        }
    }

    #[test]
    fn every_setting_is_written_as_its_example_says() {
        for setting in SETTINGS {
            let parsed = crate::parse(&format!("config {{ {} }}", setting.example));
            assert_eq!(parsed.errors, [], "{}", setting.name);
            let [crate::ast::Item::Config(config)] = parsed.program.items.as_slice() else {
                panic!("{:?}", parsed.program);
            };
            assert_eq!(config.settings[0].name.node, setting.name);
        }
    }

    #[test]
    fn the_nearest_word_is_one_slip_away() {
        assert_eq!(nearest("trce", ITEMS), Some("trace"));
        assert_eq!(nearest("TRACE", ITEMS), Some("trace"));
        assert_eq!(nearest("tarce", ITEMS), Some("trace"));
        assert_eq!(nearest("sett", ITEMS), Some("set"));
        assert_eq!(nearest("incldue", CLAUSES), Some("include"));
        assert_eq!(nearest("deph", CLAUSES), Some("depth"));
        assert_eq!(nearest("confg", ITEMS), Some("config"));
        assert_eq!(nearest("xyz", CLAUSES), None);
        assert_eq!(nearest("", CLAUSES), None);
        assert_eq!(nearest(&"trace".repeat(9), ITEMS), None);
    }
}
