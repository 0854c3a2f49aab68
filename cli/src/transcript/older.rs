//! `transcript read-older`: messages from before, under a key of the older shape.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;

use clap::Args;
use sottovoce_older_keys::{ContactKey, SecretToken, message};

use crate::failure::{Failure, Outcome};
use crate::say::say;
use crate::text::printable_lines;

#[derive(Args)]
pub(crate) struct ReadOlder {
    /// A file with the account's secret token there: 96 hexadecimal characters.
    #[arg(long)]
    secret_token: PathBuf,
    /// A file with the contact's key as that service gives it: `W`, Base64.
    #[arg(long)]
    key: PathBuf,
    /// A file of messages, each a line of Base64; standard input without.
    messages: Option<PathBuf>,
}

/// Prints one message after the other, an empty line between them.
pub(super) fn run(arguments: &ReadOlder) -> Outcome {
    let token = SecretToken::parse(read(&arguments.secret_token)?.trim())
        .map_err(|error| Failure::new("bad-secret-token", error.to_string()))?;
    let key = ContactKey::unwrap(&token, read(&arguments.key)?.trim()).map_err(|_| {
        let words = "the contact's key does not open under this secret token";
        Failure::new("undecryptable", words)
    })?;
    let source: Box<dyn Read> = match &arguments.messages {
        Some(path) => {
            Box::new(std::fs::File::open(path).map_err(|error| unreadable(path, &error))?)
        }
        None => Box::new(std::io::stdin()),
    };
    let mut first = true;
    for (number, line) in BufReader::new(source).lines().enumerate() {
        let line = line.map_err(|error| Failure::new("file-unreadable", error.to_string()))?;
        if line.trim().is_empty() {
            continue;
        }
        let text = message::read(&key, line.trim()).map_err(|_| {
            let words = format!(
                "the message in line {} does not open under this key",
                number + 1
            );
            Failure::new("undecryptable", words)
        })?;
        if !core::mem::take(&mut first) {
            say!();
        }
        for line in printable_lines(&text) {
            say!("{line}");
        }
    }
    Ok(())
}

fn read(path: &std::path::Path) -> Outcome<zeroize::Zeroizing<String>> {
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(path, &error))?;
    Ok(text.into())
}

fn unreadable(path: &std::path::Path, error: &std::io::Error) -> Failure {
    Failure::file("file-unreadable", path, error)
}
