//! A request to the example server with all of net/http included: how much longer it takes, against bpftrace counting at the entries and
//! every `ret` of those functions that a request passes.

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use gofuncgraph_tests::{example::Server, tree};

use super::{added, ratio};
use crate::bench::{
    Effort,
    bpftrace::Bpftrace,
    figures::{Figure, Report, Unit},
    programs::{Programs, Tracing},
};

const TRACE: &str = "trace main.handleFoo < include net/http* >";
/// What tells which functions a request passes.
const EVERYTHING: &str = "trace net/http*";
/// In a row, of which the median counts.
const REQUESTS: usize = 200;
const BAR: f64 = 0.5;

/// Nanoseconds a request, one value a round.
#[derive(Default)]
struct Series {
    nothing: Vec<f64>,
    tracer: Vec<f64>,
    bpftrace: Vec<f64>,
}

/// Measures.
pub fn measure(
    programs: &Programs,
    effort: Effort,
    with_bpftrace: bool,
    report: &mut Report,
) -> Result<()> {
    let copy = |name| programs.copy(&programs.example, name);
    let passed = functions_passed(programs, &copy("passed")?)?;
    let passed: Vec<&str> = passed.iter().map(String::as_str).collect();

    let plain = Server::start(&copy("plain")?, false)?;
    let traced = copy("traced")?;
    let target = Server::start(&traced, false)?;
    let tracing = Tracing::gofuncgraph(programs, &["-e", TRACE, &traced.to_string_lossy()])?;
    let mut bpftrace = None;
    if with_bpftrace {
        let counted = copy("bpftrace")?;
        let code = programs.code(&counted, &passed)?;
        let sites: usize = code.iter().map(|code| 1 + code.returns.len()).sum();
        let what = format!(
            "a request passes {} functions of net/http; bpftrace counts at their {sites} entries and rets",
            passed.len()
        );
        report.notes.push(what);
        Bpftrace::prepare(&counted, &code)?;
        let server = Server::start(&counted, false)?;
        eprintln!("attaching bpftrace …");
        bpftrace = Some((server, Bpftrace::start(&counted)?));
    }

    let mut all = Series::default();
    let mut clients = Vec::new();
    let counted = bpftrace.as_ref().map(|(server, _)| server);
    for server in [Some(&plain), Some(&target), counted].into_iter().flatten() {
        clients.push(Client::connect(server.address())?);
    }
    for round in 0..=effort.rounds {
        let to = [&mut all.nothing, &mut all.tracer, &mut all.bpftrace];
        for (client, to) in clients.iter_mut().zip(to) {
            let median = client.median()?;
            // The first round warms up.
            if round > 0 {
                to.push(median);
            }
        }
    }
    tracing.stop()?;
    if let Some((_server, bpftrace)) = bpftrace {
        eprintln!("detaching bpftrace, which takes minutes …");
        let requests = u64::try_from((effort.rounds + 1) * REQUESTS)?;
        let seen = bpftrace.stop()?;
        if seen.entered < requests {
            bail!("bpftrace saw {seen:?} in {requests} requests");
        }
    }
    fill(report, &all);
    Ok(())
}

fn fill(report: &mut Report, all: &Series) {
    let ns = Unit::Nanoseconds;
    report.figure("a request, without probes", ns, &all.nothing);
    let tracer = added(&all.tracer, &all.nothing);
    report.figure("  more with include net/http*", ns, &tracer);
    if !all.bpftrace.is_empty() {
        let bpftrace = added(&all.bpftrace, &all.nothing);
        report.figure(
            "  more with bpftrace counting the same functions",
            ns,
            &bpftrace,
        );
        let ratios = ratio(&tracer, &bpftrace);
        let median = report.figure("  tracer : bpftrace", Unit::Ratio, &ratios);
        let bar = "more time for a request: tracer : bpftrace";
        report.bar(bar, Unit::Ratio, median, BAR);
    }
}

/// Functions of net/http that are called for a request, its connection included.
fn functions_passed(programs: &Programs, executable: &Path) -> Result<BTreeSet<String>> {
    let graphs = executable.with_extension("json");
    let server = Server::start(executable, false)?;
    let arguments = [
        "-e",
        EVERYTHING,
        "--format",
        "json",
        "-o",
        &graphs.to_string_lossy(),
        &executable.to_string_lossy(),
    ];
    let tracing = Tracing::gofuncgraph(programs, &arguments)?;
    let mut client = Client::connect(server.address())?;
    for _ in 0..REQUESTS {
        client.ask()?;
    }
    drop(client);
    tracing.stop()?;
    let mut names = BTreeSet::new();
    for line in fs::read_to_string(&graphs)?.lines() {
        let graph = tree::parse(line);
        let mut pending = vec![&graph["root"]];
        while let Some(call) = pending.pop() {
            names.extend(call["function"].as_str().map(str::to_owned));
            pending.extend(call["calls"].as_array().into_iter().flatten());
        }
    }
    if names.is_empty() {
        bail!("the tracer saw no function of net/http");
    }
    Ok(names)
}

/// A connection that is kept.
struct Client {
    stream: BufReader<TcpStream>,
    request: String,
}

impl Client {
    fn connect(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        Ok(Self {
            stream: BufReader::new(stream),
            request: format!("GET /foo HTTP/1.1\r\nHost: {address}\r\n\r\n"),
        })
    }

    /// How long a request takes, in nanoseconds: the middle one of many.
    fn median(&mut self) -> Result<f64> {
        let times = (0..REQUESTS)
            .map(|_| Ok(self.ask()?.as_nanos() as f64))
            .collect::<Result<Vec<_>>>()?;
        Ok(Figure::new("", Unit::Nanoseconds, &times).median)
    }

    fn ask(&mut self) -> Result<Duration> {
        let begun = Instant::now();
        self.stream.get_mut().write_all(self.request.as_bytes())?;
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if self.stream.read_line(&mut head)? == 0 {
                bail!("the server closed the connection: {head:?}");
            }
        }
        if !head.starts_with("HTTP/1.1 200 ") {
            bail!("the server answered {head:?}");
        }
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("Content-Length: "))
            .with_context(|| format!("no length: {head:?}"))?;
        let mut body = vec![0; length.parse()?];
        self.stream.read_exact(&mut body)?;
        Ok(begun.elapsed())
    }
}
