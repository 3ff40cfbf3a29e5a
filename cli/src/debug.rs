//! The debug file of what is traced, looked for where debuggers look: by build ID, and by the name that the file has of it. Nothing is
//! fetched from anywhere.

use std::{
    ffi::OsStr,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use gobinary::{DebugLink, Executable};
use runtime::Binary;

use crate::{failure::Refused, request::Target, terminal::shown};

/// Where packages put debug files.
const STORE: &str = "usr/lib/debug";

/// Takes the types from the debug file that is named, or from the one that belongs to the executable, where that has none of its own. What
/// is said where there is none tells which file it is.
pub fn find(
    executable: &mut Executable,
    binary: &Binary,
    target: &Target,
    named: Option<&Path>,
) -> anyhow::Result<()> {
    if let Some(path) = named {
        let refused = |why: String| {
            Refused::new(
                format!("cannot take types from {}: {why}", shown(path)),
                None,
            )
        };
        let file = Binary::open(path).map_err(|error| refused(error.to_string()))?;
        return executable
            .take_debug_file(shown(path), file.bytes())
            .map_err(|error| refused(error.to_string()).into());
    }
    if executable.has_dwarf() {
        return Ok(());
    }
    let link = executable.debug_link();
    let mut others = Vec::new();
    for path in places(&link, binary, target) {
        let Ok(file) = Binary::open(&path) else {
            continue;
        };
        match executable.take_debug_file(shown(&path), file.bytes()) {
            Ok(()) => return Ok(()),
            Err(error) => others.push(format!("; {} is not it: {error}", shown(&path))),
        }
    }
    // Go's linker writes build IDs where there is no debug file, too.
    if let Some((name, _)) = &link.file {
        let fetch = link.build_id.as_ref().map_or_else(String::new, |id| {
            format!(
                "; debuginfod-find debuginfo {} fetches it where a server has it",
                hex(id)
            )
        });
        executable.miss_debug_file(format!(
            "{}, which is neither beside the executable nor in /{STORE}{}{fetch}",
            render::escape(name),
            others.concat()
        ));
    }
    Ok(())
}

fn places(link: &DebugLink, binary: &Binary, target: &Target) -> Vec<PathBuf> {
    let here = PathBuf::from("/");
    let (roots, path) = match target {
        // It may have a root of its own, in which its path is meant.
        Target::Process(pid) => (
            vec![Path::new("/proc").join(pid.to_string()).join("root"), here],
            binary.path().to_owned(),
        ),
        Target::Executable(_) | Target::Launch { .. } => {
            let path = binary.path();
            (
                vec![here],
                path.canonicalize().unwrap_or_else(|_| path.to_owned()),
            )
        }
    };
    let folder = path.parent().unwrap_or(Path::new("/"));
    let folder = folder.strip_prefix("/").unwrap_or(folder);
    let by_id = link.build_id.as_ref().map(|id| hex(id)).and_then(|id| {
        let (first, rest) = id.split_at_checked(2)?;
        Some(format!("{STORE}/.build-id/{first}/{rest}.debug"))
    });
    let name = link.file.as_ref().map(|(name, _)| OsStr::from_bytes(name));
    let name = name.and_then(|name| Path::new(name).file_name());
    let mut all = Vec::new();
    for root in roots {
        all.extend(by_id.as_ref().map(|path| root.join(path)));
        if let Some(name) = name {
            all.push(root.join(folder).join(name));
            all.push(root.join(folder).join(".debug").join(name));
            all.push(root.join(STORE).join(folder).join(name));
        }
    }
    all
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
