//! The trace itself: attach, read, draw, let go.

use std::{path::Path, sync::Arc};

use anyhow::bail;
use compiler::{Plan, Prices};
use runtime::{Calibration, Kernel, Launched, Running, Tracer};
use session::{
    BinarySymbols, Compensation, Hindrances, Loading, Overhead, Session, Surroundings, Traced,
    Until,
};

use crate::{
    announce::{announce, progress},
    args::{Color, How, What},
    failure::{self, Usage, WrongProgram},
    hints,
    load::{self, Loaded},
    output, prices,
    request::{Request, Target},
    stop::Stop,
    terminal::{say, shown},
};

/// Runs the trace that the command line asks for.
pub fn run(what: &What, how: &How) -> anyhow::Result<()> {
    failure::enough_memory()?;
    let stop = Stop::on_signals()?;
    let request = Request::new(what)?;
    let format = how.format.unwrap_or(request.usual_format);
    let mut calibration = Calibration::start();
    let placement = prices::placement(request.exit_sites, &mut calibration);
    let (color, limit) = (how.color, how.limit);
    let load = move || {
        let mut loaded = load::load(request, color, placement)?;
        limit_counted(&mut loaded.traced.plan, limit);
        Ok(loaded)
    };
    let Some(Loaded { target, traced }) = stop.unless_early(load)? else {
        return Ok(());
    };
    let (pid, running) = match &target {
        Target::Process(pid) => (Some(*pid), Some(running(*pid)?)),
        _ => (None, None),
    };
    check_scope(&traced.plan, pid)?;
    spare_inputs(&traced, how)?;
    let mut sink = output::open(how, format)?;
    if stop.came_early() {
        return Ok(());
    }
    let mut launched = launch(&target, &traced)?;
    let pid = pid.or(launched.as_ref().map(Launched::pid));
    let options = runtime::Options {
        max_goroutines: how.max_goroutines,
        max_probes: how.max_probes,
        ring_bytes: how.ring_size,
    };
    let load = move || load_probes(traced, pid, &options, color, limit);
    let Some((traced, mut tracer)) = stop.unless_early(load)? else {
        return Ok(());
    };
    let traced = Arc::new(traced);
    if stop.came_early() {
        return Ok(());
    }
    let attachment = tracer
        .attach(&traced.plan, &traced.binary, pid, &mut progress)
        .map_err(|error| match pid {
            Some(pid) if !runtime::process::is_alive(pid) => {
                anyhow::anyhow!("process {pid} ended before the probes were set")
            }
            _ => error.into(),
        })?;
    // The rest of the prices is needed in a moment, or with the first graph.
    calibration.go_on();
    if traced.plan.settings.compensate {
        calibration.wait();
    }
    let prices = session::prices::so_far(&mut calibration);
    let mut loading = match traced.is_library {
        true => Some(Loading::new(traced.binary.identity()?, pid)),
        false => None,
    };
    let mut processes = attachment.processes.clone();
    processes.extend(pid.filter(|pid| !processes.contains(pid)));
    let mut hindrances = Hindrances::new(processes);
    let of = (&target, &*traced);
    announce(
        of,
        loading.as_mut(),
        &attachment,
        &mut hindrances,
        &prices,
        how,
    )?;
    let by_path = matches!(target, Target::Executable(_));
    let surroundings = Surroundings::new(Arc::clone(&traced), pid, by_path, loading, hindrances)?;
    let names = BinarySymbols::new(&traced.plan, &traced.executable, &traced.binary);
    let mut session = Session::new(&traced.plan, &mut tracer, &names, &mut sink)
        .limited(how.limit)
        .compensated(compensation(&traced.plan, &prices))
        .budgeted(Overhead::new(Arc::clone(&traced), calibration))
        .within(surroundings);
    session.begin()?;
    if let Some(launched) = &mut launched {
        launched.run()?;
    }
    let end = session.follow(&mut Until {
        stop: &|| stop.came(),
        duration: how.duration,
        has_ended: &mut || match (&mut launched, &running) {
            (Some(launched), _) => launched.ended().is_some(),
            (None, running) => running.as_ref().is_some_and(Running::has_ended),
        },
    });
    let closing = session.close();
    if let Some(launched) = &mut launched
        && launched.ended().is_none()
        && let Target::Launch { executable, .. } = &target
    {
        say!(
            "{} goes on as process {}",
            shown(executable),
            launched.pid()
        );
    }
    end.and(closing)
}

