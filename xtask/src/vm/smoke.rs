//! What is run on each kernel, and how its output is judged.

use std::{fmt::Write as _, thread};

use anyhow::{Context, Result, bail};
use gofuncgraph_tests::tree;
use serde_json::Value;

/// One command, run in the virtual machine's shell.
pub struct Smoke {
    /// What it shows.
    pub name: &'static str,
    action: Action,
}

enum Action {
    /// Prints something that begins like this.
    Says {
        command: &'static str,
        begin: &'static str,
    },
    /// A test program's own record and gofuncgraph's graphs are the same.
    Agrees {
        program: &'static str,
        mode: &'static str,
        /// The functions to include. A kernel without `uprobe_multi` takes long to detach from many sites.
        include: &'static str,
    },
}

/// Everything that is run, in this order.
pub const SMOKES: &[Smoke] = &[
    Smoke {
        name: "kernel",
        action: Action::Says {
            command: "uname -sr",
            begin: "Linux ",
        },
    },
    Smoke {
        name: "version",
        action: Action::Says {
            command: "gofuncgraph --version",
            begin: "gofuncgraph ",
        },
    },
    calls("calls", "truth"),
    calls("calls, stripped", "truth-stripped"),
    calls("calls, PIE", "truth-pie"),
    calls("calls, oldest Go", "truth-oldest"),
    agrees("entry instructions", "truth", "steps", "main.step*"),
    agrees(
        "entry instructions, PIE",
        "truth-pie",
        "steps",
        "main.step*",
    ),
    agrees("panics", "truth", "panics", PANICS),
    agrees(
        "goexit",
        "truth",
        "goexit",
        "main.leaves*, main.defers*, main.goexit*, main.leaf, main.middle, main.boom",
    ),
    agrees(
        "recursion",
        "truth",
        "recursion 3000",
        "main.recursion*, main.descend, main.leaf",
    ),
    agrees(
        "many goroutines",
        "truth",
        "many 500",
        "main.many*, main.blocks, main.leaf, main.middle",
    ),
    agrees(
        "garbage collections",
        "truth",
        "gc",
        "main.gc*, main.allocates, main.spin, main.digs, main.collects, main.leaf",
    ),
];

const PANICS: &str = "main.panics*, main.boom, main.leaf, main.recovers*, main.passes*, main.fault*, main.named*, main.deferred, main.nil*";

const fn calls(name: &'static str, program: &'static str) -> Smoke {
    let include = "main.plain, main.again, main.middle, main.leaf, main.fibonacci, main.even, main.odd, main.empty, main.add";
    agrees(name, program, "calls", include)
}

const fn agrees(
    name: &'static str,
    program: &'static str,
    mode: &'static str,
    include: &'static str,
) -> Smoke {
    Smoke {
        name,
        action: Action::Agrees {
            program,
            mode,
            include,
        },
    }
}

const BEGIN: &str = "GFG-VM: BEGIN";
const RECORD: &str = "GFG-VM: RECORD";
const ERRORS: &str = "GFG-VM: ERRORS";
const EXIT: &str = "GFG-VM: EXIT";

/// A shell script that runs everything and prints what [`judge`] reads.
#[must_use]
pub fn script() -> String {
    let mut script = String::new();
    for smoke in SMOKES {
        let run = match smoke.action {
            Action::Says { command, .. } => {
                format!("{command} 2>/tmp/errors\nstatus=$?\necho '{RECORD}'")
            }
            Action::Agrees {
                program,
                mode,
                include,
            } => format!(
                "gofuncgraph -e 'trace main.outer < include {include} >' --format json -o /tmp/graphs -- /bin/{program} {mode} >/tmp/record 2>/tmp/errors\n\
                 status=$?\ncat /tmp/graphs\necho '{RECORD}'\ncat /tmp/record"
            ),
        };
        // Writing to a String cannot fail.
        let _ = write!(
            script,
            "echo '{BEGIN}'\n{run}\necho '{ERRORS}'\ncat /tmp/errors\necho \"{EXIT} $status\"\n"
        );
    }
    script
}

