//! To whom a function belongs: the main module, the standard library, or another module.

use std::borrow::Cow;

use crate::Executable;
use crate::image::buildinfo::BuildInfo;
use crate::tables::function::Function;

/// To whom a function belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// The main module.
    Main,
    /// The standard library, the runtime, what it vendors, and what has no package: C code's stubs, code that the linker made.
    Std,
    /// A package in a `vendor` folder of the main module.
    Vendor,
    /// Another module.
    Dep,
}

/// Top folders of the standard library in Go 1.19 to 1.27, for executables without build information.
const STANDARD: &str = " archive arena bufio builtin bytes cmp compress container context crypto database debug embed encoding errors \
    expvar flag fmt go hash html image index internal io iter log maps math mime net os path plugin reflect regexp runtime simd slices sort \
    strconv strings structs sync syscall testing text time unicode unique unsafe uuid vendor weak ";

impl Executable {
    /// The package path in a symbol name, as it stands there (dots of its last element are `%2e`); empty where there is none.
    #[must_use]
    pub fn package(name: &str) -> &str {
        let name = ["type:.eq.", "type..eq.", "type:.hash.", "type..hash."]
            .iter()
            .find_map(|prefix| name.strip_prefix(prefix))
            .unwrap_or(name);
        // Type arguments, receivers and unnamed types hold paths of others.
        let end = name.find(['[', '(', '{', ' ', '*']).unwrap_or(name.len());
        let Some(path) = name.get(..end) else {
            return "";
        };
        let last = path.rfind('/').map_or(0, |slash| slash + 1);
        let package = path
            .get(last..)
            .and_then(|element| element.find('.'))
            .and_then(|dot| path.get(..last + dot))
            .unwrap_or_default();
        // Made by the linker, or a method promoted through an unnamed type.
        let made = matches!(package, "go" | "type" | "_")
            || ["go:", "type:"].iter().any(|p| name.starts_with(p));
        if made { "" } else { package }
    }

    /// The package path in a symbol name as Go source writes it, `%2e` and its like decoded.
    #[must_use]
    pub fn import_path(name: &str) -> Cow<'_, str> {
        Self::source_name(Self::package(name))
    }

    /// A symbol name with its package paths as Go source writes them: in names `%2e` is the linker's spelling of a dot in a path's last
    /// element (`cmd/internal/objabi.PathToPrefix`). What does not decode to text stays as it is.
    #[must_use]
    pub fn source_name(name: &str) -> Cow<'_, str> {
        if !name.contains('%') {
            return Cow::Borrowed(name);
        }
        let mut decoded = Vec::with_capacity(name.len());
        let mut rest = name;
        let number = |digits: &str| {
            let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
            is_hex
                .then(|| u8::from_str_radix(digits, 16).ok())
                .flatten()
        };
        while let Some((before, after)) = rest.split_once('%') {
            decoded.extend_from_slice(before.as_bytes());
            // Go 1.27 escapes the path of a literal that went to another package twice.
            let twice = after
                .strip_prefix("25")
                .filter(|after| after.get(..2).and_then(number).is_some());
            let after = twice.unwrap_or(after);
            match after.get(..2).and_then(number) {
                Some(byte) => {
                    decoded.push(byte);
                    rest = after.get(2..).unwrap_or_default();
                }
                None => {
                    decoded.push(b'%');
                    rest = after;
                }
            }
        }
        decoded.extend_from_slice(rest.as_bytes());
        String::from_utf8(decoded).map_or(Cow::Borrowed(name), Cow::Owned)
    }

    /// To whom a function belongs. Where the build information does not tell, package paths decide: those of the standard library are known, a
    /// first element with a dot means another module, and everything else is the program's own.
    #[must_use]
    pub fn origin(&self, function: &Function<'_>) -> Origin {
        let path = Self::import_path(function.name);
        if path == "main" {
            return Origin::Main;
        }
        // What the linker made and C code's stubs have no path; what the standard library vendors is compiled as `vendor/…`.
        if path.is_empty() || path.starts_with("vendor/") {
            return Origin::Std;
        }
        if path.contains("/vendor/") {
            return Origin::Vendor;
        }
        let info = self.build_info();
        let dep = info.and_then(|info| {
            info.deps
                .iter()
                .filter(|dep| is_within(&path, &dep.path))
                .map(|dep| dep.path.len())
                .max()
        });
        let main = info
            .map(BuildInfo::main_root)
            .and_then(|root| is_within(&path, root).then_some(root.len()));
        // The longer path wins, as modules nest.
        if main > dep {
            return Origin::Main;
        }
        let first = path.split('/').next().unwrap_or_default();
        if dep.is_some() || first.contains('.') {
            let vendored = self
                .source_file(function)
                .is_some_and(|file| file.contains("/vendor/"));
            return if vendored {
                Origin::Vendor
            } else {
                Origin::Dep
            };
        }
        if info.is_some_and(|info| info.main.is_some())
            || STANDARD.split(' ').any(|standard| standard == first)
        {
            Origin::Std
        } else {
            Origin::Main
        }
    }
}

