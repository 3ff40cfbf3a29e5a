//! What is run on each kernel, and how its output is judged.

mod large;
mod printed;
mod types;
mod untouched;
mod values;

use std::thread;

use anyhow::{Context, Result, bail};
use gofuncgraph_tests::tree;
use serde_json::Value;
use types::Which;

/// One command, run in the virtual machine's shell.
pub struct Smoke {
    /// What it shows.
    pub name: &'static str,
    action: Action,
}

enum Action {
    /// `gofuncgraph --version` knows what the kernel can do.
    Version,
    /// A test program's own record and gofuncgraph's graphs are the same.
    Agrees(Traced),
    /// The same with two gofuncgraphs at once, one of which has been told to probe every `ret`.
    BothAgree(Traced),
    /// What is decided, shown and counted by values is what this program says.
    Values(&'static str),
    /// Values of many types are those that this program says.
    Types(&'static str, Which),
    /// Values are right where the program waits for their memory; this program, in this mode.
    Untouched(&'static str),
    /// Threads of C that have one goroutine after the other: `threads`, with these arguments, which say how their calls end.
    Threads(&'static [&'static str]),
    /// The kernel takes the code for the values of thousands of functions: those of the go command.
    Large(&'static str),
}

/// A test program, in a mode.
struct Traced {
    program: &'static str,
    mode: &'static str,
    /// The functions to include. A kernel without `uprobe_multi` takes long to detach from many sites.
    include: &'static str,
}

/// Everything that is run, in this order.
pub const SMOKES: &[Smoke] = &[
    Smoke {
        name: "version",
        action: Action::Version,
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
    agrees("ways out", "truth", "edges", EDGES),
    agrees(
        "tail calls",
        "truth",
        "tail",
        "main.promoted, main.(*holder).*, main.(*embedder).*, main.(*point).move, main.jumps, main.asm*, main.leaf",
    ),
    agrees(
        "closures",
        "truth",
        "closures",
        "main.closures*, main.literals*, main.apply, main.counting*, main.leaf",
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
        "many 3000",
        "main.many*, main.blocks, main.leaf, main.middle",
    ),
    agrees(
        "garbage collections",
        "truth",
        "gc",
        "main.gc*, main.allocates, main.spin, main.digs, main.collects, main.leaf",
    ),
    Smoke {
        name: "threads of C",
        action: Action::Threads(&["returns", "exits", "returns"]),
    },
    Smoke {
        name: "values, PIE",
        action: Action::Values("counted-pie"),
    },
    Smoke {
        name: "values, oldest Go",
        action: Action::Values("counted-oldest"),
    },
    Smoke {
        name: "types",
        action: Action::Types("values", Which::Some),
    },
    Smoke {
        name: "types, hundreds of functions",
        action: Action::Types("values", Which::All),
    },
    Smoke {
        name: "values that nobody has touched",
        action: Action::Untouched("untouched pages 200 2"),
    },
    Smoke {
        name: "values of thousands of functions",
        action: Action::Large("go"),
    },
    Smoke {
        name: "two tracers at once",
        action: Action::BothAgree(Traced {
            program: "truth",
            mode: "calls",
            include: CALLS,
        }),
    },
    Smoke {
        name: "two tracers at once, entry instructions",
        action: Action::BothAgree(Traced {
            program: "truth",
            mode: "steps",
            include: "main.step*",
        }),
    },
];

const CALLS: &str = "main.plain, main.again, main.middle, main.leaf, main.fibonacci, main.even, main.odd, main.empty, main.add";
const EDGES: &str = ":edges.go, :last.go, main.leaf, main.boom, main.asm*";

const PANICS: &str = "main.panics*, main.boom, main.leaf, main.recovers*, main.passes*, main.fault*, main.named*, main.deferred, main.nil*";

const fn calls(name: &'static str, program: &'static str) -> Smoke {
    agrees(name, program, "calls", CALLS)
}

const fn agrees(
    name: &'static str,
    program: &'static str,
    mode: &'static str,
    include: &'static str,
) -> Smoke {
    Smoke {
        name,
        action: Action::Agrees(Traced {
            program,
            mode,
            include,
        }),
    }
}

const BEGIN: &str = "GFG-VM: BEGIN";
const SECOND: &str = "GFG-VM: SECOND";
const RECORD: &str = "GFG-VM: RECORD";
const ERRORS: &str = "GFG-VM: ERRORS";
const EXIT: &str = "GFG-VM: EXIT";

/// A shell script that runs everything and prints what [`judge`] reads.
#[must_use]
pub fn script() -> String {
    SMOKES
        .iter()
        .map(|smoke| {
            format!(
                "echo '{BEGIN}'\n{}\necho '{ERRORS}'\ncat /tmp/errors\necho \"{EXIT} $status\"\n",
                smoke.action.commands()
            )
        })
        .collect()
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
    /// Leave what they say in /tmp/errors and an exit status in `status`.
    fn commands(&self) -> String {
        match self {
            Self::Version => {
                format!("gofuncgraph --version 2>/tmp/errors\nstatus=$?\necho '{RECORD}'")
            }
            Self::Agrees(Traced {
                program,
                mode,
                include,
            }) => with_record(&format!(
                "gofuncgraph --budget off --max-probes 200 -e 'trace main.outer < include {include} >' --format json -o /tmp/graphs -- /bin/{program} {mode}"
            )),
            Self::Values(program) => with_record(&format!(
                "gofuncgraph --budget off --max-probes 200 -e '{}' --format json -o /tmp/graphs -- /bin/{program} 50 2ms",
                values::PROGRAM
            )),
            Self::Types(program, which) => with_record(&format!(
                "ulimit -n 4096
gofuncgraph --budget off --max-probes 1000 -e '{}' --format json -o /tmp/graphs -- /bin/{program}",
                types::program(*which)
            )),
            Self::Untouched(program) => with_record(&format!(
                "gofuncgraph --budget off -e '{}' --format json -o /tmp/graphs -- /bin/{program}",
                untouched::PROGRAM
            )),
            Self::Threads(arguments) => format!(
                "gofuncgraph --budget off -e 'trace main.outer' --format json -o /tmp/graphs -- /bin/threads {} 2>/tmp/errors
status=$?
cat /tmp/graphs
echo '{RECORD}'",
                arguments.join(" ")
            ),
            Self::Large(program) => with_record(&format!(
                "GOROOT=/ gofuncgraph --budget off -e '{}' --format json -o /tmp/graphs -- /bin/{program} version",
                large::PROGRAM
            )),
            Self::BothAgree(Traced {
                program,
                mode,
                include,
            }) => format!(
                "rm -f /tmp/go /tmp/record /tmp/errors.auto /tmp/errors.ret
mkfifo /tmp/go
{program} -wait {mode} </tmp/go >/tmp/record 2>/tmp/errors &
target=$!
exec 3>/tmp/go
until grep -qs pid /tmp/record; do sleep 0.1; done
for sites in auto ret; do
  gofuncgraph --budget off -p $target -e 'trace main.outer < include {include} >' --exit-sites $sites --format json -o /tmp/graphs.$sites 2>/tmp/errors.$sites &
  tracers=\"$tracers $!\"
  until grep -qs '^tracing ' /tmp/errors.$sites || ! kill -0 $! 2>/dev/null; do sleep 0.1; done
done
echo go >&3
exec 3>&-
wait $target
status=$?
for tracer in $tracers; do
  wait $tracer || status=$?
done
tracers=
cat /tmp/errors.auto /tmp/errors.ret >>/tmp/errors
cat /tmp/graphs.auto
echo '{SECOND}'
cat /tmp/graphs.ret
echo '{RECORD}'
cat /tmp/record"
            ),
        }
    }

    fn judge(&self, part: &str) -> Result<String> {
        let (printed, rest) = part.split_once(RECORD).context("it did not end")?;
        let (record, rest) = rest.split_once(ERRORS).context("it did not end")?;
        let (errors, status) = rest.split_once(EXIT).context("it did not end")?;
        if let Self::Large(_) = self
            && let Some(said) = large::is_loaded(errors)
        {
            return Ok(said);
        }
        if status.trim() != "0" {
            bail!("exit status {}: {}", status.trim(), last(errors));
        }
        let said = || format!("standard error: {}", errors.trim());
        match self {
            Self::Version => features(printed),
            Self::Agrees(_) => agree(printed, record).with_context(said),
            Self::Values(_) => values::agree(printed, record).with_context(said),
            Self::Types(_, which) => types::agree(*which, printed, record).with_context(said),
            Self::Untouched(_) => untouched::agree(printed, record).with_context(said),
            Self::Threads(arguments) => ends(arguments, printed).with_context(said),
            Self::Large(_) => large::agree(printed, errors).with_context(said),
            Self::BothAgree(_) => {
                let (first, second) = printed.split_once(SECOND).context("it did not end")?;
                agree(first, record)
                    .context("where it costs least")
                    .with_context(said)?;
                agree(second, record)
                    .context("at each ret")
                    .with_context(said)
            }
        }
    }
}

/// A command that traces a program into /tmp/graphs, then shows that and what the program says of itself.
fn with_record(command: &str) -> String {
    format!(
        "{command} >/tmp/record 2>/tmp/errors
status=$?
cat /tmp/graphs
echo '{RECORD}'
cat /tmp/record"
    )
}

/// What is known of kernels is what gofuncgraph has found out.
fn features(said: &str) -> Result<String> {
    let kernel = said
        .lines()
        .find_map(|line| line.strip_prefix("Linux "))
        .with_context(|| format!("it printed {said:?}"))?;
    let mut numbers = kernel
        .split(|c: char| !c.is_ascii_digit())
        .map_while(|digits| digits.parse::<u32>().ok());
    let version = (numbers.next(), numbers.next());
    for (feature, first) in [
        ("waits for memory", (6, 0)),
        ("uprobe_multi", (6, 6)),
        ("returns without single-stepping", (7, 2)),
    ] {
        let there = version >= (Some(first.0), Some(first.1));
        let expected = format!("{feature} {}", if there { "yes" } else { "no" });
        if !kernel.contains(&expected) {
            bail!("Linux {kernel}: not {expected:?}");
        }
    }
    Ok(kernel.to_owned())
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
        if let Err(error) = printed::nothing_lost(&lines) {
            panic!("{error}");
        }
        let recorded = tree::recorded(&record);
        assert!(!recorded.is_empty(), "the program recorded nothing");
        tree::assert_same("trees", &recorded, &tree::traced(&lines));
        recorded.len()
    };
    // Trees thousands of levels deep are parsed and compared by recursion.
    let thread = thread::Builder::new().stack_size(1 << 30).spawn(compare)?;
    match thread.join() {
        Ok(count) => Ok(format!("{count} graphs")),
        Err(panic) => {
            let said = panic.downcast_ref::<String>().map(String::as_str);
            let said = said.or_else(|| panic.downcast_ref::<&str>().copied());
            bail!("{}", said.unwrap_or("they differ"))
        }
    }
}

/// The calls have ended as the arguments say.
fn ends(arguments: &[&str], graphs: &str) -> Result<String> {
    let lines = graphs.trim().lines().map(tree::parse);
    let graphs = lines.filter(|line| line["type"] == "graph");
    let ends: Vec<String> = graphs
        .map(|graph| graph["root"]["exit"].as_str().unwrap_or("").to_owned())
        .collect();
    let ended = |argument: &&str| match *argument {
        "exits" => "unwound",
        _ => "return",
    };
    let expected: Vec<&str> = arguments.iter().map(ended).collect();
    if ends != expected {
        bail!("{ends:?} and not {expected:?}");
    }
    Ok(format!("{} graphs", ends.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORDED: &str = r#"{"mode":"calls","graphs":[{"root":{"function":"a","exit":"return","calls":[{"function":"b","exit":"return"}]}}],"count":2}"#;

    /// A trace of one graph, of `a` with these calls inside.
    fn traced(calls: &str) -> String {
        format!(
            r#"{{"type":"graph","complete":true,"start":"2026-11-18T16:21:55Z","root":{{"function":"a","exit":"return","calls":[{calls}]}}}}"#
        )
    }

    const B: &str = r#"{"function":"b","exit":"return","calls":[]}"#;
    const END: &str = r#"{"type":"end","graphs":1}"#;

    #[test]
    fn the_same_tree_agrees() {
        let trace = format!("{}\n{END}", traced(B));
        assert_eq!(agree(&trace, RECORDED).unwrap(), "1 graphs");
    }

    #[test]
    fn other_trees_do_not_agree() {
        let wrong = |trace: &str, record: &str, why: &str| {
            let error = format!("{:#}", agree(trace, record).unwrap_err());
            assert!(error.contains(why), "{error}");
        };
        let less = format!("{}\n{END}", traced(""));
        wrong(&less, RECORDED, "trees: graph 0");
        wrong(END, RECORDED, "trees: graphs expected");
        wrong(&traced(B), RECORDED, "no totals");
        let stale = r#"{"type":"end","graphs":1,"stale":1}"#;
        wrong(&format!("{}\n{stale}", traced(B)), RECORDED, "stale 1");
        let nothing = r#"{"mode":"calls","graphs":[],"count":0}"#;
        wrong(END, nothing, "the program recorded nothing");
    }

    #[test]
    fn what_did_not_run_fails() {
        assert!(judge("").iter().all(Result::is_err));
        let only_the_first = format!(
            "{BEGIN}\ngofuncgraph 0.1.0\nLinux 6.1.0: uprobe_multi no, waits for memory yes, returns without single-stepping no\n{RECORD}\n{ERRORS}\n{EXIT} 0\n"
        );
        let results = judge(&only_the_first);
        assert_eq!(results.len(), SMOKES.len());
        assert!(results[0].is_ok() && results[1..].iter().all(Result::is_err));
    }

    #[test]
    fn features_are_those_of_the_version() {
        let says = |release: &str, multi: &str, returns: &str| {
            features(&format!(
                "gofuncgraph 0.1.0\nLinux {release}: uprobe_multi {multi}, bpf_loop yes, waits for memory yes, returns without single-stepping {returns}, BTF yes\n"
            ))
        };
        assert!(says("6.1.0-40-cloud-amd64", "no", "no").is_ok());
        assert!(says("6.12.100+deb12", "yes", "no").is_ok());
        assert!(says("7.2.13+deb14", "yes", "yes").is_ok());
        assert!(says("7.2.13+deb14", "yes", "no").is_err());
        assert!(says("10.0", "no", "yes").is_err());
        assert!(features("gofuncgraph 0.1.0\n").is_err());
    }
}
