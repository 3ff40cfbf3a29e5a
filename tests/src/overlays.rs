//! Overlay file systems, as containers have them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::tracer;

/// Its name.
const FILE: &str = "file";

/// Overlays, each with an upper layer of its own, over one lower layer, in which there is one file. Dropping it takes them away.
pub struct Overlays {
    root: PathBuf,
    mounted: Vec<PathBuf>,
}

impl Overlays {
    /// Mounts one for each name.
    ///
    /// # Panics
    /// They cannot be mounted.
    #[must_use]
    pub fn new(names: &[&str], file: &Path) -> Self {
        let root = tracer::temporary("overlay");
        fs::create_dir(&root).expect("a folder");
        let mut overlays = Self {
            root: root.clone(),
            mounted: Vec::new(),
        };
        overlays.mount("tmpfs", "size=256m", &root);
        let lower = root.join("lower");
        fs::create_dir(&lower).expect("a folder");
        fs::copy(file, lower.join(FILE)).expect("copy");
        for name in names {
            let [upper, work, merged] = ["upper", "work", ""].map(|kind| {
                let folder = root.join(format!("{kind}{name}"));
                fs::create_dir(&folder).expect("a folder");
                folder
            });
            let options = format!(
                "lowerdir={},upperdir={},workdir={}",
                lower.display(),
                upper.display(),
                work.display()
            );
            overlays.mount("overlay", &options, &merged);
        }
        overlays
    }

    fn mount(&mut self, kind: &str, options: &str, at: &Path) {
        let status = Command::new("mount")
            .args(["-t", kind, "-o", options, "none"])
            .arg(at)
            .status()
            .expect("mount runs");
        assert!(status.success(), "mount -t {kind} {options}");
        self.mounted.push(at.to_owned());
    }

    /// The file in one of them, or in `lower`.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.root.join(name).join(FILE)
    }

    /// Where one of them keeps it, once it has been changed there.
    #[must_use]
    pub fn upper(&self, name: &str) -> PathBuf {
        self.root.join(format!("upper{name}")).join(FILE)
    }
}

impl Drop for Overlays {
    fn drop(&mut self) {
        for at in self.mounted.iter().rev() {
            let _ = Command::new("umount").arg("-l").arg(at).status();
        }
        let _ = fs::remove_dir(&self.root);
    }
}
