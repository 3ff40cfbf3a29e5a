//! What the kernel side filters a trace's calls by.

use std::time::Duration;

use serde::Serialize;

/// Filters of a trace. `None` and empty mean "all".
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Filter {
    /// Least duration of the target call.
    pub min: Option<Duration>,
    /// Greatest duration of the target call.
    pub max: Option<Duration>,
    /// Calls below the target that took less are dropped.
    pub prune: Option<Duration>,
    /// Levels shown below the target.
    pub depth: Option<u32>,
    /// One target call in this many.
    pub sample: Option<u64>,
    /// Kept graphs.
    pub limit: Option<u64>,
    /// Interval for which `limit` holds.
    pub limit_per: Option<Duration>,
    /// Processes.
    pub pids: Vec<u32>,
    /// Thread names, at most 15 bytes each.
    pub comms: Vec<String>,
    /// Goroutine ids.
    pub goroutines: Vec<u64>,
    /// Return addresses of the target's callers to keep.
    pub stack: Option<u32>,
}
