//! What the terminal can do.

use std::{
    fmt,
    io::{IsTerminal, Write},
    path::Path,
};

pub use session::typed;

use crate::args::Color;

/// Whether to colour what goes to this stream.
pub fn use_color(choice: Color, stream: &impl IsTerminal) -> bool {
    match choice {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => {
            stream.is_terminal()
                && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
                && std::env::var_os("TERM").is_none_or(|v| v != "dumb")
        }
    }
}

/// Columns of the terminal on stdout; `None` where it is none.
pub fn width() -> Option<usize> {
    terminal_size::terminal_size_of(std::io::stdout()).map(|(width, _)| usize::from(width.0))
}

/// A path as it can be shown on a terminal.
pub fn shown(path: &Path) -> String {
    compiler::escape_path(path)
}

/// Writes to stderr. Whether anybody reads it is no concern of a trace, so errors are passed over, where `eprintln!` would panic.
pub fn write_stderr(text: fmt::Arguments<'_>) {
    let _ = std::io::stderr().lock().write_fmt(text);
}

/// A line for people, on stderr.
macro_rules! say {
    ($($text:tt)*) => {
        $crate::terminal::write_stderr(format_args!("{}\n", format_args!($($text)*)))
    };
}
pub(crate) use say;
