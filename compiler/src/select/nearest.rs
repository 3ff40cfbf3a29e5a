//! "Did you mean" for functions and packages: those of an executable nearest to a name that does not exist.

use rayon::prelude::*;

use crate::{
    diagnostics::did_you_mean::{allowed, distance, nearest_word},
    resolve::glob::plain,
};

/// Functions whose whole names are compared, after their last elements were.
const CANDIDATES: usize = 4096;

/// The function names most like `pattern`, best first, each once.
///
/// People mistype the last element of a name or forget the package, so the last elements are compared first; the whole name decides
/// among equals. Names whose last element is too long or too short are not compared at all, which keeps 100,000 names fast. Of a
/// pattern that ends in `*` a name's beginning is enough.
#[must_use]
pub(crate) fn nearest_functions<'a>(pattern: &str, names: &[&'a str], most: usize) -> Vec<&'a str> {
    let whole = ending_in(pattern, names);
    if !whole.is_empty() {
        return whole.into_iter().take(most).collect();
    }
    let same = instances(pattern, names);
    if !same.is_empty() {
        return same.into_iter().take(most).collect();
    }
    let wanted: String = plain(pattern)
        .chars()
        .filter(|c| !matches!(c, '*' | '?'))
        .collect::<String>()
        .to_lowercase();
    let open = pattern.ends_with('*');
    let last = last_element(&wanted);
    if last.is_empty() {
        return Vec::new();
    }
    let mut ranked: Vec<(usize, &'a str)> = names
        .par_iter()
        .filter(|name| !is_made_by_the_linker(name))
        .filter_map(|name| Some((rank(last, last_element(&plain(name)), open)?, *name)))
        .collect();
    ranked.sort_unstable();
    ranked.dedup();
    if ranked.first().is_some_and(|(rank, _)| *rank == 0) {
        ranked.retain(|(rank, _)| *rank == 0);
    }
    ranked.truncate(CANDIDATES);
    let mut ranked: Vec<(usize, usize, &'a str)> = ranked
        .into_par_iter()
        .filter_map(|(rank, name)| {
            let plain = plain(name);
            let distance = distance(&wanted, &plain.to_lowercase());
            // Where it says more than a last element, that has to be like something too.
            let is_near =
                wanted.len() == last.len() || 5 * distance <= 3 * plain.len().max(wanted.len());
            is_near.then_some((rank, distance, name))
        })
        .collect();
    ranked.sort_unstable();
    let best = ranked.first().map_or(0, |(_, distance, _)| *distance);
    ranked
        .into_iter()
        .filter(|(_, distance, _)| *distance <= 2 * best + 2)
        .take(most)
        .map(|(_, _, name)| name)
        .collect()
}

/// The names that `pattern` is the end of, from an element of the path on: `example.com/shop/store.Get` of `store.Get`.
fn ending_in<'a>(pattern: &str, names: &[&'a str]) -> Vec<&'a str> {
    if pattern.is_empty() || pattern.replace("(*", "").contains(['*', '?']) {
        return Vec::new();
    }
    let ends = |name: &str| {
        let folders = name.strip_suffix(pattern);
        folders.is_some_and(|folders| folders.ends_with('/'))
    };
    let mut found: Vec<&'a str> = names
        .par_iter()
        .filter(|name| ends(name) || name.contains("%2e") && ends(&name.replace("%2e", ".")))
        .copied()
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// The package path that a pattern over a whole package (`strngs.*`, `net/htp/...`, `net/htp*`) probably means. `None` where the
/// package that it names is there, or none is near.
#[must_use]
pub(crate) fn nearest_package<'a>(
    pattern: &str,
    packages: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let path = pattern.strip_suffix("/...").or_else(|| {
        let whole = pattern.strip_suffix('*')?;
        let dot = whole.rfind('.').filter(|dot| !whole[*dot..].contains('/'));
        match dot {
            Some(dot) if dot + 1 == whole.len() => Some(&whole[..dot]),
            Some(_) => None,
            None => Some(whole),
        }
    })?;
    let nearest = nearest_word(path, packages)?;
    (nearest != path).then_some(nearest)
}

