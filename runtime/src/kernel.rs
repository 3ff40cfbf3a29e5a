//! What this kernel and this user can do, found out by trying rather than by version where that is possible.

#![allow(unsafe_code)]

use std::{ffi::CStr, fs, mem, sync::OnceLock};

use crate::{Error, loader::by_hand};

/// Kernel features that decide how tracing is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kernel {
    /// `uname -r`.
    pub release: String,
    /// Major and minor version.
    pub version: (u32, u32),
    /// /sys/kernel/btf/vmlinux is there.
    pub btf: bool,
}

impl Kernel {
    /// Asks `uname(2)`. The environment variable `GOFUNCGRAPH_PRETEND_KERNEL` (`6.1`) makes a newer kernel pass for an older one, so that
    /// the ways around missing features are tested wherever the tests run.
    #[must_use]
    pub fn detect() -> Self {
        let mut kernel = Self::running();
        if let Some(pretended) = std::env::var("GOFUNCGRAPH_PRETEND_KERNEL").ok()
            && version(&pretended) < kernel.version
        {
            kernel.version = version(&pretended);
            kernel.release = format!("{} passing for {pretended}", kernel.release);
        }
        kernel
    }

    fn running() -> Self {
        // SAFETY: utsname is a C struct of char arrays: all zeroes is a value.
        let mut name: libc::utsname = unsafe { mem::zeroed() };
        // SAFETY: uname fills the struct that it is given.
        unsafe { libc::uname(&mut name) };
        // SAFETY: the kernel NUL-terminates the field, and it was all zeroes before.
        let release = unsafe { CStr::from_ptr(name.release.as_ptr()) }
            .to_string_lossy()
            .into_owned();
        Self {
            version: version(&release),
            release,
            btf: fs::exists("/sys/kernel/btf/vmlinux").unwrap_or(false),
        }
    }

    /// `bpf_loop` exists (Linux 5.17, kernel/bpf/bpf_iter.c).
    #[must_use]
    pub fn has_loop(&self) -> bool {
        self.version >= (5, 17)
    }

    /// One link attaches many uprobes (Linux 6.6, kernel/trace/bpf_trace.c `bpf_uprobe_multi_link_attach`).
    #[must_use]
    pub fn has_uprobe_multi(&self) -> bool {
        self.version >= (6, 6)
    }

    /// The multi link's pid filter compares processes; before 6.10 it compared threads (kernel commit 46ba0e49b).
    #[must_use]
    pub fn has_process_filter(&self) -> bool {
        self.version >= (6, 10)
    }

    /// A uprobe program may change registers (found by loading one; Linux 7.2 takes it, 6.18 does not, nor does what passes for it).
    #[must_use]
    pub fn writes_registers(&self) -> bool {
        static ANSWER: OnceLock<bool> = OnceLock::new();
        self.version > (6, 18) && *ANSWER.get_or_init(by_hand::can_write_registers)
    }

    /// A uprobe program may wait for memory that is not there at the moment (found by loading some). That perf events take such a program
    /// is later than that links do (Linux 6.0, kernel/events/core.c `perf_event_set_bpf_prog`).
    #[must_use]
    pub fn sleeps(&self) -> bool {
        static ANSWER: OnceLock<bool> = OnceLock::new();
        let multi = self.has_uprobe_multi();
        self.version >= (6, 0) && *ANSWER.get_or_init(|| by_hand::can_sleep(multi))
    }

    /// The features as `--version` prints them.
    #[must_use]
    pub fn describe(&self) -> String {
        let yes = |b| if b { "yes" } else { "no" };
        // What is found out by loading programs.
        let tried = |answer: fn(&Self) -> bool| match missing_capabilities().is_empty()
            && is_first_user_namespace()
        {
            true => yes(answer(self)),
            false => "unknown (needs root)",
        };
        format!(
            "Linux {}: uprobe_multi {}, bpf_loop {}, waits for memory {}, returns without single-stepping {}, BTF {}",
            self.release,
            yes(self.has_uprobe_multi()),
            yes(self.has_loop()),
            tried(Self::sleeps),
            tried(Self::writes_registers),
            yes(self.btf)
        )
    }

