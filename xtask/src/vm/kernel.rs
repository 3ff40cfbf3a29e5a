//! Kernels to boot: Debian's cloud images, which have BTF, uprobes and a serial console built in.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use crate::workspace::{output, run};

/// The kernel image of this version (`6.1`), downloaded once.
///
/// # Errors
/// Where apt has no such kernel, in this machine's distribution or in Debian unstable.
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
    let mut apt = Apt::machine();
    let mut package = apt.newest(version)?;
    if package.is_none() {
        apt = Apt::unstable(folder)?;
        package = apt.newest(version)?;
    }
    let Some(package) = package else {
        bail!(
            "apt knows no linux-image-{version}.*-cloud-amd64; run apt-get update if it never ran on this machine"
        );
    };
    eprintln!("getting {package} …");
    run(apt
        .command("apt-get")
        .args([
            "--quiet",
            "--quiet",
            "-o",
            "APT::Sandbox::User=root",
            "download",
            &package,
        ])
        .current_dir(unpacked))?;
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
        run(apt
            .command("apt-get")
            .args(["--quiet", "--quiet", "update"]))?;
        Ok(apt)
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        for option in &self.options {
            command.arg("-o").arg(option);
        }
        command
    }

    /// The newest kernel package of a version; newer Debians keep the image in `linux-binary-…`.
    fn newest(&self, version: &str) -> Result<Option<String>> {
        if !version.chars().all(|c| c.is_ascii_digit() || c == '.') {
            bail!("{version:?} is not a kernel version such as 6.12");
        }
        let pattern = format!(
            "^linux-(image|binary)-{}\\..*[0-9]-cloud-amd64$",
            version.replace('.', "\\.")
        );
        let found = output(
            self.command("apt-cache")
                .args(["search", "--names-only", &pattern]),
        )?;
        let names = found
            .lines()
            .filter_map(|line| line.split_whitespace().next());
        Ok(names
            .max_by_key(|name| (name.starts_with("linux-binary"), numbers(name)))
            .map(str::to_owned))
    }
}

fn numbers(name: &str) -> Vec<u64> {
    name.split(|c: char| !c.is_ascii_digit())
        .filter_map(|digits| digits.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_packages_have_greater_numbers() {
        assert!(
            numbers("linux-image-6.1.0-56-cloud-amd64")
                > numbers("linux-image-6.1.0-9-cloud-amd64")
        );
        assert!(
            numbers("linux-image-6.12.117+deb12-cloud-amd64")
                > numbers("linux-image-6.12.100+deb12-cloud-amd64")
        );
    }
}
