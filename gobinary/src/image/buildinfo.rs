//! Build information: the Go version, the modules and the settings that the linker records.
//!
//! `debug/buildinfo` in Go's library describes the format: a header of 32 bytes, then (flag 2, Go ≥ 1.18) the version and the module
//! text as strings preceded by their length.

use crate::image::Image;

const MAGIC: &[u8] = b"\xff Go buildinf:";
/// The header's alignment in the file.
const ALIGNMENT: u64 = 16;
/// Size of the header, and of the marks around the module text.
const HEADER: usize = 32;
const MARK: usize = 16;

/// What `go version -m` shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BuildInfo {
    /// Version of the toolchain as it names itself, such as `go1.24.11` or `devel go1.28-1a2b3c`.
    pub go_version: String,
    /// Import path of the main package; empty where unknown.
    pub path: String,
    /// The main module.
    pub main: Option<Module>,
    /// The modules that it was built with.
    pub deps: Vec<Module>,
    /// Settings such as `("-trimpath", "true")`, in order.
    pub settings: Vec<(String, String)>,
}

/// A module.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Module {
    /// Module path.
    pub path: String,
    /// Version; `(devel)` for a main module built in its own tree.
    pub version: String,
    /// Checksum; may be empty.
    pub sum: String,
    /// The module that stood in for this one.
    pub replace: Option<Box<Module>>,
}

/// A version of Go, without its patch level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GoVersion {
    /// 1.
    pub major: u16,
    /// 24 for Go 1.24.11.
    pub minor: u16,
}

impl std::fmt::Display for GoVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl BuildInfo {
    /// Reads the build information, if there is any.
    pub(crate) fn find(image: &Image) -> Option<Self> {
        if let Some(section) = image.section(".go.buildinfo") {
            return Self::search(image, section.address, image.slice(&section.file));
        }
        let writable = image.segments().iter().filter(|segment| segment.writable);
        writable
            .into_iter()
            .find_map(|segment| Self::search(image, segment.address, image.slice(&segment.file)))
    }

    fn search(image: &Image, address: u64, bytes: &[u8]) -> Option<Self> {
        memchr::memmem::find_iter(bytes, MAGIC)
            .filter(|&at| address.wrapping_add(at as u64).is_multiple_of(ALIGNMENT))
            .find_map(|at| Self::read(image, bytes.get(at..)?))
    }

    fn read(image: &Image, header: &[u8]) -> Option<Self> {
        let (&pointer_size, &flags) = (header.get(14)?, header.get(15)?);
        let (version, modules) = if flags & 2 != 0 {
            let mut rest = header.get(HEADER..)?;
            (counted(&mut rest)?, counted(&mut rest)?)
        } else if pointer_size == 8 && flags & 1 == 0 {
            // Before Go 1.18: pointers to string headers.
            let string = |at: usize| {
                let header = header
                    .get(at..at + 8)?
                    .try_into()
                    .ok()
                    .map(u64::from_le_bytes)?;
                let length = usize::try_from(image.u64(header.checked_add(8)?)?).ok()?;
                image.bytes(image.pointer(header)?, length)
            };
            (string(16)?, string(24)?)
        } else {
            return None;
        };
        let mut info = Self {
            go_version: String::from_utf8_lossy(version).into_owned(),
            ..Self::default()
        };
        if let Some(text) = modules
            .len()
            .checked_sub(MARK)
            .and_then(|end| modules.get(MARK..end))
        {
            info.read_modules(&String::from_utf8_lossy(text));
        }
        Some(info)
    }

    fn read_modules(&mut self, text: &str) {
        enum Last {
            None,
            Main,
            Dep,
        }
        let mut last = Last::None;
        for line in text.lines() {
            let Some((key, rest)) = line.split_once('\t') else {
                continue;
            };
            let mut columns = rest.split('\t').map(str::to_owned);
            let mut module = || Module {
                path: columns.next().unwrap_or_default(),
                version: columns.next().unwrap_or_default(),
                sum: columns.next().unwrap_or_default(),
                replace: None,
            };
            match key {
                "path" => self.path = rest.to_owned(),
                "mod" => {
                    self.main = Some(module());
                    last = Last::Main;
                }
                "dep" => {
                    self.deps.push(module());
                    last = Last::Dep;
                }
                "=>" => {
                    let replaced = match last {
                        Last::None => None,
                        Last::Main => self.main.as_mut(),
                        Last::Dep => self.deps.last_mut(),
                    };
                    if let Some(replaced) = replaced {
                        replaced.replace = Some(Box::new(module()));
                    }
                }
                "build" => self.settings.extend(setting(rest)),
                _ => {}
            }
        }
    }

