//! What a run found: a table for people, one object for programs.

use std::fmt;
use std::time::Duration;

use crate::measure::latency::Latency;

/// Where a relay keeps things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Store {
    /// The embedded one.
    Sqlite,
    /// The one that nodes share.
    Postgres,
}

impl Store {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Sqlite, Self::Postgres];
}

impl fmt::Display for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        })
    }
}

/// What takes durable messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// NATS `JetStream`, every message synchronised.
    JetStream,
    /// Redis Streams, every answer after a synchronisation.
    Redis,
    /// A relay.
    Relay(Store),
}

impl Subject {
    /// All of them, in the order in which they are measured.
    pub const ALL: [Self; 4] = [
        Self::JetStream,
        Self::Redis,
        Self::Relay(Store::Sqlite),
        Self::Relay(Store::Postgres),
    ];
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::JetStream => f.write_str("JetStream, sync always"),
            Self::Redis => f.write_str("Redis Streams, fsync always"),
            Self::Relay(store) => write!(f, "relay on {store}"),
        }
    }
}

/// What was found in one state of the machine.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// Whether a loop of the lowest priority keeps a core awake.
    pub is_busy: bool,
    /// Of the disk, per second.
    pub synchronisations: f64,
    /// Subject, number of writers, durable messages per second.
    pub rates: Vec<(Subject, usize, f64)>,
    /// Store, messages per second, through the relay, through the echo server.
    pub latencies: Vec<(Store, f64, Latency, Latency)>,
    /// Store, time until the last had everything.
    pub storms: Vec<(Store, Duration)>,
}

impl State {
    /// For people.
    pub const fn name(&self) -> &'static str {
        if self.is_busy {
            "one nice-19 busy loop"
        } else {
            "otherwise idle"
        }
    }

    /// Durable messages per second of a number of writers.
    pub fn rate(&self, subject: Subject, writers: usize) -> f64 {
        let found = self
            .rates
            .iter()
            .find(|(of, number, _)| *of == subject && *number == writers);
        found.map_or(f64::NAN, |(_, _, rate)| *rate)
    }

    /// The highest rate of a subject.
    pub fn highest(&self, subject: Subject) -> f64 {
        let of = self.rates.iter().filter(|(of, ..)| *of == subject);
        of.map(|(_, _, rate)| *rate).fold(0.0, f64::max)
    }

    fn ratio(&self, store: Store, writers: usize) -> f64 {
        self.rate(Subject::Relay(store), writers) / self.rate(Subject::JetStream, writers)
    }

    /// The worse of both stores.
    fn p99_vs_echo(&self) -> f64 {
        let ratios = self
            .latencies
            .iter()
            .map(|(_, _, whole, bare)| whole.p99.as_secs_f64() / bare.p99.as_secs_f64());
        ratios.fold(0.0, f64::max)
    }

    /// The worse of both stores.
    fn storm(&self) -> f64 {
        let seconds = self.storms.iter().map(|(_, taken)| taken.as_secs_f64());
        seconds.fold(0.0, f64::max)
    }
}

/// What a run found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Otherwise idle, then with a busy loop.
    pub states: Vec<State>,
    /// Bytes of memory for each idle connection.
    pub idle_plain: f64,
    /// The same with TLS.
    pub idle_tls: f64,
    /// Between which numbers of them.
    pub idle_connections: (usize, usize),
    /// How many clients a storm had.
    pub storm_clients: usize,
}

