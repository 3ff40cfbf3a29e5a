//! When processes end, and when they run another program: noted by two programs of the kernel's at the moment when it happens.
//!
//! A process is its id and its start (`ebpf_templates::ProcessKey`): the next one with the same id is another one, and what is found of the
//! old one in /proc later is nothing that tells when it ended.

use std::os::fd::{AsFd, OwnedFd};

use aya::maps::{HashMap, MapData};
use ebpf_templates::{GoroutineKey, Process, ProcessEnd, ProcessKey};

use crate::{Error, loader, plain::Plain, sys};

/// The map that these programs share with the probe program.
pub(crate) const PROCESSES: &str = "processes";

/// Watches processes as long as it lives.
pub(crate) struct Lifetime {
    _links: Vec<OwnedFd>,
}

impl Lifetime {
    /// Begins to watch the processes in the map, which is the one that is returned.
    pub(crate) fn watch() -> Result<(Self, std::collections::HashMap<String, MapData>), Error> {
        let (loaded, tracepoints) = loader::load_lifetime()?;
        let links = loaded.programs.iter().zip(tracepoints);
        let links = links.map(|(program, tracepoint)| {
            sys::open_raw_tracepoint(program.as_fd(), tracepoint).map_err(|error| Error::System {
                what: "watching processes at a tracepoint",
                error,
            })
        });
        let links = links.collect::<Result<_, _>>()?;
        Ok((Self { _links: links }, loaded.maps))
    }
}

/// A process that has been in a graph and is gone, or runs another program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// Its id, in the tracer's namespace.
    pub pid: u32,
    /// [`ProcessKey::image`].
    pub image: u64,
    /// When that happened, by the kernel's clock.
    pub at_ns: u64,
    /// Which of both.
    pub how: ProcessEnd,
}

impl Ended {
    /// Is the goroutine one of this process?
    #[must_use]
    pub fn had(&self, goroutine: &GoroutineKey) -> bool {
        (self.pid, self.image) == (goroutine.tgid, goroutine.image)
    }
}

/// Takes those that have ended out of the map.
pub(crate) fn take_ended(
    processes: &mut HashMap<MapData, Plain<ProcessKey>, Plain<Process>>,
) -> Vec<Ended> {
    let ended: Vec<(ProcessKey, Ended)> = processes
        .iter()
        .filter_map(Result::ok)
        .filter_map(|(Plain(key), Plain(process))| {
            let how = [ProcessEnd::Exit, ProcessEnd::Exec]
                .into_iter()
                .find(|how| *how as u32 == process.end)?;
            let ended = Ended {
                pid: process.tgid,
                image: key.image,
                at_ns: process.ended_ns,
                how,
            };
            Some((key, ended))
        })
        .collect();
    for (key, _) in &ended {
        let _ = processes.remove(&Plain(*key));
    }
    ended.into_iter().map(|(_, ended)| ended).collect()
}
