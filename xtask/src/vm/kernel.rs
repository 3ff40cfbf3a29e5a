//! Kernels to boot: Debian's cloud images, which have BTF, uprobes and a serial console built in.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use crate::workspace::{output, run};

/// In place of a version: whatever is newest in Debian unstable.
pub const NEWEST: &str = "unstable";

/// The kernel image of this version (`6.1`), or of the [`NEWEST`], downloaded once.
///
/// # Errors
/// Where apt has no such kernel, in this machine's distribution or in Debian unstable, or cannot download it.
pub fn image(version: &str, folder: &Path) -> Result<PathBuf> {
    let kept = folder.join(format!("vmlinuz-{version}"));
    if !kept.is_file() {
        let unpacked = folder.join(format!(".kernel-{version}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&unpacked);
        fs::create_dir_all(&unpacked)?;
        let result =
            download(version, &unpacked, folder).and_then(|image| Ok(fs::rename(image, &kept)?));
        fs::remove_dir_all(&unpacked)?;
        result.with_context(|| format!("cannot get Linux {version}"))?;
    }
    Ok(kept)
}

fn download(version: &str, unpacked: &Path, folder: &Path) -> Result<PathBuf> {
    let here = Apt::machine();
    let mut found = match version {
        NEWEST => None,
        _ => here.newest(version)?.map(|package| (here, package)),
    };
    if found.is_none() {
        let unstable = Apt::unstable(folder)?;
        found = unstable.newest(version)?.map(|package| (unstable, package));
    }
    let Some((apt, package)) = found else {
        bail!("neither this machine's apt nor Debian unstable has one for x86-64 cloud machines");
    };
    eprintln!("getting {package} …");
    run(apt
        .get()
        .args(["-o", "APT::Sandbox::User=root", "download", &package])
        .current_dir(unpacked))
    .with_context(|| format!("cannot download {package}"))?;
    let archive =
        find(unpacked, |name| name.ends_with(".deb")).context("apt downloaded no package")?;
    run(Command::new("dpkg").arg("-x").arg(&archive).arg(unpacked))?;
    // /boot/vmlinuz-RELEASE, since Debian 14 /usr/lib/modules/RELEASE/vmlinuz
    let folders = [
        Some(unpacked.join("boot")),
        find(&unpacked.join("usr/lib/modules"), |_| true),
    ];
    let image = folders
        .into_iter()
        .flatten()
        .find_map(|folder| find(&folder, |name| name.starts_with("vmlinuz")));
    image.context("the package holds no kernel image")
}

fn find(folder: &Path, wanted: impl Fn(&str) -> bool) -> Option<PathBuf> {
    let mut entries = fs::read_dir(folder).ok()?.filter_map(Result::ok);
    entries
        .find(|entry| entry.file_name().to_str().is_some_and(&wanted))
        .map(|entry| entry.path())
}

/// apt with this machine's package lists, or with lists of another distribution.
struct Apt {
    options: Vec<String>,
}

impl Apt {
    fn machine() -> Self {
        Self {
            options: Vec::new(),
        }
    }

    /// Debian unstable, from where this machine gets its Debian packages, with lists of its own so that the machine's stay as they are.
    fn unstable(folder: &Path) -> Result<Self> {
        let format = [
            "indextargets",
            "--format",
            "$(REPO_URI)",
            "Created-By: Packages",
            "Origin: Debian",
        ];
        let repositories = output(Command::new("apt-get").args(format))?;
        let repository = repositories
            .lines()
            .find(|line| line.trim_end_matches('/').ends_with("/debian"))
            .context("this machine has no Debian packages")?;
        let apt = folder.join("apt");
        fs::create_dir_all(apt.join("lists/partial"))?;
        fs::create_dir_all(apt.join("cache/archives/partial"))?;
        let list = apt.join("sources.list");
        fs::write(
            &list,
            format!(
                "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] {repository} unstable main\n"
            ),
        )?;
        let options = [
            format!("Dir::Etc::SourceList={}", list.display()),
            "Dir::Etc::SourceParts=/dev/null".to_owned(),
            format!("Dir::State::Lists={}", apt.join("lists").display()),
            format!("Dir::Cache={}", apt.join("cache").display()),
        ];
        let apt = Self {
            options: options.to_vec(),
        };
        eprintln!("looking into Debian unstable …");
        // Without this, lists that cannot be had are a warning.
        let strict = "APT::Update::Error-Mode=any";
        run(apt.get().args(["-o", strict, "update"]))
            .context("cannot download Debian unstable's list of packages")?;
        Ok(apt)
    }

    fn get(&self) -> Command {
        let mut command = self.command("apt-get");
        command.args(["--quiet", "--quiet", "-o", "Acquire::Retries=3"]);
        command
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        for option in &self.options {
            command.arg("-o").arg(option);
        }
        command
    }

    /// The newest kernel package of a version.
    fn newest(&self, version: &str) -> Result<Option<String>> {
        let prefix = match version {
            NEWEST => String::new(),
            _ if version.chars().all(|c| c.is_ascii_digit() || c == '.') => {
                version.replace('.', "\\.") + "\\."
            }
            _ => bail!("{version:?} is neither a kernel version such as 6.12 nor {NEWEST:?}"),
        };
        let pattern = format!("^linux-(image|binary)-{prefix}[0-9].*-cloud-amd64$");
        let found = output(
            self.command("apt-cache")
                .args(["search", "--names-only", &pattern]),
        )?;
        let names = found
            .lines()
            .filter_map(|line| line.split_whitespace().next());
        Ok(newest(names).map(str::to_owned))
    }
}

/// The package that holds the newest kernel image. Where there is a `linux-binary-…` of the same version, it has the image, and
/// `linux-image-…` has nothing but dependencies (since Debian 14).
fn newest<'a>(packages: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    packages.max_by_key(|name| (numbers(name), name.starts_with("linux-binary-")))
}

fn numbers(name: &str) -> Vec<u64> {
    name.split(|c: char| !c.is_ascii_digit())
        .filter_map(|digits| digits.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_newest(packages: &[&str], expected: &str) {
        assert_eq!(newest(packages.iter().copied()), Some(expected));
        assert_eq!(newest(packages.iter().rev().copied()), Some(expected));
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        assert_newest(
            &[
                "linux-image-6.1.0-9-cloud-amd64",
                "linux-image-6.1.0-56-cloud-amd64",
            ],
            "linux-image-6.1.0-56-cloud-amd64",
        );
        assert_newest(
            &[
                "linux-image-6.12.117+deb12-cloud-amd64",
                "linux-image-6.12.100+deb12-cloud-amd64",
            ],
            "linux-image-6.12.117+deb12-cloud-amd64",
        );
    }

    #[test]
    fn the_package_with_the_image_of_the_newest_version() {
        assert_newest(
            &[
                "linux-binary-7.2.13+deb14-cloud-amd64",
                "linux-image-7.2.13+deb14-cloud-amd64",
                "linux-image-6.19.2+deb14-cloud-amd64",
            ],
            "linux-binary-7.2.13+deb14-cloud-amd64",
        );
        assert_newest(
            &[
                "linux-binary-7.2.13+deb14-cloud-amd64",
                "linux-image-7.3.1+deb14-cloud-amd64",
            ],
            "linux-image-7.3.1+deb14-cloud-amd64",
        );
        assert_eq!(newest([].into_iter()), None);
    }
}
