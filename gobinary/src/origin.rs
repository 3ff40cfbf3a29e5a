//! To whom a function belongs: the main module, the standard library, or another module.

use std::borrow::Cow;

use crate::Executable;
use crate::buildinfo::Module;
use crate::function::Function;

/// To whom a function belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// The main module.
    Main,
    /// The standard library, the runtime and what it vendors included.
    Std,
    /// A package in a `vendor` folder of the main module.
    Vendor,
    /// Another module.
    Dep,
    /// C code's stubs, code that the linker made, or nothing tells.
    Unknown,
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
        let package = Self::package(name);
        if !package.contains('%') {
            return Cow::Borrowed(package);
        }
        let mut decoded = Vec::with_capacity(package.len());
        let mut rest = package;
        while let Some((before, after)) = rest.split_once('%') {
            decoded.extend_from_slice(before.as_bytes());
            match after
                .get(..2)
                .and_then(|digits| u8::from_str_radix(digits, 16).ok())
            {
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
        Cow::Owned(String::from_utf8_lossy(&decoded).into_owned())
    }

    /// To whom a function belongs, by the build information; without it, a first path element with a dot means another module.
    #[must_use]
    pub fn origin(&self, function: &Function<'_>) -> Origin {
        let path = Self::import_path(function.name);
        if path.is_empty() {
            return Origin::Unknown;
        }
        if path == "main" {
            return Origin::Main;
        }
        // What the standard library vendors is compiled as `vendor/…`.
        if path.starts_with("vendor/") {
            return Origin::Std;
        }
        if path.contains("/vendor/") {
            return Origin::Vendor;
        }
        let info = self.build_info();
        let within = |module: &Module| is_within(&path, &module.path);
        let dep = info.and_then(|info| {
            info.deps
                .iter()
                .filter(|dep| within(dep))
                .map(|dep| dep.path.len())
                .max()
        });
        let main = info.and_then(|info| match &info.main {
            Some(main) => within(main).then_some(main.path.len()),
            None => {
                let root = repository(&info.path);
                is_within(&path, root).then_some(root.len())
            }
        });
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
            Origin::Unknown
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
    }

    #[test]
    fn repositories_and_modules() {
        assert_eq!(repository("github.com/a/b/cmd/c"), "github.com/a/b");
        assert_eq!(repository("go.example.org/b/cmd"), "go.example.org/b");
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