impl BuildInfo {
    /// The path of the main module; in a build without modules, as distributions make them, the likely root of the main package's
    /// repository. Empty where nothing tells.
    #[must_use]
    pub fn main_root(&self) -> &str {
        match &self.main {
            Some(main) => &main.path,
            None => repository(&self.path),
        }
    }
}

/// The likely root of the main module, for builds without modules, by the main package's path: the part that names a repository.
fn repository(path: &str) -> &str {
    let elements = if path.starts_with("github.com/") || path.starts_with("gitlab.com/") {
        3
    } else {
        2
    };
    let is_major = |element: &str| {
        let version = element
            .strip_prefix('v')
            .and_then(|number| number.parse().ok());
        version.is_some_and(|number: u32| number > 1)
    };
    let next = path.split('/').nth(elements);
    let elements = elements + usize::from(next.is_some_and(is_major));
    let end = path
        .match_indices('/')
        .nth(elements - 1)
        .map_or(path.len(), |(at, _)| at);
    path.get(..end).unwrap_or_default()
}

/// Is this package the module's root or below it?
fn is_within(path: &str, module: &str) -> bool {
    !module.is_empty()
        && path
            .strip_prefix(module)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_of_symbol_names() {
        for (name, package) in [
            ("main.main", "main"),
            ("net/http.(*conn).serve", "net/http"),
            ("gopkg.in/yaml%2ev3.Unmarshal", "gopkg.in/yaml%2ev3"),
            ("main.Map[go.shape.int,net/http.Header]", "main"),
            (
                "example.com/a.(*List[net/http.Header]).Push",
                "example.com/a",
            ),
            ("type:.eq.net/http.http2frame", "net/http"),
            ("type..eq.[2]string", ""),
            ("type:.eq.struct { net/http.a int }", ""),
            ("go:buildid", ""),
            ("go.(*struct { sync.Mutex; a.b int }).Lock", ""),
            ("crosscall2", ""),
            ("go.uber.org/zap.(*Logger).Info", "go.uber.org/zap"),
            ("type..eq.go.etcd.io/bbolt.PageInfo", "go.etcd.io/bbolt"),
            ("go.shape.struct { net/netip.a bool }", ""),
            ("_.goready.func1", ""),
            ("main.main.func1.2", "main"),
            ("", ""),
        ] {
            assert_eq!(Executable::package(name), package, "{name}");
        }
        assert_eq!(
            Executable::import_path("gopkg.in/yaml%2ev3.Unmarshal"),
            "gopkg.in/yaml.v3"
        );
        assert_eq!(Executable::import_path("a/b%zz.F"), "a/b%zz");
        // Issue 9, case file-name-escaped.
        for (name, expected) in [
            ("a.b/y%2ev3.(*T[c/z%2ed.E]).F", "a.b/y.v3.(*T[c/z.d.E]).F"),
            ("a/b%22c%25z.F", "a/b\"c%z.F"),
            ("a/yaml%252ev3.F.func1", "a/yaml.v3.F.func1"),
            ("a/gr%c3%b6%c3%9fe.F", "a/größe.F"),
            ("a/b%ff.F", "a/b%ff.F"),
            ("a/b%7f%zz%.F", "a/b\u{7f}%zz%.F"),
        ] {
            assert_eq!(Executable::source_name(name), expected);
        }
    }

    #[test]
    fn repositories_and_modules() {
        assert_eq!(repository("github.com/a/b/cmd/c"), "github.com/a/b");
        assert_eq!(repository("go.example.org/b/cmd"), "go.example.org/b");
        assert_eq!(repository("github.com/a/b/v2/cmd/c"), "github.com/a/b/v2");
        assert_eq!(repository("go.example.org/b/v1/cmd"), "go.example.org/b");
        assert_eq!(repository(""), "");
        assert_eq!(
            repository("command-line-arguments"),
            "command-line-arguments"
        );
        assert!(is_within("example.com/a/b", "example.com/a"));
        assert!(is_within("example.com/a", "example.com/a"));
        assert!(!is_within("example.com/ab", "example.com/a"));
        assert!(!is_within("example.com/a", ""));
    }
}