    /// Refuses what cannot work: an old kernel, no BTF, missing capabilities.
    pub fn require(&self) -> Result<(), Error> {
        if self.version < (5, 15) {
            return Err(Error::KernelTooOld {
                found: self.release.clone(),
            });
        }
        if !is_first_user_namespace() {
            return Err(Error::UserNamespace);
        }
        let missing = missing_capabilities();
        if !missing.is_empty() {
            // SAFETY: geteuid has no preconditions.
            let container = unsafe { libc::geteuid() } == 0;
            return Err(Error::Privilege { missing, container });
        }
        if !self.btf {
            return Err(Error::NoBtf("no such file".into()));
        }
        Ok(())
    }
}

/// Major and minor version of a release.
fn version(release: &str) -> (u32, u32) {
    let mut numbers = release
        .split(|c: char| !c.is_ascii_digit())
        .map(|n| n.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

/// include/uapi/linux/capability.h
const CAP_SYS_ADMIN: u32 = 21;
const CAP_PERFMON: u32 = 38;
const CAP_BPF: u32 = 39;

/// Which of CAP_BPF and CAP_PERFMON this process lacks; CAP_SYS_ADMIN stands for both.
fn missing_capabilities() -> Vec<&'static str> {
    let effective = fs::read_to_string("/proc/self/status")
        .ok()
        .and_then(|status| {
            let line = status.lines().find_map(|l| l.strip_prefix("CapEff:"))?;
            u64::from_str_radix(line.trim(), 16).ok()
        })
        .unwrap_or(0);
    let has = |capability: u32| effective >> capability & 1 == 1;
    if has(CAP_SYS_ADMIN) {
        return Vec::new();
    }
    [(CAP_BPF, "CAP_BPF"), (CAP_PERFMON, "CAP_PERFMON")]
        .into_iter()
        .filter(|(c, _)| !has(*c))
        .map(|(_, name)| name)
        .collect()
}

/// Device and inode of our pid namespace, unless it is the initial one (PROC_PID_INIT_INO, include/linux/proc_ns.h).
pub(crate) fn pid_namespace() -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    let meta = fs::metadata("/proc/self/ns/pid").ok()?;
    (meta.ino() != 0xeffffffc).then(|| (meta.dev(), meta.ino()))
}

/// Whether our capabilities are those that bpf(2) asks for: of the initial user namespace (PROC_USER_INIT_INO, include/linux/proc_ns.h).
fn is_first_user_namespace() -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::metadata("/proc/self/ns/user").is_ok_and(|meta| meta.ino() == 0xefff_fffd)
}

/// Whether a hypervisor says that it is there (CPUID leaf 1, ECX bit 31): single-stepping is several times dearer then.
#[must_use]
pub fn is_virtual_machine() -> bool {
    fs::read_to_string("/proc/cpuinfo").is_ok_and(|text| {
        text.lines()
            .find(|line| line.starts_with("flags"))
            .is_some_and(|flags| flags.split_whitespace().any(|flag| flag == "hypervisor"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_decide_features() {
        let kernel = |release: &str| Kernel {
            release: release.into(),
            version: version(release),
            btf: true,
        };
        assert_eq!(version("6.18.44-fc-v669"), (6, 18));
        assert_eq!(version("5.15.0-91-generic"), (5, 15));
        let (old, new) = (kernel("6.1.0-18-amd64"), kernel("6.10"));
        assert!(old.has_loop() && !old.has_uprobe_multi());
        assert!(new.has_uprobe_multi() && new.has_process_filter());
        let error = kernel("5.10.0-28-amd64").require().expect_err("too old");
        assert_eq!(
            error.to_string(),
            "Linux 5.10.0-28-amd64 is too old: gofuncgraph needs 5.15 or newer (attach cookies for uprobes)"
        );
    }
}
