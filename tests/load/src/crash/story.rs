//! What happened, round by round, as a page that can be kept.

use std::fmt;
use std::time::Duration;

use super::{Rounds, Victim};
use crate::report::Store;

/// A run.
pub(super) struct Story {
    title: String,
    command: String,
    pub(super) lines: Vec<Line>,
    pub(super) ending: Option<String>,
}

/// A round.
pub(super) struct Line {
    victim: Victim,
    moment: Duration,
    back: Duration,
    pub(super) acknowledged: usize,
    pub(super) repeated: usize,
    pub(super) read: usize,
    /// How long relays took to say that their database is away, and that it is back.
    pub(super) readiness: Option<(Duration, Duration)>,
}

impl Line {
    pub(super) const fn new(victim: Victim, moment: Duration, back: Duration) -> Self {
        Self {
            victim,
            moment,
            back,
            acknowledged: 0,
            repeated: 0,
            read: 0,
            readiness: None,
        }
    }
}

impl Story {
    pub(super) fn new(rounds: &Rounds, seed: u64) -> Self {
        let Rounds { number, nodes, .. } = rounds;
        let relays = if *nodes > 1 { "relays" } else { "relay" };
        let store = match rounds.store {
            Store::Sqlite => "sqlite",
            Store::Postgres => "postgres",
        };
        let (with, option) = match &rounds.nats {
            Some(_) => (" with NATS", " --nats"),
            None => ("", ""),
        };
        let away = match rounds.away.as_secs() {
            0 => String::new(),
            seconds => format!(" --away {seconds}"),
        };
        Self {
            title: format!(
                "{number} kills under load: {nodes} {relays} on {}{with}",
                rounds.store
            ),
            command: format!(
                "cargo xtask crash --rounds {number} --store {store} --nodes {nodes}{option}{away} --seed {seed}"
            ),
            lines: Vec::new(),
            ending: None,
        }
    }

    fn sum(&self, of: impl Fn(&Line) -> usize) -> usize {
        self.lines.iter().map(of).sum()
    }
}

impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "# {}\n", self.title)?;
        writeln!(f, "{}, `{}`.\n", today(), self.command)?;
        writeln!(
            f,
            "Six visitors write to a contact each and wait for every acknowledgement; what is not \
             acknowledged\nis sent again under its id. Another connection, on another node where \
             there is one, follows each\ncontact. SIGKILL comes at a random moment. A message \
             counts as read when it is in a log at its\nplace: the follower's, and a new \
             connection's at every node.\n"
        )?;
        writeln!(
            f,
            "Acknowledged: {}. Sent more than once: {}. Read: {}. {}\n",
            self.sum(|line| line.acknowledged),
            self.sum(|line| line.repeated),
            self.sum(|line| line.read),
            match &self.ending {
                Some(ending) if ending.starts_with("All") => "Lost, doubled, out of order: 0.",
                _ => "There is a fault, see below.",
            }
        )?;
        if let Some(ending) = &self.ending {
            writeln!(f, "{ending}\n")?;
        }
        writeln!(
            f,
            "| round | killed | after ms | all write again after ms | acknowledged | sent again | read |"
        )?;
        writeln!(f, "|---:|---|---:|---:|---:|---:|---:|")?;
        for (number, line) in (1..).zip(&self.lines) {
            writeln!(
                f,
                "| {number} | {} | {} | {} | {} | {} | {} |",
                name(line.victim),
                line.moment.as_millis(),
                line.back.as_millis(),
                line.acknowledged,
                line.repeated,
                line.read
            )?;
        }
        for (number, line) in (1..).zip(&self.lines) {
            if let Some((unready, ready)) = line.readiness {
                writeln!(
                    f,
                    "\nRound {number}: `/readyz` turned false at every relay within {} ms, stayed so, and was true \
                     {} ms\nafter all wrote again; every writer was told `unavailable` meanwhile.",
                    unready.as_millis(),
                    ready.as_millis()
                )?;
            }
        }
        Ok(())
    }
}

/// What was killed.
pub(super) fn name(victim: Victim) -> String {
    match victim {
        Victim::Relay(node) => format!("relay {}", node + 1),
        Victim::Postgres => "PostgreSQL".to_owned(),
        Victim::Nats => "NATS".to_owned(),
    }
}

/// The date, as `date` gives it.
fn today() -> String {
    let said = std::process::Command::new("date")
        .args(["-u", "+%Y-%m-%d"])
        .output();
    said.map(|said| String::from_utf8_lossy(&said.stdout).trim().to_owned())
        .unwrap_or_default()
}
