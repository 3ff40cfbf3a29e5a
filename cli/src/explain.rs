//! `gofuncgraph explain`: the plan, without attaching.

use std::io::{self, Write, stdout};

use runtime::Calibration;

use crate::{
    args::{Explain, TextOrJson},
    failure,
    load::{self, Loaded},
    prices,
    request::Request,
};

/// Prints the plan.
pub fn run(args: &Explain) -> anyhow::Result<()> {
    failure::enough_memory()?;
    let mut calibration = Calibration::start();
    calibration.go_on();
    let request = Request::new(&args.what)?;
    let placement = prices::placement(request.exit_sites, &mut calibration);
    let Loaded { traced, .. } = load::load(request, args.color, placement)?;
    let prices = session::prices::known(calibration);
    let text = match args.format {
        TextOrJson::Text => compiler::explain(
            &traced.plan,
            &traced.executable,
            &traced.source,
            &prices,
            args.verbose,
        ),
        TextOrJson::Json => compiler::explain_json(&traced.plan, &prices)? + "\n",
    };
    traced.binary.unchanged()?;
    match stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => Ok(result?),
    }
}
