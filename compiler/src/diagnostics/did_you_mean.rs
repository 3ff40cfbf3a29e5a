//! "Did you mean": the word of a list nearest to one that is not in it.

/// The word of a short list that `word` was probably meant to be.
#[must_use]
pub(crate) fn nearest_word<'a>(
    word: &str,
    words: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let word = word.to_lowercase();
    words
        .into_iter()
        .map(|candidate| (distance(&word, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= allowed(word.len().max(candidate.len())))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Edits from one word to the other; two letters changed about count once.
pub(crate) fn distance(one: &str, other: &str) -> usize {
    strsim::osa_distance(one, other)
}

/// Edits that still count as a slip in a word of `length` bytes.
pub(crate) fn allowed(length: usize) -> usize {
    match length {
        0..=2 => 0,
        3..=5 => 1,
        6..=8 => 2,
        _ => length / 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        assert_eq!(
            nearest_word("inclde", ["include", "exclude"]),
            Some("include")
        );
        assert_eq!(nearest_word("Min", ["min", "max"]), Some("min"));
        assert_eq!(nearest_word("frobnicate", ["include", "exclude"]), None);
    }
}
