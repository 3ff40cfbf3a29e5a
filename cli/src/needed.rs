//! The libraries that the dynamic linker loads with an executable, found as it finds them (ld.so(8)).

use std::{
    collections::HashSet,
    env, fs,
    path::{Path, PathBuf},
};

/// Folders that are searched last, and what `/etc/ld.so.conf` usually holds.
const FOLDERS: [&str; 9] = [
    "/usr/local/lib/x86_64-linux-gnu",
    "/lib/x86_64-linux-gnu",
    "/usr/lib/x86_64-linux-gnu",
    "/usr/local/lib64",
    "/lib64",
    "/usr/lib64",
    "/usr/local/lib",
    "/lib",
    "/usr/lib",
];
/// More files than this are not followed.
const MOST: usize = 512;

/// The files of the libraries that an executable needs, and of those that they need, in the order in which they are found.
pub fn libraries(executable: &Path) -> Vec<PathBuf> {
    let (mut found, mut seen) = (Vec::new(), HashSet::new());
    let mut open = vec![executable.to_owned()];
    while let Some(file) = open.pop() {
        for library in needed_by(&file) {
            if found.len() < MOST && seen.insert(library.clone()) {
                open.push(library.clone());
                found.push(library);
            }
        }
    }
    found
}

fn needed_by(file: &Path) -> Vec<PathBuf> {
    let Ok(bytes) = fs::read(file) else {
        return Vec::new();
    };
    let Some(dynamic) = gobinary::Dynamic::parse(bytes) else {
        return Vec::new();
    };
    let folder = file
        .canonicalize()
        .ok()
        .and_then(|file| file.parent().map(Path::to_owned))
        .unwrap_or_default();
    let own = dynamic.run_paths.iter().map(|path| {
        let origin = folder.to_string_lossy();
        let path = path.replace("${ORIGIN}", &origin);
        PathBuf::from(path.replace("$ORIGIN", &origin))
    });
    let environment = env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = own
        .chain(env::split_paths(&environment))
        .chain(FOLDERS.map(PathBuf::from))
        .collect();
    let find = |name: &String| {
        if name.contains('/') {
            return Some(PathBuf::from(name)).filter(|path| path.is_file());
        }
        let mut places = folders.iter().map(|folder| folder.join(name));
        places.find(|path| path.is_file())
    };
    dynamic.needed.iter().filter_map(find).collect()
}