/// What came of each of [`SMOKES`], in their order: a word on what was seen, or what is wrong.
pub fn judge(output: &str) -> Vec<Result<String>> {
    let mut parts = output.split(BEGIN).skip(1);
    SMOKES
        .iter()
        .map(|smoke| smoke.action.judge(parts.next().context("it was not run")?))
        .collect()
}

impl Action {
    fn judge(&self, part: &str) -> Result<String> {
        let (printed, rest) = part.split_once(RECORD).context("it did not end")?;
        let (record, rest) = rest.split_once(ERRORS).context("it did not end")?;
        let (errors, status) = rest.split_once(EXIT).context("it did not end")?;
        if status.trim() != "0" {
            bail!("exit status {}: {}", status.trim(), last(errors));
        }
        match self {
            Self::Says { begin, .. } => {
                let first = printed.trim().lines().next().unwrap_or_default();
                if !first.starts_with(begin) {
                    bail!("it printed {first:?}");
                }
                Ok(first.to_owned())
            }
            Self::Agrees { .. } => {
                agree(printed, record).with_context(|| format!("standard error: {}", errors.trim()))
            }
        }
    }
}

/// The last lines of what a command said; a refused program comes with a verifier log of thousands.
fn last(errors: &str) -> String {
    let lines: Vec<&str> = errors.trim().lines().collect();
    lines[lines.len().saturating_sub(8)..].join("\n    ")
}

/// Compares the graphs that gofuncgraph printed with a program's own record, tree by tree, as the end-to-end tests do.
fn agree(graphs: &str, record: &str) -> Result<String> {
    let (graphs, record) = (graphs.to_owned(), record.to_owned());
    let compare = move || {
        let lines: Vec<Value> = graphs.trim().lines().map(tree::parse).collect();
        let incomplete = lines
            .iter()
            .filter(|line| line["complete"] == false)
            .count();
        assert_eq!(incomplete, 0, "graphs are not complete");
        let recorded = tree::recorded(&record);
        assert!(!recorded.is_empty(), "the program recorded nothing");
        tree::assert_same("trees", &recorded, &tree::traced(&lines));
        recorded.len()
    };
    // Trees thousands of levels deep are parsed and compared by recursion.
    let thread = thread::Builder::new().stack_size(1 << 30).spawn(compare)?;
    match thread.join() {
        Ok(count) => Ok(format!("{count} graphs")),
        Err(panic) => bail!(
            "{}",
            panic
                .downcast_ref::<String>()
                .map_or("they differ", String::as_str)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORDED: &str = r#"{"mode":"calls","graphs":[{"root":{"function":"a","exit":"return","calls":[{"function":"b","exit":"return"}]}}],"count":2}"#;

    #[test]
    fn the_same_tree_agrees() {
        let traced = r#"{"type":"graph","complete":true,"root":{"function":"a","exit":"return","start_ns":0,"calls":[{"function":"b","exit":"return","calls":[]}]}}
                        {"type":"end","graphs":1}"#;
        assert_eq!(agree(traced, RECORDED).unwrap(), "1 graphs");
    }

    #[test]
    fn other_trees_do_not_agree() {
        let less = r#"{"type":"graph","complete":true,"root":{"function":"a","exit":"return","calls":[]}}"#;
        assert!(agree(less, RECORDED).is_err());
        assert!(agree("", RECORDED).is_err());
        assert!(agree("", r#"{"mode":"calls","graphs":[],"count":0}"#).is_err());
    }

    #[test]
    fn what_did_not_run_fails() {
        assert!(judge("").iter().all(Result::is_err));
        let only_the_first = format!("{BEGIN}\nLinux 6.1\n{RECORD}\n{ERRORS}\n{EXIT} 0\n");
        let results = judge(&only_the_first);
        assert_eq!(results.len(), SMOKES.len());
        assert!(results[0].is_ok() && results[1..].iter().all(Result::is_err));
    }
}