impl Report {
    /// The figures of the otherwise idle machine, one line.
    pub fn json(&self) -> String {
        let idle = self.states.first().cloned().unwrap_or_default();
        let rounded = |number: f64| (number * 100.0).round() / 100.0;
        serde_json::json!({
            "sqlite_vs_jetstream_1": rounded(idle.ratio(Store::Sqlite, 1)),
            "sqlite_vs_jetstream_8": rounded(idle.ratio(Store::Sqlite, 8)),
            "sqlite_vs_jetstream_64": rounded(idle.ratio(Store::Sqlite, 64)),
            "postgres_vs_jetstream_64": rounded(idle.ratio(Store::Postgres, 64)),
            "p99_vs_echo": rounded(idle.p99_vs_echo()),
            "bytes_per_idle_connection": self.idle_plain.max(self.idle_tls).round(),
            "storm_seconds": rounded(idle.storm()),
        })
        .to_string()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for state in &self.states {
            writeln!(f, "{}", state.name())?;
            writeln!(f, "  disk: {:.0} fsyncs/s", state.synchronisations)?;
            writeln!(
                f,
                "  durable messages/s, writers: {:>12} {:>8} {:>8}",
                1, 8, 64
            )?;
            for subject in Subject::ALL {
                let rates = [1, 8, 64].map(|writers| state.rate(subject, writers));
                let [one, eight, many] = rates;
                writeln!(f, "    {subject:<34} {one:>8.0} {eight:>8.0} {many:>8.0}")?;
            }
            for store in Store::ALL {
                let [one, eight, many] = [1, 8, 64].map(|writers| state.ratio(store, writers));
                let what = format!("{store} / JetStream");
                writeln!(f, "    {what:<34} {one:>8.2} {eight:>8.2} {many:>8.2}")?;
            }
            for (store, rate, whole, bare) in &state.latencies {
                let ratio =
                    |whole: Duration, bare: Duration| whole.as_secs_f64() / bare.as_secs_f64();
                writeln!(
                    f,
                    "  delivery at {rate:.0}/s, {store}: p50 {:.2} ms, p99 {:.2} ms; \
                     echo p50 {:.2} ms, p99 {:.2} ms; ratio {:.2}, {:.2}",
                    milliseconds(whole.p50),
                    milliseconds(whole.p99),
                    milliseconds(bare.p50),
                    milliseconds(bare.p99),
                    ratio(whole.p50, bare.p50),
                    ratio(whole.p99, bare.p99),
                )?;
            }
            for (store, taken) in &state.storms {
                let (clients, seconds) = (self.storm_clients, taken.as_secs_f64());
                writeln!(f, "  storm of {clients} clients, {store}: {seconds:.2} s")?;
            }
        }
        let (from, to) = self.idle_connections;
        writeln!(
            f,
            "memory per idle connection, {from} to {to}: plain {:.0} bytes, TLS {:.0} bytes",
            self.idle_plain, self.idle_tls
        )
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn programs_get_the_figures_of_the_idle_machine_under_stable_names() {
        let mut rates = Vec::new();
        for (subject, rate) in Subject::ALL.into_iter().zip([100.0, 1.0, 500.0, 300.0]) {
            rates.extend([1, 8, 64].map(|writers| (subject, writers, rate)));
        }
        let latency = |p99| Latency {
            p99: Duration::from_millis(p99),
            ..Latency::default()
        };
        let storm = |seconds| Duration::from_secs(seconds);
        let state = State {
            rates,
            latencies: vec![
                (Store::Sqlite, 1.0, latency(8), latency(4)),
                (Store::Postgres, 1.0, latency(10), latency(4)),
            ],
            storms: vec![(Store::Sqlite, storm(3)), (Store::Postgres, storm(2))],
            ..State::default()
        };
        let report = Report {
            states: vec![state, State::default()],
            idle_plain: 9_000.4,
            idle_tls: 8_000.0,
            ..Report::default()
        };
        let json: serde_json::Value = serde_json::from_str(&report.json()).unwrap();
        let expected = serde_json::json!({
            "sqlite_vs_jetstream_1": 5.0,
            "sqlite_vs_jetstream_8": 5.0,
            "sqlite_vs_jetstream_64": 5.0,
            "postgres_vs_jetstream_64": 3.0,
            "p99_vs_echo": 2.5,
            "bytes_per_idle_connection": 9000.0,
            "storm_seconds": 3.0,
        });
        assert_eq!(json, expected);
    }
}
