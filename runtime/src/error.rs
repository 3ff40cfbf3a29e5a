//! What can go wrong between a plan and a running trace, each with what the user can do about it.

use std::{
    io,
    path::{Path, PathBuf},
};

use compiler::escape_path;

/// A failure of the runtime.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The kernel is older than 5.15.
    #[error(
        "Linux {found} is too old: gofuncgraph needs 5.15 or newer (attach cookies for uprobes)"
    )]
    KernelTooOld {
        /// Release as uname says it.
        found: String,
    },
    /// A capability is missing.
    #[error("missing {}: run as root (sudo), or give the command CAP_BPF and CAP_PERFMON{}", missing.join(" and "), if *container { "; in a container, the container has to be granted them" } else { "" })]
    Privilege {
        /// Names of the missing capabilities.
        missing: Vec<&'static str>,
        /// Root without the capability, as in a container.
        container: bool,
    },
    /// Capabilities of another user namespace than the first one.
    #[error(
        "CAP_BPF and CAP_PERFMON are needed in the first user namespace, but this process is in another one (a rootless container, unshare -U), where no capability counts, not even root's: run gofuncgraph outside, and give -p the number that the process has there"
    )]
    UserNamespace,
    /// The kernel has no BTF.
    #[error(
        "this kernel has no type information at /sys/kernel/btf/vmlinux (CONFIG_DEBUG_INFO_BTF), which the probe program needs: {0}"
    )]
    NoBtf(String),
    /// The embedded object is unusable.
    #[error("the embedded probe program cannot be prepared: {0}")]
    Object(String),
    /// The kernel refused a BPF map.
    #[error("the kernel refused the map `{name}`: {reason}{}", if *too_many_files { "" } else { "; a smaller --max-goroutines needs less memory" })]
    Map {
        /// Map.
        name: String,
        /// Why.
        reason: String,
        /// It is about descriptors, and not about memory.
        too_many_files: bool,
    },
    /// The verifier refused the program.
    #[error("the kernel refused the probe program: {error}\n{log}")]
    Verifier {
        /// Error of the system call.
        error: io::Error,
        /// End of the verifier's log.
        log: String,
        /// The piece of the program text that the refused instruction was generated for.
        span: Option<std::ops::Range<usize>>,
    },
    /// Attaching failed altogether.
    #[error("cannot attach to {}: {error}", escape_path(.path))]
    Attach {
        /// File.
        path: PathBuf,
        /// Error of the system call.
        error: io::Error,
    },
    /// Every site was refused.
    #[error("the kernel refused every one of the {sites} probe sites in {}", escape_path(.path))]
    AllRefused {
        /// File.
        path: PathBuf,
        /// Sites tried.
        sites: usize,
    },
    /// The perf fallback has a cap.
    #[error(
        "{sites} probe sites, but this kernel (before 6.6) attaches them one by one and detaches each in about 0.1 s, so at most {cap} are allowed; narrow the patterns, or raise --max-probes (detaching will take about {seconds} s)"
    )]
    TooManyProbes {
        /// Sites of the plan.
        sites: usize,
        /// Most that are taken.
        cap: usize,
        /// Expected time to detach.
        seconds: usize,
    },
    /// The file is not the one that the plan was made from.
    #[error("{} has changed since it was read: the instruction at {address:#x} is different", escape_path(.path))]
    Changed {
        /// File.
        path: PathBuf,
        /// Link-time address.
        address: u64,
    },
    /// The process runs another inode.
    #[error("{}", not_arrived(*pid, path, *overlay))]
    NotArrived {
        /// Process.
        pid: u32,
        /// File.
        path: PathBuf,
        /// It is on an overlay file system.
        overlay: bool,
    },
    /// The file was written to in place.
    #[error("{} is being written to, or was written to since it was read: start again when the writing is done", escape_path(.path))]
    Written {
        /// File.
        path: PathBuf,
    },
    /// Somebody may write at any time, and nothing tells when.
    #[error(
        "{} is open for writing, and a probe could end up in the new content; try again when it is closed (`fuser -v FILE` shows who has it open)", escape_path(.path))]
    OpenForWriting {
        /// File.
        path: PathBuf,
    },
    /// No lease for this user.
    #[error(
        "cannot protect {} from being overwritten while it has probes, because it belongs to another user: run as root (sudo), or give the command CAP_LEASE too (setcap cap_bpf,cap_perfmon,cap_lease+ep)", escape_path(.path))]
    LeasePrivilege {
        /// File.
        path: PathBuf,
    },
    /// No lease on this file system.
    #[error(
        "cannot protect {} from being overwritten while it has probes, and a probe in the code of another build would crash it: its file system has no leases (fcntl F_SETLEASE: {error}); run a copy of it on a local file system (ext4, xfs, btrfs, tmpfs, overlay)", escape_path(.path))]
    NoLease {
        /// File.
        path: PathBuf,
        /// Error of the system call.
        error: io::Error,
    },
    /// A file could not be read.
    #[error("cannot read {}: {error}", escape_path(.path))]
    Read {
        /// File.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The command could not be started.
    #[error("cannot start {command}: {error}")]
    Launch {
        /// Command.
        command: String,
        /// Why.
        error: io::Error,
    },
    /// The command cannot be stopped at its start.
    #[error(
        "cannot start {command}, since it could not be stopped before its first instruction: {reason}; start it yourself, and trace it with -p PID or by its path"
    )]
    CannotStop {
        /// Command.
        command: String,
        /// Why.
        reason: String,
    },
    /// Any other system call.
    #[error("{what}: {error}")]
    System {
        /// What was tried.
        what: &'static str,
        /// Why not.
        error: io::Error,
    },
}

impl Error {
    /// The verifier gave up for there being too much of a program, not for something in it.
    #[must_use]
    pub fn is_too_large(&self) -> bool {
        matches!(self, Self::Verifier { error, .. } if error.raw_os_error() == Some(libc::E2BIG))
    }
}

/// Why a process is not traced though it seems to run the file.
#[must_use]
pub fn not_arrived(pid: u32, path: &Path, overlay: bool) -> String {
    let path = escape_path(path);
    if overlay {
        format!(
            "process {pid} runs an older copy of {path}: the overlay file system has copied the file since (chmod, chown and writing do that); it cannot be traced until it is started again"
        )
    } else {
        format!(
            "process {pid} does not run the code in {path}, so no probes were set in it: it cannot be traced until it is started again"
        )
    }
}
