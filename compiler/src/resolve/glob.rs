//! Patterns over Go symbol names.
//!
//! Not shell globs: `*` crosses slashes, the star of `(*T)` is Go's, `[...]` stands for type arguments, and `.` is also the `%2e` that
//! the linker writes for a dot in a package path's last element. A pattern without `[` never looks into type arguments, so `main.Map`
//! finds every instance of `main.Map[…]`, and `*log*` does not find a function for having a type argument from package `log`. A pattern
//! with `[` leaves out what it likes too: `main.(*Box[...]).Map` is every instance of a generic method.

use std::borrow::Cow;

/// Stands for the linker's `%2e` in names prepared for matching; no name holds a NUL of its own.
const ESCAPED_DOT: u8 = 0;

/// A compiled pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob {
    tokens: Vec<Token>,
    /// Literal bytes that every match ends with: most names fail here at once.
    suffix: Vec<u8>,
    type_arguments: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    /// This byte; `.` also takes an escaped dot.
    Byte(u8),
    /// `?`
    AnyCharacter,
    /// `*`
    AnyRun,
    /// `[...]`: a balanced pair of brackets and what is in it.
    TypeArguments,
    /// The same, or nothing: where a pattern names what may be generic and does not say of what types.
    MaybeTypeArguments,
    /// What follows a package path in a symbol name: `.` or `/`, never an escaped dot.
    AfterPackage,
}

/// What is wrong with a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GlobError {
    /// Nothing between the quotes.
    Empty,
    /// `...` that is neither a `/...` at the end nor a `[...]`.
    Dots,
    /// A bracket without its partner.
    Brackets,
    /// It ends in `)`, as the original command line's argument lists do; no Go function's name does.
    ArgumentList,
}

impl Glob {
    /// Compiles a pattern over function names.
    ///
    /// # Errors
    /// See [`GlobError`].
    pub fn new(pattern: &str) -> Result<Self, GlobError> {
        if pattern.is_empty() {
            return Err(GlobError::Empty);
        }
        if pattern.ends_with(')') {
            return Err(GlobError::ArgumentList);
        }
        let (body, below) = match pattern.strip_suffix("/...") {
            Some("") => return Err(GlobError::Dots),
            Some(package) => (package, true),
            None => (pattern, false),
        };
        if body.replace("[...]", "").contains("...") {
            return Err(GlobError::Dots);
        }
        let unbalanced = body.bytes().try_fold(0_u32, |depth, byte| match byte {
            b'[' => Some(depth + 1),
            b']' => depth.checked_sub(1),
            _ => Some(depth),
        });
        if unbalanced != Some(0) {
            return Err(GlobError::Brackets);
        }
        let body = decode(body.as_bytes());
        let mut tokens = Vec::with_capacity(body.len() + 2);
        let mut rest: &[u8] = &body;
        let (mut after_parenthesis, mut depth) = (false, 0_usize);
        let has_type_arguments = body.contains(&b'[');
        while let Some((&byte, tail)) = rest.split_first() {
            rest = tail;
            if has_type_arguments && depth == 0 && matches!(byte, b'.' | b')') {
                leave_out(&mut tokens);
            }
            let token = match byte {
                b'*' if !after_parenthesis => Token::AnyRun,
                b'?' => Token::AnyCharacter,
                b'[' => match rest.strip_prefix(b"...]") {
                    Some(tail) => {
                        rest = tail;
                        Token::TypeArguments
                    }
                    None => {
                        depth += 1;
                        Token::Byte(b'[')
                    }
                },
                b']' => {
                    depth -= 1;
                    Token::Byte(b']')
                }
                byte => Token::Byte(byte),
            };
            after_parenthesis = byte == b'(';
            if token != Token::AnyRun || tokens.last() != Some(&Token::AnyRun) {
                tokens.push(token);
            }
        }
        if has_type_arguments && !below {
            leave_out(&mut tokens);
        }
        if below {
            tokens.extend([Token::AfterPackage, Token::AnyRun]);
        }
        Ok(Self::from_tokens(tokens, has_type_arguments))
    }

