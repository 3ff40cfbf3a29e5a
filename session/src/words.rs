//! Words that a person can paste.

use std::borrow::Cow;

/// A word as a shell takes it, to be typed or pasted.
#[must_use]
pub fn typed(word: &str) -> String {
    let quoted = shlex::try_quote(word).map_or_else(|_| word.into(), Cow::into_owned);
    render::escape(&quoted).into_owned()
}
