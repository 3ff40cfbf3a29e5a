//! The colours of the text formats, all of them empty where none are wanted.

use anstyle::{AnsiColor, Style};

/// What is drawn how.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Palette {
    /// What the eye may skip: call sites, lines, braces.
    pub dim: Style,
    /// What it looks for.
    pub bold: Style,
    /// Calls that did not return.
    pub cut: Style,
    /// What calls were given and gave back.
    pub value: Style,
    /// Losses.
    pub alarm: Style,
    slow: [Style; 3],
}

impl Palette {
    pub(crate) fn new(color: bool) -> Self {
        if !color {
            return Self::default();
        }
        Self {
            dim: Style::new().dimmed(),
            bold: Style::new().bold(),
            cut: AnsiColor::Magenta.on_default(),
            value: AnsiColor::Cyan.on_default(),
            alarm: AnsiColor::Red.on_default().bold(),
            slow: [
                AnsiColor::Yellow.on_default(),
                AnsiColor::Red.on_default(),
                AnsiColor::Red.on_default().bold(),
            ],
        }
    }

    /// The style of a duration with this [`crate::slow_mark`].
    pub(crate) fn slow(&self, mark: char) -> Style {
        match mark {
            '*' => self.slow[0],
            '@' => self.slow[1],
            '$' => self.slow[2],
            _ => Style::new(),
        }
    }
}
