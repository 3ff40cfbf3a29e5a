//! "Did you mean": the names nearest to one that does not exist.

use rayon::prelude::*;

/// The word of a short list that `word` was probably meant to be.
#[must_use]
pub(crate) fn nearest_word<'a>(
    word: &str,
    words: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let word = word.to_lowercase();
    words
        .into_iter()
        .map(|candidate| {
            (
                strsim::osa_distance(&word, &candidate.to_lowercase()),
                candidate,
            )
        })
        .filter(|(distance, candidate)| *distance <= allowed(word.len().max(candidate.len())))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The function names most like `pattern`, best first, each once.
///
/// People mistype the last element of a name or forget the package, so the last elements are compared first; the whole name decides
/// among equals. Names whose last element is too long or too short are not compared at all, which keeps 100,000 names fast.
#[must_use]
pub(crate) fn nearest_functions<'a>(pattern: &str, names: &[&'a str], most: usize) -> Vec<&'a str> {
    let wanted: String = pattern
        .chars()
        .filter(|c| !matches!(c, '*' | '?'))
        .collect::<String>()
        .to_lowercase();
    let last = last_element(&wanted).to_owned();
    if last.is_empty() {
        return Vec::new();
    }
    let mut ranked: Vec<(u32, usize, &'a str)> = names
        .par_iter()
        .filter_map(|name| {
            let rank = rank(&last, last_element(name))?;
            Some((rank, 0, *name))
        })
        .collect();
    ranked.sort_unstable();
    ranked.truncate(256);
    for (_, distance, name) in &mut ranked {
        *distance = strsim::osa_distance(&wanted, &name.to_lowercase());
    }
    ranked.sort_unstable();
    ranked.dedup_by_key(|(_, _, name)| *name);
    ranked
        .into_iter()
        .take(most)
        .map(|(_, _, name)| name)
        .collect()
}

/// Lower is nearer; `None` where the two have nothing to do with each other. `wanted` is in lower case.
fn rank(wanted: &str, candidate: &str) -> Option<u32> {
    let longer = wanted.len().max(candidate.len());
    let shorter = wanted.len().min(candidate.len());
    if longer - shorter > allowed(longer) && !(wanted.len() >= 4 && candidate.len() > wanted.len())
    {
        return None;
    }
    let candidate = candidate.to_lowercase();
    if candidate == wanted {
        return Some(0);
    }
    if longer - shorter <= allowed(longer) {
        let distance = strsim::osa_distance(wanted, &candidate);
        if distance <= allowed(longer) {
            return u32::try_from(distance).ok();
        }
    }
    (wanted.len() >= 4 && candidate.contains(wanted)).then_some(100)
}

/// Edits that still count as a slip in a word of `length` bytes.
fn allowed(length: usize) -> usize {
    match length {
        0..=2 => 0,
        3..=5 => 1,
        6..=8 => 2,
        _ => length / 3,
    }
}

/// `net/http.(*conn).serve` → `serve`; type arguments do not count.
fn last_element(name: &str) -> &str {
    let name = name.split('[').next().unwrap_or(name);
    name.rsplit(['.', '/']).next().unwrap_or(name)
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

    #[test]
    fn functions() {
        let names = [
            "main.handleBar",
            "main.handleFoo",
            "net/http.(*conn).serve",
            "main.main",
            "other.HandleBar",
        ];
        assert_eq!(
            nearest_functions("main.hadleBar", &names, 3),
            ["main.handleBar", "other.HandleBar"]
        );
        assert_eq!(
            nearest_functions("handlebar", &names, 1),
            ["other.HandleBar"]
        );
        assert_eq!(
            nearest_functions("http.serve", &names, 3),
            ["net/http.(*conn).serve"]
        );
        assert!(nearest_functions("*", &names, 3).is_empty());
        assert!(nearest_functions("completely.different", &names, 3).is_empty());
    }
}
