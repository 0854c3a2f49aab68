//! What the person types: with line editing at a terminal, as it comes from a pipe.

use std::io::{BufRead, IsTerminal};
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
}

impl Keyboard {
    /// Starts reading on a thread of its own, which ends with the process.
    pub(super) fn open() -> Outcome<(Self, Screen)> {
        let (sender, lines) = mpsc::channel(QUEUE);
        let is_terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
        let screen = if is_terminal {
            let failed =
                |error: ReadlineError| Failure::new("terminal-unusable", error.to_string());
            let config = Config::builder().auto_add_history(true).build();
            let mut editor: Editor<(), DefaultHistory> =
                Editor::with_config(config).map_err(failed)?;
            let printer = editor.create_external_printer().map_err(failed)?;
            thread::spawn(move || edit(editor, &sender));
            Screen::above(printer)
        } else {
            thread::spawn(move || read(&sender));
            Screen::plain()
        };
        Ok((Self { lines }, screen))
    }

    /// The next line; none at the end. Safe to cancel.
    pub(super) async fn line(&mut self) -> Option<String> {
        self.lines.recv().await
    }
}

/// Ctrl-C and Ctrl-D end the input.
fn edit(mut editor: Editor<(), DefaultHistory>, lines: &mpsc::Sender<String>) {
    while let Ok(line) = editor.readline(PROMPT) {
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
