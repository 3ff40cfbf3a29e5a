//! Processes that are frozen with their control group: by `docker pause`, `systemctl freeze`, a checkpoint.
//!
//! Neither the state of a frozen process nor a signal tells (cgroups(7)); the group does, in either version of control groups: the one of
//! the process, or one that it is in.

use std::{
    fs,
    path::{Component, Path, PathBuf},
};

/// The hierarchies of control groups that can be frozen.
#[derive(Debug)]
pub struct Freezers(Vec<Hierarchy>);

/// What a process is frozen with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frozen {
    /// What has to be written where, to thaw it; `None` where that group cannot be seen from here.
    pub thaw: Option<(&'static str, PathBuf)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

/// One that is mounted.
#[derive(Debug, PartialEq, Eq)]
struct Hierarchy {
    version: Version,
    /// Where.
    mounted: PathBuf,
    /// The group that is there.
    root: PathBuf,
}

impl Freezers {
    /// Those that this process sees.
    #[must_use]
    pub fn find() -> Self {
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        Self(mounts.lines().filter_map(hierarchy).collect())
    }

    /// Whether a process is frozen.
    #[must_use]
    pub fn frozen(&self, pid: u32) -> Option<Frozen> {
        let groups = fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
        let places = groups.lines().filter_map(group);
        places
            .flat_map(|(version, path)| {
                let same = self.0.iter().filter(move |h| h.version == version);
                same.filter_map(move |hierarchy| hierarchy.frozen(Path::new(path)))
            })
            .next()
    }
}

impl Hierarchy {
    fn frozen(&self, group: &Path) -> Option<Frozen> {
        let below = group.strip_prefix(&self.root).ok()?;
        if below.components().any(|part| part == Component::ParentDir) {
            return None;
        }
        let folder = self.mounted.join(below);
        let says = |folder: &Path, name, what| {
            fs::read_to_string(folder.join(name)).is_ok_and(|t| t.lines().any(|line| line == what))
        };
        let is_frozen = match self.version {
            Version::One => says(&folder, "freezer.state", "FROZEN"),
            Version::Two => says(&folder, "cgroup.events", "frozen 1"),
        };
        let groups = || {
            folder
                .ancestors()
                .take_while(|f| f.starts_with(&self.mounted))
        };
        let thaw = || match self.version {
            Version::One => groups()
                .find(|group| says(group, "freezer.self_freezing", "1"))
                .map(|group| ("THAWED", group.join("freezer.state"))),
            Version::Two => groups()
                .find(|group| says(group, "cgroup.freeze", "1"))
                .map(|group| ("0", group.join("cgroup.freeze"))),
        };
        is_frozen.then(|| Frozen { thaw: thaw() })
    }
}

/// A line such as `37 31 0:34 / /sys/fs/cgroup/freezer rw,relatime shared:9 - cgroup cgroup rw,freezer` (proc_pid_mountinfo(5)).
fn hierarchy(line: &str) -> Option<Hierarchy> {
    let (mount, system) = line.split_once(" - ")?;
    let mut system = system.split(' ');
    let version = match (system.next()?, system.nth(1)?) {
        ("cgroup2", _) => Version::Two,
        ("cgroup", options) if options.split(',').any(|o| o == "freezer") => Version::One,
        _ => return None,
    };
    let mut mount = mount.split(' ').skip(3).map(PathBuf::from);
    let (root, mounted) = (mount.next()?, mount.next()?);
    Some(Hierarchy {
        version,
        mounted,
        root,
    })
}

/// A line such as `6:freezer:/a/b`, or `0::/a/b` for version 2 (cgroups(7)).
fn group(line: &str) -> Option<(Version, &str)> {
    let (_, rest) = line.split_once(':')?;
    match rest.split_once(':')? {
        ("", path) => Some((Version::Two, path)),
        (controllers, path) if controllers.split(',').any(|c| c == "freezer") => {
            Some((Version::One, path))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_mountinfo_and_of_groups() {
        let two =
            "41 31 0:38 / /sys/fs/cgroup rw,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate";
        assert_eq!(
            hierarchy(two),
            Some(Hierarchy {
                version: Version::Two,
                mounted: "/sys/fs/cgroup".into(),
                root: "/".into(),
            })
        );
        let one = "37 31 0:34 /docker/1 /sys/fs/cgroup/freezer ro - cgroup cgroup rw,cpu,freezer";
        assert_eq!(
            hierarchy(one),
            Some(Hierarchy {
                version: Version::One,
                mounted: "/sys/fs/cgroup/freezer".into(),
                root: "/docker/1".into(),
            })
        );
        for none in [
            "32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu",
            "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755",
            "",
        ] {
            assert_eq!(hierarchy(none), None, "{none}");
        }
        assert_eq!(group("0::/a:b"), Some((Version::Two, "/a:b")));
        assert_eq!(group("6:cpu,freezer:/a"), Some((Version::One, "/a")));
        assert_eq!(group("1:name=systemd:/"), None);
        assert_eq!(group(""), None);
    }
}
