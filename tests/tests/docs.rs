//! The documentation is right: what its pages show is run, and prints what they say.
//!
//! Blocks are ```` ```console ```` with words after it:
//!
//! - `run`: the lines that begin with `$ ` are run in a folder that holds `./server` (example/), `./truth`, `./budget` and `./values`
//!   (tests/programs), and `slow.gfg`, and what they print, on both streams, has to be what stands below them.
//! - `server`: one process of `./server` runs meanwhile, which `-p 4242` stands for. `traffic`: it is asked for pages all the time.
//! - `exit=N`: the exit code of the commands, 0 where nothing is said.
//!
//! Without `run` a block only shows how something is written: each `gofuncgraph` in it has to be understood.
//!
//! A line `...` stands for any number of lines, `[..]` for anything within a line. Numbers, durations and their marks may be others, and
//! columns elsewhere.

use std::{
    fs,
    io::Read,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
};

use gofuncgraph_tests::{
    example::{self, Server},
    go::{self, Mode},
    skip, tracer, workspace,
};
use regex::Regex;
use snapbox::{Data, IntoData};

/// What stands for the server's process in the pages.
const PID: &str = "-p 4242";

/// A block of a page.
struct Block {
    line: usize,
    words: Vec<String>,
    text: String,
}

impl Block {
    fn has(&self, word: &str) -> bool {
        self.words.iter().any(|w| w == word)
    }

    fn exit_code(&self) -> i32 {
        let code = self.words.iter().find_map(|w| w.strip_prefix("exit="));
        code.map_or(0, |code| code.parse().expect("a number after exit="))
    }

    /// Commands, each with the output below it. A command whose line ends in `\` goes on; `$` before several blanks is a slow call's mark.
    fn steps(&self) -> Vec<(String, String)> {
        let mut steps: Vec<(String, String)> = Vec::new();
        let mut continues = false;
        for line in self.text.lines() {
            let command = line
                .strip_prefix("$ ")
                .filter(|command| !command.starts_with(' '));
            if let Some(command) = command {
                steps.push((command.to_owned(), String::new()));
            } else {
                let (command, output) = steps.last_mut().expect("a block begins with a command");
                let to = if continues { command } else { output };
                to.push_str(line);
                to.push('\n');
            }
            continues = line.ends_with('\\') && (continues || command.is_some());
            if continues && command.is_some() {
                steps.last_mut().expect("a command goes on").0.push('\n');
            }
        }
        steps
    }
}

fn blocks(page: &str) -> Vec<Block> {
    let text = fs::read_to_string(workspace().join(page)).unwrap_or_else(|e| panic!("{page}: {e}"));
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    let mut other = false;
    for (number, line) in text.lines().enumerate() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(_), None) if other => other = false,
            (Some(info), None) => {
                let mut words = info.split_whitespace().map(str::to_owned);
                if words.next().as_deref() == Some("console") {
                    open = Some(Block {
                        line: number + 1,
                        words: words.collect(),
                        text: String::new(),
                    });
                } else {
                    other = true;
                }
            }
            (None, Some(block)) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none() && !other, "{page}: a block without an end");
    blocks
}

/// The folder in which commands are run.
struct Folder(tempfile::TempDir);

