//! The streams and the format that the command line asks for.

use std::{
    fs::File,
    io::{self, BufWriter, Write, stdout},
};

use anyhow::Context;
use session::{Rendered, Streams};

use crate::{
    args::{Color, Format, How},
    terminal,
};

/// Opens them.
pub fn open(how: &How, format: Format) -> anyhow::Result<Rendered> {
    let (graphs, color, width): (Box<dyn Write>, bool, Option<usize>) = match &how.output {
        Some(path) => {
            let file = File::create(path)
                .with_context(|| format!("cannot write {}", terminal::shown(path)))?;
            (Box::new(file), how.color == Color::Always, None)
        }
        None => (
            Box::new(stdout()),
            terminal::use_color(how.color, &stdout()),
            terminal::width(),
        ),
    };
    let format = match format {
        Format::Graph => render::Format::Graph,
        Format::Classic => render::Format::Classic,
        Format::Json => render::Format::Json,
    };
    let streams = Streams {
        graphs: Box::new(BufWriter::new(graphs)),
        people: Box::new(io::stderr()),
        color_people: terminal::use_color(how.color, &io::stderr()),
    };
    let verbose = how.verbose || how.debug;
    Ok(Rendered::new(format, (color, width, verbose), streams))
}