    /// The toolchain's version: of a release (`go1.24.11`), a candidate (`go1.24rc1`) or a development tree (`devel go1.25-…`).
    #[must_use]
    pub fn version(&self) -> Option<GoVersion> {
        self.go_version.split_whitespace().find_map(|word| {
            let (major, rest) = word.strip_prefix("go")?.split_once('.')?;
            let digits = rest
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(rest.len());
            Some(GoVersion {
                major: major.parse().ok()?,
                minor: rest.get(..digits)?.parse().ok()?,
            })
        })
    }

    /// The value of a setting.
    #[must_use]
    pub fn setting(&self, key: &str) -> Option<&str> {
        self.settings
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value.as_str())
    }
}

/// A string preceded by its length, a variable-length number.
fn counted<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let mut length = 0usize;
    for shift in (0..35).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        length |= usize::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            let (string, rest) = bytes.split_at_checked(length)?;
            *bytes = rest;
            return Some(string);
        }
    }
    None
}

/// `key=value`, either of them perhaps quoted as in Go.
fn setting(text: &str) -> Option<(String, String)> {
    let (key, rest) = quoted_or_until(text, '=')?;
    let value = rest.strip_prefix('=')?;
    let value = if value.starts_with(['"', '`']) {
        quoted_or_until(value, '\n')?.0
    } else {
        value.to_owned()
    };
    Some((key, value))
}

/// The Go string literal at the start, or what precedes `stop`; and the rest.
fn quoted_or_until(text: &str, stop: char) -> Option<(String, &str)> {
    if let Some(raw) = text.strip_prefix('`') {
        let (inside, rest) = raw.split_once('`')?;
        return Some((inside.to_owned(), rest));
    }
    let Some(quoted) = text.strip_prefix('"') else {
        let (before, after) = text.split_at(text.find(stop).unwrap_or(text.len()));
        return Some((before.to_owned(), after));
    };
    let mut out = String::new();
    let mut chars = quoted.chars();
    loop {
        match chars.next()? {
            '"' => return Some((out, chars.as_str())),
            '\\' => out.push(match chars.next()? {
                'a' => '\x07',
                'b' => '\x08',
                'f' => '\x0c',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'v' => '\x0b',
                kind @ ('x' | 'u' | 'U') => {
                    let digits = if kind == 'x' {
                        2
                    } else if kind == 'u' {
                        4
                    } else {
                        8
                    };
                    let code = chars.as_str().get(..digits)?;
                    chars = chars.as_str().get(digits..)?.chars();
                    char::from_u32(u32::from_str_radix(code, 16).ok()?)?
                }
                other => other,
            }),
            other => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Option<(u16, u16)> {
        let info = BuildInfo {
            go_version: text.to_owned(),
            ..BuildInfo::default()
        };
        info.version().map(|v| (v.major, v.minor))
    }

    #[test]
    fn versions_of_every_form() {
        assert_eq!(version("go1.19.8"), Some((1, 19)));
        assert_eq!(version("go1.27"), Some((1, 27)));
        assert_eq!(version("go1.24rc2 X:nocoverageredesign"), Some((1, 24)));
        assert_eq!(
            version("devel go1.28-6f0a9f0b3d Tue Nov 3 2026"),
            Some((1, 28))
        );
        assert_eq!(version("go1.25-20260701-RC00 cl/1"), Some((1, 25)));
        assert_eq!(version("devel +a1b2c3"), None);
    }

    #[test]
    fn modules_replacements_and_quoted_settings() {
        let mut info = BuildInfo::default();
        info.read_modules(
            "path\texample.com/a/cmd\nmod\texample.com/a\t(devel)\t\ndep\tgopkg.in/yaml.v3\tv3.0.1\th1:x=\n=>\t./yaml\t\t\n\
             build\t-ldflags=\"-s -w\\n\"\nbuild\tGOOS=linux\nbuild\t\"a=b\"=`c d`\n",
        );
        assert_eq!(info.path, "example.com/a/cmd");
        assert_eq!(
            info.main.as_ref().map(|m| m.path.as_str()),
            Some("example.com/a")
        );
        assert_eq!(info.deps[0].sum, "h1:x=");
        assert_eq!(
            info.deps[0].replace.as_ref().map(|m| m.path.as_str()),
            Some("./yaml")
        );
        assert_eq!(info.setting("-ldflags"), Some("-s -w\n"));
        assert_eq!(info.setting("GOOS"), Some("linux"));
        assert_eq!(info.setting("a=b"), Some("c d"));
    }
}