    /// Compiles a pattern over file paths: only `*` and `?` are special.
    #[must_use]
    pub fn file(pattern: &str) -> Self {
        let tokens = pattern
            .bytes()
            .map(|byte| match byte {
                b'*' => Token::AnyRun,
                b'?' => Token::AnyCharacter,
                byte => Token::Byte(byte),
            })
            .collect();
        Self::from_tokens(tokens, false)
    }

    fn from_tokens(tokens: Vec<Token>, type_arguments: bool) -> Self {
        let mut suffix: Vec<u8> = tokens
            .iter()
            .rev()
            .map_while(|token| match token {
                Token::Byte(byte) => Some(*byte),
                _ => None,
            })
            .collect();
        suffix.reverse();
        Self {
            tokens,
            suffix,
            type_arguments,
        }
    }

    /// True if it names exactly one function, type arguments aside.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        !self.tokens.iter().any(|token| {
            matches!(
                token,
                Token::AnyRun | Token::AnyCharacter | Token::AfterPackage
            )
        })
    }

    /// True if the function called `name` is meant.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        let name = decode(name.as_bytes());
        if self.type_arguments {
            self.accepts(&name)
        } else {
            self.accepts(&without_type_arguments(&name))
        }
    }

    /// True if the file at `path` is meant: the pattern covers the whole path or its last elements.
    #[must_use]
    pub fn matches_path(&self, path: &str) -> bool {
        let path = path.as_bytes();
        self.accepts(path)
            || path
                .iter()
                .enumerate()
                .filter(|(_, byte)| **byte == b'/')
                .any(|(slash, _)| path.get(slash + 1..).is_some_and(|tail| self.accepts(tail)))
    }

    /// Matches the whole of `name`.
    fn accepts(&self, name: &[u8]) -> bool {
        let Some(tail_start) = name.len().checked_sub(self.suffix.len()) else {
            return false;
        };
        let tail = name.get(tail_start..).unwrap_or_default();
        if !self
            .suffix
            .iter()
            .zip(tail)
            .all(|(&expected, &found)| byte_matches(expected, found))
        {
            return false;
        }
        let nests = |token| matches!(token, &Token::TypeArguments | &Token::MaybeTypeArguments);
        if self.tokens.iter().any(nests) {
            self.accepts_anywhere(name)
        } else {
            self.accepts_leftmost(name)
        }
    }

    /// Matches each piece between runs where it first fits. On a mismatch the last run grows by one byte; earlier runs never need to.
    fn accepts_leftmost(&self, name: &[u8]) -> bool {
        let (mut token, mut at) = (0, 0);
        let mut last_run: Option<(usize, usize)> = None;
        loop {
            let step = match self.tokens.get(token) {
                Some(Token::AnyRun) => {
                    last_run = Some((token, at));
                    Some(0)
                }
                Some(token) => token.consumes(name.get(at..).unwrap_or_default()),
                None if at == name.len() => return true,
                None => None,
            };
            match (step, last_run) {
                (Some(length), _) => {
                    token += 1;
                    at += length;
                }
                (None, Some((run, start))) if start < name.len() => {
                    last_run = Some((run, start + 1));
                    token = run + 1;
                    at = start + 1;
                }
                (None, _) => return false,
            }
        }
    }

    /// Follows all ways to match at once: where brackets are nested, the piece that fits first may end later than another.
    fn accepts_anywhere(&self, name: &[u8]) -> bool {
        let mut places = vec![0];
        for token in &self.tokens {
            places = match (token, places.first()) {
                (_, None) => return false,
                (Token::AnyRun, Some(first)) => (*first..=name.len()).collect(),
                (token, Some(_)) => {
                    let consume = |at: &usize| Some(at + token.consumes(name.get(*at..)?)?);
                    let mut next: Vec<usize> = places.iter().filter_map(consume).collect();
                    if *token == Token::MaybeTypeArguments {
                        next.append(&mut places);
                    }
                    let mut places = next;
                    places.sort_unstable();
                    places.dedup();
                    places
                }
            };
        }
        places.last() == Some(&name.len())
    }
}