/// Lower is nearer; `None` where the two have nothing to do with each other. `wanted` is in lower case.
fn rank(wanted: &str, candidate: &str, open: bool) -> Option<usize> {
    /// Holds the wanted word.
    const HOLDS: usize = 100;
    let slips = allowed(wanted.len());
    let too_far = wanted.len().abs_diff(candidate.len()) > slips;
    let longer = wanted.len() >= 4 && candidate.len() > wanted.len();
    if too_far && !longer {
        return None;
    }
    let candidate = candidate.to_lowercase();
    if candidate == wanted {
        return Some(0);
    }
    let near = |candidate: &str| Some(distance(wanted, candidate)).filter(|found| *found <= slips);
    let whole = if too_far { None } else { near(&candidate) };
    let beginning = || {
        let ends = [wanted.len() - 1, wanted.len(), wanted.len() + 1];
        ends.iter()
            .filter_map(|end| near(candidate.get(..*end)?))
            .min()
    };
    whole
        .or_else(|| if open && longer { beginning() } else { None })
        .or_else(|| {
            let holds = longer && candidate.len() <= 2 * wanted.len() && candidate.contains(wanted);
            holds.then_some(HOLDS)
        })
}

/// The functions that `pattern` names if its type arguments are left out of account: `main.Map[go.shape.int]` of `main.Map[int]`.
#[must_use]
pub(crate) fn instances<'a>(pattern: &str, names: &[&'a str]) -> Vec<&'a str> {
    if !pattern.contains('[') {
        return Vec::new();
    }
    let wanted = plain(pattern);
    let mut found: Vec<&'a str> = names
        .par_iter()
        .filter(|name| plain(name) == wanted)
        .copied()
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// `net/http.(*conn).serve` → `serve`
fn last_element(name: &str) -> &str {
    name.rsplit(['.', '/']).next().unwrap_or(name)
}

/// Equality and hash functions of types, and the linker's own marks: nobody means these.
fn is_made_by_the_linker(name: &str) -> bool {
    ["type:", "type.", "go:", "go."]
        .iter()
        .any(|prefix| name.starts_with(prefix) && !name.starts_with("go.uber.org/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions() {
        let names = [
            "main.handleBar",
            "main.handleFoo",
            "net/http.(*conn).serve",
            "net/http.(*Server).Serve",
            "main.main",
            "other.HandleBar",
            "type..eq.net.SRV",
            "gopkg.in/yaml%2ev3.serve",
        ];
        let nearest = |pattern| nearest_functions(pattern, &names, 3);
        assert_eq!(nearest("main.hadleBar"), ["main.handleBar"]);
        assert_eq!(nearest("handlebar"), ["main.handleBar", "other.HandleBar"]);
        assert_eq!(
            nearest("http.serve"),
            ["net/http.(*conn).serve", "net/http.(*Server).Serve"]
        );
        assert_eq!(
            nearest("net/http.(*con).serv"),
            ["net/http.(*conn).serve", "net/http.(*Server).Serve"]
        );
        assert_eq!(
            nearest("main.hadle*"),
            ["main.handleBar", "main.handleFoo", "other.HandleBar"]
        );
        assert_eq!(nearest("http.(*conn).serve"), ["net/http.(*conn).serve"]);
        assert_eq!(nearest("yaml.v3.serve"), ["gopkg.in/yaml%2ev3.serve"]);
        assert!(nearest("*/internal/serve").is_empty());
        assert_eq!(nearest("main")[0], "main.main");
        assert!(nearest("*").is_empty());
        assert!(nearest("completely.different").is_empty());
    }

    /// Issue 9, case generic-method-patterns.
    #[test]
    fn instances_are_nearest() {
        let names = [
            "main.(*Box[go.shape.int]).Map[go.shape.string]",
            "main.(*Box[go.shape.int]).Plain",
            "main.Box[go.shape.int].Pair[go.shape.int]",
            "main.Map[go.shape.int,go.shape.string]",
        ];
        let nearest = |pattern| nearest_functions(pattern, &names, 3);
        assert_eq!(nearest("main.(*Box[int]).Map[string]"), [names[0]]);
        assert_eq!(nearest("main.(*Box[int]).Map"), [names[0]]);
        assert_eq!(nearest("main.Map[int,string]"), [names[3]]);
        assert_eq!(nearest("main.(*Box[...]).Plian"), [names[1]]);
        assert_eq!(nearest("main.(*Bax[...]).Map"), [names[0], names[3]]);
    }

    #[test]
    fn packages() {
        let nearest = |pattern| nearest_package(pattern, ["main", "net/http", "strings"]);
        assert_eq!(nearest("strngs.*"), Some("strings"));
        assert_eq!(nearest("net/htp/..."), Some("net/http"));
        assert_eq!(nearest("net/htp*"), Some("net/http"));
        assert_eq!(nearest("net/http.nothing*"), None);
        assert_eq!(nearest("net/http.*"), None);
        assert_eq!(nearest("main.f"), None);
    }
}
