//! What the person types: with line editing at a terminal, as it comes from a pipe.

use std::io::{BufRead, IsTerminal, Write};
use std::thread;

use rustyline::error::ReadlineError;
use rustyline::history::DefaultHistory;
use rustyline::{Config, Editor};
use tokio::sync::mpsc;

use super::screen::Screen;
use crate::failure::{Failure, Outcome};

/// Lines that wait unread before whoever writes them has to.
const QUEUE: usize = 16;
const PROMPT: &str = "> ";

/// Lines, until the end of input.
pub(super) struct Keyboard {
    lines: mpsc::Receiver<String>,
    /// Asks for the next line at a terminal. Without it the editor would take the terminal over
    /// again while the program ends.
    wanted: Option<std::sync::mpsc::Sender<()>>,
    is_asked: bool,
    _terminal: Option<Terminal>,
}

impl Keyboard {
    /// Starts reading on a thread of its own, which ends with the process.
    pub(super) fn open() -> Outcome<(Self, Screen)> {
        let (sender, lines) = mpsc::channel(QUEUE);
        if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
            thread::spawn(move || read(&sender));
            let keyboard = Self {
                lines,
                wanted: None,
                is_asked: false,
                _terminal: None,
            };
            return Ok((keyboard, Screen::plain()));
        }
        let failed = |error: ReadlineError| Failure::new("terminal-unusable", error.to_string());
        let config = Config::builder().auto_add_history(true).build();
        let mut editor: Editor<(), DefaultHistory> = Editor::with_config(config).map_err(failed)?;
        let printer = editor.create_external_printer().map_err(failed)?;
        let (wanted, asked) = std::sync::mpsc::channel();
        let keyboard = Self {
            lines,
            wanted: Some(wanted),
            is_asked: false,
            _terminal: Some(Terminal::remember()),
        };
        thread::spawn(move || edit(editor, &asked, &sender));
        Ok((keyboard, Screen::above(printer)))
    }

    /// The next line; none at the end. Safe to cancel.
    pub(super) async fn line(&mut self) -> Option<String> {
        if let Some(wanted) = &self.wanted
            && !self.is_asked
        {
            // An error means that the input has ended, which the next line says as well.
            let _ = wanted.send(());
            self.is_asked = true;
        }
        let line = self.lines.recv().await;
        self.is_asked = false;
        line
    }
}

/// Reads lines when asked to. Ctrl-C and Ctrl-D end the input.
fn edit(
    mut editor: Editor<(), DefaultHistory>,
    asked: &std::sync::mpsc::Receiver<()>,
    lines: &mpsc::Sender<String>,
) {
    while asked.recv().is_ok() {
        let Ok(line) = editor.readline(PROMPT) else {
            return;
        };
        if lines.blocking_send(line).is_err() {
            return;
        }
    }
}

fn read(lines: &mpsc::Sender<String>) {
    let mut input = std::io::stdin().lock();
    let mut line = Vec::new();
    loop {
        line.clear();
        match input.read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end_matches(['\n', '\r']).to_owned();
        if lines.blocking_send(text).is_err() {
            return;
        }
    }
}

/// The terminal as it was. A chat that ends by itself ends while the editor has the terminal.
struct Terminal {
    #[cfg(unix)]
    before: Option<nix::sys::termios::Termios>,
}

impl Terminal {
    fn remember() -> Self {
        Self {
            #[cfg(unix)]
            before: nix::sys::termios::tcgetattr(std::io::stdin()).ok(),
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Some(before) = &self.before {
            use nix::sys::termios::{SetArg, tcgetattr, tcsetattr};
            let is_changed = tcgetattr(std::io::stdin()).is_ok_and(|now| now != *before);
            if is_changed {
                let _ = tcsetattr(std::io::stdin(), SetArg::TCSADRAIN, before);
                /// Ends bracketed paste, and the line with the prompt.
                const LEAVE: &str = "\x1b[?2004l\r\n";
                let mut out = std::io::stdout().lock();
                let _ = out.write_all(LEAVE.as_bytes()).and_then(|()| out.flush());
            }
        }
    }
}