impl Token {
    /// How many bytes at the start of `rest` it takes; `None` where it does not match. Not for runs.
    fn consumes(self, rest: &[u8]) -> Option<usize> {
        let (&first, tail) = rest.split_first()?;
        match self {
            Self::Byte(expected) => byte_matches(expected, first).then_some(1),
            Self::AnyCharacter => {
                let continuation = tail.iter().take_while(|byte| (0x80..0xc0).contains(*byte));
                Some(
                    1 + if first >= 0xc0 {
                        continuation.count()
                    } else {
                        0
                    },
                )
            }
            Self::AfterPackage => matches!(first, b'.' | b'/').then_some(1),
            Self::TypeArguments | Self::MaybeTypeArguments => {
                let mut depth = 0_u32;
                rest.iter()
                    .position(|byte| {
                        match byte {
                            b'[' => depth += 1,
                            b']' => depth = depth.saturating_sub(1),
                            _ => {}
                        }
                        depth == 0
                    })
                    .filter(|_| first == b'[')
                    .map(|end| end + 1)
            }
            Self::AnyRun => None,
        }
    }
}

/// What ends here may be generic, if it is a name and says nothing of types.
fn leave_out(tokens: &mut Vec<Token>) {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80;
    if matches!(tokens.last(), Some(Token::Byte(byte)) if is_name(*byte)) {
        tokens.push(Token::MaybeTypeArguments);
    }
}

fn byte_matches(expected: u8, found: u8) -> bool {
    expected == found || (expected == b'.' && found == ESCAPED_DOT)
}

/// Undoes the linker's escapes (`cmd/internal/objabi.PathToPrefix`, Go 1.27): `%2e` becomes [`ESCAPED_DOT`], `%xx` its byte.
fn decode(name: &[u8]) -> Cow<'_, [u8]> {
    if !name.contains(&b'%') {
        return Cow::Borrowed(name);
    }
    let mut out = Vec::with_capacity(name.len());
    let mut rest = name;
    while let Some((&byte, tail)) = rest.split_first() {
        // What is escaped may have been escaped already: see `Executable::source_name`.
        let digits = match tail {
            [b'2', b'5', high, low, ..] if hex(*high).and(hex(*low)).is_some() => tail.get(2..),
            _ => Some(tail),
        };
        let escaped = match digits {
            Some([high, low, after @ ..]) if byte == b'%' => hex(*high)
                .zip(hex(*low))
                .map(|(high, low)| (high << 4 | low, after)),
            _ => None,
        };
        match escaped {
            Some((decoded, after)) => {
                out.push(if decoded == b'.' {
                    ESCAPED_DOT
                } else {
                    decoded
                });
                rest = after;
            }
            None => {
                out.push(byte);
                rest = tail;
            }
        }
    }
    Cow::Owned(out)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

/// A name as Go source writes it, without type arguments.
pub(crate) fn plain(name: &str) -> Cow<'_, str> {
    let name = match gobinary::Executable::source_name(name) {
        Cow::Borrowed(name) => without_type_arguments(name.as_bytes()),
        Cow::Owned(name) => Cow::Owned(without_type_arguments(name.as_bytes()).into_owned()),
    };
    match name {
        Cow::Borrowed(bytes) => String::from_utf8_lossy(bytes),
        Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
    }
}