impl Folder {
    /// Files of its own, so that tests which run at the same time do not see each other's processes.
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let server = example::executable();
        let program = |package| go::build(go::newest(), package, Mode::Plain);
        for (from, to) in [
            (server, "server"),
            (program("truth"), "truth"),
            (program("budget"), "budget"),
            (program("values"), "values"),
            (workspace().join("example/slow.gfg"), "slow.gfg"),
            (tracer::binary(), "gofuncgraph"),
        ] {
            fs::copy(&from, folder.path().join(to))
                .unwrap_or_else(|e| panic!("{}: {e}", from.display()));
        }
        Self(folder)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Runs a command with a shell: exit code, and both streams as they came.
    fn run(&self, command: &str) -> (Option<i32>, String) {
        let path = format!(
            "{}:{}",
            self.path().display(),
            std::env::var("PATH").unwrap_or_default()
        );
        let mut shell = Command::new("sh")
            .args(["-c", &format!("exec 2>&1\n{command}")])
            .current_dir(self.path())
            .env("PATH", path)
            .env_remove("NO_COLOR")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .expect("sh runs");
        let mut stdout = shell.stdout.take().expect("it is piped");
        let output = thread::spawn(move || {
            let mut text = Vec::new();
            stdout.read_to_end(&mut text).expect("a pipe");
            String::from_utf8_lossy(&text).into_owned()
        });
        let status = shell.wait().expect("it ends");
        // A launched server outlives its tracer, and holds the pipe.
        let _ = Command::new("kill")
            .args(["--", &format!("-{}", shell.id())])
            .stderr(Stdio::null())
            .status();
        (status.code(), output.join().expect("the output"))
    }
}

/// Makes equal what may differ from run to run.
fn normalised(text: &str) -> String {
    let rules = [
        // Rows of a graph: mark and duration; the gap before the call site.
        (r"(?m)^[ +!#*@$] +\S+ \S+ │", "DURATION │"),
        (r"(?m)^(.*│.*?\S) {2,}(\S+)$", "$1  $2"),
        // Words between which a number decides.
        (r"\bpid \d+|\bprocess(es)? \d+", "process N"),
        (r"(?m)\d+ calls? filtered out, ", ""),
        (r"\b\d[\d,.]*\b", "N"),
        (r"\bN (ns|µs|ms|s)\b", "N s"),
        (r"\bN s to N s\b", "N s"),
        (r"(?m)^ +N s", " N s"),
    ];
    rules
        .iter()
        .fold(text.to_owned(), |text, (pattern, replacement)| {
            let regex = Regex::new(pattern).expect("a rule");
            regex.replace_all(&text, *replacement).into_owned()
        })
}

/// Paths of this machine as the pages write them.
fn with_shown_paths(text: &str) -> String {
    let root = workspace();
    let goroot = go::newest().root.display().to_string();
    text.replace(&goroot, "/usr/local/go")
        .replace(&root.join("example").display().to_string(), "/src/example")
        .replace(
            &root.join("tests/programs").display().to_string(),
            "/src/programs",
        )
}

fn compare(context: &str, documented: &str, output: &str) {
    let expected = normalised(documented.trim_end()).into_data();
    let mut output = with_shown_paths(output);
    // Said where probes cost 5% of a core or more: on a slow machine they do, for the same calls.
    if !documented.contains("all probes:") {
        let loads =
            Regex::new(r"(?m)^  (all probes: |\S+: [\d,]+ calls/s × ).*\n").expect("a rule");
        output = loads.replace_all(&output, "").into_owned();
    }
    let actual = Data::text(normalised(output.trim_end()));
    if let Err(error) = snapbox::Assert::new().try_eq(Some(&context), actual, expected) {
        panic!("{error}\nprinted:\n{output}");
    }
}

fn run_block(page: &str, block: &Block) {
    let folder = Folder::new();
    let server = (block.has("server") || block.has("traffic")).then(|| {
        Server::start(&folder.path().join("server"), block.has("traffic")).expect("the example")
    });
    for (command, documented) in block.steps() {
        let context = format!("{page}:{}: $ {command}", block.line);
        let command = match &server {
            Some(server) => command.replace(PID, &format!("-p {}", server.pid())),
            None => command,
        };
        let (code, output) = folder.run(&command);
        assert_eq!(code, Some(block.exit_code()), "{context}:\n{output}");
        if !documented.trim().is_empty() {
            compare(&context, &documented, &output);
        }
    }
}

