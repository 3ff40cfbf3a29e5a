//! Processes: which run an executable, and which are gone.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// The path that leads to a process's executable, also in another mount namespace.
#[must_use]
pub fn executable_path(pid: u32) -> PathBuf {
    PathBuf::from(format!("/proc/{pid}/exe"))
}

/// Processes whose executable is the file with this device and inode.
#[must_use]
pub fn running(identity: (u64, u64)) -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let mut pids: Vec<u32> = entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|pid| {
            fs::metadata(executable_path(*pid))
                .is_ok_and(|meta| (meta.dev(), meta.ino()) == identity)
        })
        .collect();
    pids.sort_unstable();
    pids
}

/// Whether the process is there and not a zombie.
#[must_use]
pub fn is_alive(pid: u32) -> bool {
    let Ok(stat) = fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat")) else {
        return false;
    };
    // The state follows the parenthesised name, which may itself hold parentheses (proc(5)).
    let state = stat
        .rsplit_once(") ")
        .and_then(|(_, rest)| rest.chars().next());
    !matches!(state, None | Some('Z' | 'X'))
}
