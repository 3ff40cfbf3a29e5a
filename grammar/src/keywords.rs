//! The words of the language, for suggestions: `gfg.pest` decides what they mean (a test holds the two together).

/// Items of this version.
pub const ITEMS: &[&str] = &["trace", "target", "set", "param"];

/// Items of the language that this version does not have.
pub const LATER_ITEMS: &[&str] = &["import", "macro", "every", "begin", "end"];

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
];

/// Clauses of the language that this version reads as [`crate::ast::ClauseKind::Unknown`].
pub const LATER_CLAUSES: &[&str] = &[
    "where", "args", "ret", "blocked", "follow", "until", "count", "sum", "avg", "stats", "hist",
    "lhist", "print", "output",
];

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
