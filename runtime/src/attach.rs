//! Attaching a program to its sites: by one multi link where the kernel has them, by one perf event a site where it does not.
//!
//! A site that the kernel refuses fails a whole multi link; it is found by bisecting, left out and reported.

use std::{
    ffi::CStr,
    io,
    os::fd::{BorrowedFd, OwnedFd},
    path::Path,
};

use compiler::plan::Site;

use crate::{Error, sys};

/// What holds the probes in place; dropping it detaches.
pub(crate) enum Attached {
    Multi(#[expect(dead_code, reason = "held for its Drop")] OwnedFd),
    Perf(Vec<(Site, sys::PerfUprobe)>),
}

/// A site that the kernel refused.
#[derive(Debug, Clone, Copy)]
pub struct Refused {
    /// Index of the trace in the plan.
    pub trace: usize,
    /// The site.
    pub site: Site,
    /// errno.
    pub error: i32,
}

/// Called while probes are attached one by one: how many of how many.
pub type Progress<'a> = &'a mut dyn FnMut(usize, usize);

fn refuses_instruction(error: &io::Error) -> bool {
    // EINVAL: the offset is outside the file or the mapping (kernel/events/uprobes.c).
    matches!(error.raw_os_error(), Some(sys::ENOTSUPP | libc::EINVAL))
}

/// One multi link over all sites that the kernel takes.
pub(crate) fn attach_multi(
    program: BorrowedFd<'_>,
    path: &CStr,
    shown: &Path,
    sites: &[Site],
    pid: u32,
) -> Result<(Attached, Vec<(Site, i32)>), Error> {
    let link = |sites: &[Site]| {
        let offsets: Vec<u64> = sites.iter().map(|s| s.file_offset).collect();
        let cookies: Vec<u64> = sites.iter().map(|s| s.cookie).collect();
        sys::link_uprobe_multi(program, path, &offsets, &cookies, pid)
    };
    let attach_error = |error| Error::Attach {
        path: shown.to_owned(),
        error,
    };
    match link(sites) {
        Ok(fd) => return Ok((Attached::Multi(fd), Vec::new())),
        Err(error) if !refuses_instruction(&error) => return Err(attach_error(error)),
        Err(_) => {}
    }
    let mut refused = Vec::new();
    let mut pending = vec![sites];
    while let Some(part) = pending.pop() {
        let Err(error) = link(part) else { continue };
        if !refuses_instruction(&error) {
            return Err(attach_error(error));
        }
        if let [site] = part {
            refused.push((*site, error.raw_os_error().unwrap_or(0)));
        } else {
            let (a, b) = part.split_at(part.len() / 2);
            pending.extend([b, a]);
        }
        if refused.len() == sites.len() {
            break;
        }
    }
    let good: Vec<Site> = sites
        .iter()
        .filter(|s| refused.iter().all(|(r, _)| r.address != s.address))
        .copied()
        .collect();
    if good.is_empty() {
        return Err(Error::AllRefused {
            path: shown.to_owned(),
            sites: sites.len(),
        });
    }
    let fd = link(&good).map_err(attach_error)?;
    Ok((Attached::Multi(fd), refused))
}

/// One perf event for each site.
pub(crate) fn attach_perf(
    program: BorrowedFd<'_>,
    path: &CStr,
    shown: &Path,
    sites: &[Site],
    pid: u32,
    progress: Progress<'_>,
) -> Result<(Attached, Vec<(Site, i32)>), Error> {
    let pmu = perf_type()?;
    let mut events = Vec::with_capacity(sites.len());
    let mut refused = Vec::new();
    for (n, site) in sites.iter().enumerate() {
        match sys::PerfUprobe::attach(program, pmu, path, site.file_offset, site.cookie, pid) {
            Ok(event) => events.push((*site, event)),
            Err(error) if refuses_instruction(&error) => {
                refused.push((*site, error.raw_os_error().unwrap_or(0)));
            }
            Err(error) => {
                return Err(Error::Attach {
                    path: shown.to_owned(),
                    error,
                });
            }
        }
        progress(n + 1, sites.len());
    }
    if events.is_empty() {
        return Err(Error::AllRefused {
            path: shown.to_owned(),
            sites: sites.len(),
        });
    }
    Ok((Attached::Perf(events), refused))
}

fn perf_type() -> Result<u32, Error> {
    let path = "/sys/bus/event_source/devices/uprobe/type";
    std::fs::read_to_string(path)
        .and_then(|text| text.trim().parse().map_err(io::Error::other))
        .map_err(|error| Error::Read {
            path: path.into(),
            error,
        })
}