/// Starts the program of the command line, if it names one, up to its first instruction.
fn launch(target: &Target, traced: &Traced) -> anyhow::Result<Option<Launched>> {
    let Target::Launch { executable, args } = target else {
        return Ok(None);
    };
    let launched = Launched::start(&executable.to_string_lossy(), args)?;
    let runs = runtime::process::executable_path(launched.pid());
    if !traced.is_library && traced.is_another(&runs) {
        bail!(
            "{} was replaced while it was being read: start again",
            shown(&traced.plan.executable)
        );
    }
    Ok(Some(launched))
}

/// Loads the programs of the plan, with less code for values where the kernel has no room for all of it.
fn load_probes(
    mut traced: Traced,
    pid: Option<u32>,
    options: &runtime::Options,
    color: Color,
    limit: Option<u64>,
) -> anyhow::Result<(Traced, Tracer)> {
    loop {
        let error = match Tracer::load(&traced.plan, pid, options.clone()) {
            Ok(tracer) => return Ok((traced, tracer)),
            Err(error) => error,
        };
        if error.is_too_large()
            && let Some(left_out) = traced.shrink()?
        {
            load::show(&traced.source, &left_out, color);
            limit_counted(&mut traced.plan, limit);
            continue;
        }
        let runtime::Error::Verifier {
            span: Some(span),
            log,
            ..
        } = &error
        else {
            return Err(error.into());
        };
        let refused = compiler::codegen::refused(span, log);
        load::show(&traced.source, &[refused], color);
        return Err(WrongProgram.into());
    }
}

/// What takes the probes' own time out of durations, where that is wanted.
fn compensation(plan: &Plan, prices: &Prices) -> Option<Compensation> {
    if !plan.settings.compensate {
        return None;
    }
    if !prices.measured {
        say!("  the cost of a probe could not be measured: durations are corrected by estimates");
    }
    let carries_out = Kernel::detect().writes_registers();
    Some(Compensation::new(plan, prices, carries_out))
}

/// The process, which may have ended since its executable was opened.
fn running(pid: u32) -> anyhow::Result<Running> {
    Running::find(pid).map_err(|error| match hints::no_process(pid) {
        Some(refused) => refused.into(),
        None => error.into(),
    })
}

/// A trace whose own `pid` clause leaves out the one process asked for would never show anything.
fn check_scope(plan: &Plan, pid: Option<u32>) -> anyhow::Result<()> {
    let Some(pid) = pid else { return Ok(()) };
    for trace in &plan.traces {
        let pids = &trace.filter.pids;
        if !pids.is_empty() && !pids.contains(&pid) {
            bail!(Usage::new(
                format!("-p {pid} contradicts the `pid` clause of `{}`", trace.label),
                "leave out one of them",
            ));
        }
    }
    Ok(())
}

/// What is traced, and the program, are not written over.
fn spare_inputs(traced: &Traced, how: &How) -> anyhow::Result<()> {
    use runtime::process::identity_of;
    let Some((path, output)) = how
        .output
        .as_ref()
        .and_then(|path| Some((path, identity_of(path).ok()?)))
    else {
        return Ok(());
    };
    let is_program = identity_of(Path::new(&traced.source.name)).is_ok_and(|file| file == output);
    if is_program || traced.binary.identity()? == output {
        bail!(Usage::new(
            format!("-o {} would overwrite a file that is read", shown(path)),
            "name another file for the graphs",
        ));
    }
    Ok(())
}

/// Graphs that are only counted are never seen here, so that the kernel has to know how many are wanted.
fn limit_counted(plan: &mut Plan, limit: Option<u64>) {
    let Some(limit) = limit else { return };
    for trace in &mut plan.traces {
        let filter = &mut trace.filter;
        if trace.keeps_graphs && filter.limit_per.is_none() {
            filter.limit = Some(filter.limit.map_or(limit, |own| own.min(limit)));
        }
    }
}