/// `main.(*Cache[go.shape.int]).Get` → `main.(*Cache).Get`
fn without_type_arguments(name: &[u8]) -> Cow<'_, [u8]> {
    if !name.contains(&b'[') {
        return Cow::Borrowed(name);
    }
    let mut depth = 0_u32;
    let mut out = Vec::with_capacity(name.len());
    for &byte in name {
        match byte {
            b'[' => depth += 1,
            b']' => depth = depth.saturating_sub(1),
            _ if depth == 0 => out.push(byte),
            _ => {}
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, name: &str) -> bool {
        Glob::new(pattern).unwrap().matches(name)
    }

    #[test]
    fn runs_cross_slashes_and_dots() {
        assert!(matches("net/http*", "net/http.(*conn).serve"));
        assert!(matches("net/http*", "net/http/httptest.NewServer"));
        assert!(matches("*handleBar", "main.handleBar"));
        assert!(matches("*/internal/log*", "example/internal/log.Debug"));
        assert!(!matches("*handleBar", "main.handleBar.func1"));
        assert!(matches("*", "anything.at/all"));
        assert!(matches("a*b*c", "aXbYbc"));
        assert!(!matches("a*b*c", "aXbYcb"));
        assert!(matches("main.?", "main.f"));
        assert!(matches("main.?", "main.é"));
        assert!(!matches("main.?", "main.ff"));
        assert!(matches("main.f**", "main.f"));
    }

    #[test]
    fn the_star_after_a_parenthesis_is_gos() {
        assert!(matches("net/http.(*conn).serve", "net/http.(*conn).serve"));
        assert!(!matches("net/http.(*).serve", "net/http.(*conn).serve"));
        assert!(matches("net/http.(**).serve", "net/http.(*conn).serve"));
        assert!(matches("net/http.(*c*).s*", "net/http.(*conn).serve"));
    }

    #[test]
    fn below_a_package() {
        assert!(matches("net/http/...", "net/http.(*conn).serve"));
        assert!(matches(
            "net/http/...",
            "net/http/internal.NewChunkedReader"
        ));
        assert!(!matches("net/http/...", "net/httputil.X"));
        assert!(matches("*/internal/...", "example/internal/log.Debug"));
        assert!(!matches(
            "gopkg.in/yaml/...",
            "gopkg.in/yaml%2ev3.Unmarshal"
        ));
        assert!(matches(
            "gopkg.in/yaml.v3/...",
            "gopkg.in/yaml%2ev3.Unmarshal"
        ));
    }

    #[test]
    fn type_arguments() {
        let instance = "main.Map[go.shape.int,go.shape.[]string]";
        assert!(matches("main.Map", instance));
        assert!(matches("main.Map[...]", instance));
        assert!(matches("main.Map[...]", "main.Map[...]"));
        assert!(!matches("main.Map[...]", "main.Map"));
        assert!(matches("main.Map[go.shape.int,*]", instance));
        assert!(!matches("main.Map[go.shape.string,*]", instance));
        assert!(matches(
            "main.(*Cache[...]).Get",
            "main.(*Cache[go.shape.struct { X [2]int }]).Get"
        ));
        assert!(matches(
            "main.(*Cache).Get",
            "main.(*Cache[go.shape.int]).Get"
        ));
        assert!(matches("main.Map[...].func1", "main.Map[...].func1"));
        // Issue 9, case generic-method-patterns.
        let method = "main.(*Box[go.shape.int]).Map[go.shape.[]example/a%2eb.T]";
        for pattern in [
            "main.(*Box).Map",
            "main.(*Box[...]).Map[...]",
            "main.(*Box[...]).Map",
            "main.(*Box[go.shape.int]).Map",
            "main.(*Box).Map[...]",
            "main.(*Box[go.shape.int]).Map[go.shape.[]example/a.b.T]",
            "main.(*Box[*]).M*",
            "*.Map[...]",
        ] {
            assert!(matches(pattern, method), "{pattern}");
        }
        for pattern in [
            "main.(*Box[go.shape.string]).Map",
            "main.(*Bo).Map[...]",
            "main.Box.Map[...]",
        ] {
            assert!(!matches(pattern, method), "{pattern}");
        }
        assert!(matches(
            "main.Box.Pair[...]",
            "main.Box[go.shape.int].Pair[go.shape.int]"
        ));
        assert!(matches(
            "main.Map[...].func1",
            "main.Map[go.shape.int].func1"
        ));
        assert!(matches("main.(*Box[...]).Map", "main.(*Box[...]).Map[...]"));
        assert!(!matches("main.Map[...]", "main.Map.func1"));
        assert!(!matches("go.uber[...]", "go.uber.org/zap.New"));
        assert!(!matches(
            "*log*",
            "slices.SortFunc[go.shape.*example/log.Line]"
        ));
    }

    #[test]
    fn dots_of_a_package_paths_last_element() {
        assert!(matches(
            "gopkg.in/yaml.v3.Unmarshal",
            "gopkg.in/yaml%2ev3.Unmarshal"
        ));
        assert!(matches(
            "gopkg.in/yaml%2ev3.Unmarshal",
            "gopkg.in/yaml%2ev3.Unmarshal"
        ));
        assert!(!matches("a%2eb.F", "a.b.F"));
        assert!(matches("a/yaml.v3/...", "a/yaml%252ev3.F.func1"));
        assert!(matches("a/yaml.v3.F.func1", "a/yaml%252ev3.F.func1"));
        assert!(!matches("a/yaml/...", "a/yaml%252ev3.F.func1"));
        assert!(matches(
            "example.com/größe.F",
            "example.com/gr%c3%b6%c3%9fe.F"
        ));
        assert!(matches("100%", "100%"));
    }

    #[test]
    fn mistakes() {
        for (pattern, error) in [
            ("", GlobError::Empty),
            ("/...", GlobError::Dots),
            ("...", GlobError::Dots),
            ("net/.../http", GlobError::Dots),
            ("net...", GlobError::Dots),
            ("main.Map[int", GlobError::Brackets),
            ("main.Map]int[", GlobError::Brackets),
            ("main.F(n=(+8(%ax)):s64)", GlobError::ArgumentList),
        ] {
            assert_eq!(Glob::new(pattern), Err(error), "{pattern}");
        }
    }

    #[test]
    fn files() {
        assert!(Glob::file("server.go").matches_path("/usr/lib/go/src/net/http/server.go"));
        assert!(Glob::file("http/server.go").matches_path("/usr/lib/go/src/net/http/server.go"));
        assert!(!Glob::file("erver.go").matches_path("/usr/lib/go/src/net/http/server.go"));
        assert!(Glob::file("*_unix.go").matches_path("net/fd_unix.go"));
        assert!(Glob::file("server.go").matches_path("server.go"));
    }

    #[test]
    fn exactness() {
        assert!(Glob::new("main.(*T).M").unwrap().is_exact());
        assert!(Glob::new("main.Map[...]").unwrap().is_exact());
        assert!(!Glob::new("main.*").unwrap().is_exact());
        assert!(!Glob::new("main/...").unwrap().is_exact());
    }

    /// The same by trying everything.
    fn slowly(tokens: &[Token], name: &[u8]) -> bool {
        match tokens.split_first() {
            None => name.is_empty(),
            Some((Token::MaybeTypeArguments, rest)) => {
                slowly(rest, name)
                    || Token::TypeArguments
                        .consumes(name)
                        .is_some_and(|length| slowly(rest, &name[length..]))
            }
            Some((Token::AnyRun, rest)) => {
                (0..=name.len()).any(|skipped| slowly(rest, &name[skipped..]))
            }
            Some((token, rest)) => token
                .consumes(name)
                .is_some_and(|length| slowly(rest, &name[length..])),
        }
    }

    proptest::proptest! {
        #[test]
        fn matching_is_what_trying_everything_finds(
            pattern in r"([ab.(*?]|\[\.\.\.\]|\[a\]|\*){0,8}(/\.\.\.)?",
            name in r"[ab./(*\[\]]{0,12}",
        ) {
            if let Ok(glob) = Glob::new(&pattern) {
                proptest::prop_assert_eq!(glob.accepts(name.as_bytes()), slowly(&glob.tokens, name.as_bytes()));
            }
        }
    }
}
