//! `sottovoce-load`: what `cargo xtask bench relay` and `cargo xtask crash` run.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use sottovoce_load::bench::{self, Extent, Programs};
use sottovoce_load::crash::{self, Rounds};
use sottovoce_load::report::Store;
use sottovoce_load::{Outcome, peers};

/// Load on a relay, and faults under it.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measures a relay and its peers.
    Bench {
        /// The program `relay-under-load`.
        #[arg(long)]
        relay: PathBuf,
        /// The program `nats-server`.
        #[arg(long)]
        nats_server: PathBuf,
        /// The program `redis-server`.
        #[arg(long)]
        redis_server: PathBuf,
        /// Smaller, in under three minutes.
        #[arg(long)]
        quick: bool,
        /// One object as the last line.
        #[arg(long)]
        json: bool,
    },
    /// Kills what it can under load and looks for what was acknowledged.
    Crash {
        /// The program `relay-under-load`.
        #[arg(long)]
        relay: PathBuf,
        /// Kills.
        #[arg(long, default_value_t = 10)]
        rounds: u32,
        /// Where relays keep things.
        #[arg(long, value_enum, default_value = "sqlite")]
        store: StoreName,
        /// Relays on one PostgreSQL.
        #[arg(long, default_value_t = 1)]
        nodes: usize,
        /// The program `nats-server`: nodes hear of each other through one.
        #[arg(long)]
        nats_server: Option<PathBuf>,
        /// How many seconds what was killed stays away.
        #[arg(long, default_value_t = 0)]
        away: u64,
        /// Repeats a run's choices.
        #[arg(long)]
        seed: Option<u64>,
        /// A file for the report.
        #[arg(long)]
        report: Option<PathBuf>,
    },
    /// A bare WebSocket server, to compare with.
    Echo,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum StoreName {
    Sqlite,
    Postgres,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse().command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> Outcome {
    match command {
        Command::Bench {
            relay,
            nats_server,
            redis_server,
            quick,
            json,
        } => {
            let programs = Programs {
                relay,
                nats: nats_server,
                redis: redis_server,
            };
            let extent = if quick { Extent::QUICK } else { Extent::FULL };
            let report = bench::run(programs, extent).await?;
            print!("{report}");
            if json {
                println!("{}", report.json());
            }
            Ok(())
        }
        Command::Crash {
            relay,
            rounds,
            store,
            nodes,
            nats_server,
            away,
            seed,
            report,
        } => {
            let rounds = Rounds {
                relay,
                number: rounds,
                store: match store {
                    StoreName::Sqlite => Store::Sqlite,
                    StoreName::Postgres => Store::Postgres,
                },
                nodes,
                nats: nats_server,
                away: Duration::from_secs(away),
                seed,
            };
            let (story, ending) = crash::run(rounds).await?;
            print!("{story}");
            if let Some(path) = report {
                std::fs::write(path, story)?;
            }
            Ok(ending?)
        }
        Command::Echo => peers::echo::serve().await,
    }
}