/// A command that is only shown: its options and its program are understood.
fn check_block(page: &str, block: &Block) {
    let folder = Folder::new();
    for (command, _) in block.steps() {
        let Some(arguments) = command
            .strip_prefix("sudo ")
            .unwrap_or(&command)
            .strip_prefix("gofuncgraph ")
        else {
            continue;
        };
        let context = format!("{page}:{}: $ {command}", block.line);
        // With --version everything is parsed and nothing is done.
        let (code, output) = folder.run(&format!("gofuncgraph --version {arguments}"));
        let subcommand = ["check ", "explain ", "list "]
            .iter()
            .any(|word| arguments.starts_with(word));
        assert!(code == Some(0) || subcommand, "{context}:\n{output}");
        if let Some(program) = arguments
            .split("-e '")
            .nth(1)
            .and_then(|rest| rest.split('\'').next())
        {
            let (code, output) = folder.run(&format!("gofuncgraph check -e '{program}'"));
            assert_eq!(code, Some(0), "{context}:\n{output}");
        }
    }
}

fn check_page(page: &str) {
    if skip().is_some() {
        return;
    }
    for block in blocks(page) {
        if block.has("run") {
            run_block(page, &block);
        } else {
            check_block(page, &block);
        }
    }
}

#[test]
fn readme() {
    check_page("README.md");
}

#[test]
fn trace() {
    check_page("docs/trace.md");
}

#[test]
fn check() {
    check_page("docs/check.md");
}

#[test]
fn explain() {
    check_page("docs/explain.md");
}

#[test]
fn list() {
    check_page("docs/list.md");
}

#[test]
fn classic() {
    check_page("docs/classic.md");
}

#[test]
fn troubleshooting() {
    check_page("docs/troubleshooting.md");
}

/// A link to a page, a heading or a file of the repository leads somewhere.
#[test]
fn links_lead_somewhere() {
    let root = workspace();
    let mut pages: Vec<PathBuf> = fs::read_dir(root.join("docs"))
        .expect("docs")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|e| e == "md"))
        .collect();
    pages.extend([root.join("README.md"), root.join("ARCHITECTURE.md")]);
    let link = Regex::new(r"\]\(([^)\s]+)\)").expect("a pattern");
    let mut seen = 0;
    for page in pages {
        let text = fs::read_to_string(&page).expect("a page");
        let prose: String = text.split("```").step_by(2).collect();
        for capture in link.captures_iter(&prose) {
            let (path, heading) = capture[1].split_once('#').unwrap_or((&capture[1], ""));
            if path.contains("://") {
                continue;
            }
            seen += 1;
            let to = if path.is_empty() {
                page.clone()
            } else {
                page.with_file_name(path)
            };
            assert!(
                to.exists(),
                "{}: {} leads nowhere",
                page.display(),
                &capture[1]
            );
            if !heading.is_empty() {
                let text = fs::read_to_string(&to).expect("a page");
                let found = text
                    .lines()
                    .filter(|l| l.starts_with('#'))
                    .any(|l| anchor(l) == heading);
                assert!(found, "{}: no heading {}", page.display(), &capture[1]);
            }
        }
    }
    assert!(seen > 10, "{seen} links");
}

/// The name of a heading in links, as forges make it.
fn anchor(heading: &str) -> String {
    heading
        .trim_start_matches('#')
        .trim()
        .to_lowercase()
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

/// A documented block and what is printed may differ in numbers, and in nothing else.
#[test]
fn comparing_is_strict_but_for_numbers() {
    let documented = "── 12:13:34.620651  pid 4242  goroutine 44  main.f ──\n@ 441.6 ms │ main.f() {      a.go:1\n    708 ns │   main.g()  a.go:2\n           │ }\n";
    let printed = "── 12:19:34.000001  pid 17  goroutine 7  main.f ──\n$   1.64 s │ main.f() {    a.go:1\n+  70.8 µs │   main.g()    a.go:2\n           │ }\n";
    assert_eq!(normalised(documented), normalised(printed));
    assert_ne!(
        normalised(documented),
        normalised(&printed.replace("  main.g", "main.g"))
    );
    assert_ne!(
        normalised(documented),
        normalised(&printed.replace("g()", "g() ⟂ unwound"))
    );
}
