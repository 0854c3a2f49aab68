//! Where lines go: above the prompt of a terminal, or plainly to standard output.

use std::io::{IsTerminal, Write};

use anstyle::{AnsiColor, Style};
use rustyline::ExternalPrinter;

/// How a part of a line looks where there are colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    /// What people say.
    Text,
    /// A peer's name.
    Peer,
    /// The own name.
    Own,
    /// What happened, and what the program says.
    Notice,
    /// Small things, such as how far a message got.
    Quiet,
    /// What a person should not overlook.
    Warning,
}

impl Tone {
    const fn style(self) -> Style {
        match self {
            Self::Text => Style::new(),
            Self::Peer => AnsiColor::Cyan.on_default().bold(),
            Self::Own => AnsiColor::Green.on_default().bold(),
            Self::Notice => AnsiColor::Blue.on_default(),
            Self::Quiet => Style::new().dimmed(),
            Self::Warning => AnsiColor::Red.on_default().bold(),
        }
    }
}

/// A line of parts. What comes from elsewhere is made printable before it gets here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Line(Vec<(Tone, String)>);

impl Line {
    /// A line of one part.
    pub(super) fn new(tone: Tone, text: impl Into<String>) -> Self {
        Self::default().then(tone, text)
    }

    /// What happened.
    pub(super) fn notice(text: impl AsRef<str>) -> Self {
        Self::new(Tone::Notice, format!("* {}", text.as_ref()))
    }

    /// What should not be overlooked.
    pub(super) fn warning(text: impl AsRef<str>) -> Self {
        Self::new(Tone::Warning, format!("! {}", text.as_ref()))
    }

    /// Adds a part.
    pub(super) fn then(mut self, tone: Tone, text: impl Into<String>) -> Self {
        self.0.push((tone, text.into()));
        self
    }

    /// The text without colours.
    pub(super) fn plain(&self) -> String {
        self.0.iter().map(|(_, text)| text.as_str()).collect()
    }

    fn coloured(&self) -> String {
        self.0
            .iter()
            .map(|(tone, text)| {
                let style = tone.style();
                format!("{style}{text}{style:#}")
            })
            .collect()
    }
}

impl std::fmt::Display for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.plain())
    }
}

/// The place for lines.
pub(super) struct Screen {
    printer: Option<Box<dyn ExternalPrinter + Send>>,
    has_colours: bool,
}

impl Screen {
    /// Above the line that is being typed.
    pub(super) fn above(printer: impl ExternalPrinter + Send + 'static) -> Self {
        Self {
            printer: Some(Box::new(printer)),
            has_colours: has_colours(),
        }
    }

    /// Line after line.
    pub(super) fn plain() -> Self {
        Self {
            printer: None,
            has_colours: has_colours(),
        }
    }

    /// Whether what is typed stands on the screen already.
    pub(super) const fn shows_typing(&self) -> bool {
        self.printer.is_some()
    }

    /// Prints a line. If nobody can read it any more, that is no failure.
    pub(super) fn print(&mut self, line: &Line) {
        let text = if self.has_colours {
            line.coloured()
        } else {
            line.plain()
        };
        match &mut self.printer {
            Some(printer) => {
                let _ = printer.print(format!("{text}\n"));
            }
            None => {
                let mut out = std::io::stdout().lock();
                let _ = writeln!(out, "{text}").and_then(|()| out.flush());
            }
        }
    }
}

/// Colours are for people at terminals who did not ask to do without (no-color.org).
fn has_colours() -> bool {
    std::io::stdout().is_terminal()
        && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
