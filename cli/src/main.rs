//! `sottovoce`: accounts, agents, policies, the relay, and a chat in the terminal.

// Printing with a macro that panics when nobody reads is for nobody here: `say!` and `complain!` don't.
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod account;
mod agent;
mod ban;
mod chat;
mod clock;
mod connection;
mod device;
mod failure;
mod folder;
mod key_file;
mod keymanager;
mod open;
mod policy;
mod relay;
mod say;
mod team;
mod text;
mod token;
mod transcript;
mod vault;
mod words;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use failure::Outcome;
use say::complain;

/// End-to-end encrypted live chat: accounts, agents, the relay, and a chat in the terminal.
///
/// A business makes an account once (`account create`), runs a relay or is given one, publishes
/// its policy there (`policy publish`), and lets its agents in (`agent invite`). Visitors and
/// agents then talk in a browser, or here (`chat visitor`, `chat agent`).
#[derive(Parser)]
#[command(name = "sottovoce", version, propagate_version = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make an account: its root key, its administrator's key, its first policy.
    #[command(subcommand)]
    Account(account::Command),
    /// See, change and publish what the account decides.
    #[command(subcommand)]
    Policy(policy::Command),
    /// Let agents in and out.
    #[command(subcommand)]
    Agent(agent::Command),
    /// Look after a team's keys.
    #[command(subcommand)]
    Team(team::Command),
    /// See which visitors are kept away, and let them in again.
    #[command(subcommand)]
    Ban(ban::Command),
    /// Give programs access to the relay's REST API.
    #[command(subcommand)]
    Token(token::Command),
    /// Talk: as a visitor, or as an agent.
    #[command(subcommand)]
    Chat(chat::Command),
    /// Open what was archived of closed conversations.
    #[command(subcommand)]
    Transcript(transcript::Command),
    /// Read a message that came by a webhook, with the keys of a device that may read it.
    Open(open::Arguments),
    /// Run a relay. It stores and forwards what it cannot read.
    Relay(Box<relay::Arguments>),
    /// Run a key manager. It holds the secrets of contacts, and gives them to whom its rules allow.
    #[command(subcommand)]
    Keymanager(keymanager::Command),
    /// Run a vault. It takes part in contacts below level `e2ee`, stores them, and gives them back.
    #[command(subcommand)]
    Vault(vault::Command),
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse().command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            complain!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> Outcome {
    match command {
        Command::Account(command) => account::run(&command),
        Command::Policy(command) => policy::run(command).await,
        Command::Agent(command) => agent::run(command).await,
        Command::Team(command) => team::run(command).await,
        Command::Ban(command) => ban::run(command).await,
        Command::Token(command) => token::run(command).await,
        Command::Chat(command) => chat::run(command).await,
        Command::Transcript(command) => transcript::run(command).await,
        Command::Open(arguments) => open::run(&arguments),
        Command::Relay(arguments) => relay::run(*arguments).await,
        Command::Keymanager(command) => keymanager::run(command).await,
        Command::Vault(command) => vault::run(command).await,
    }
}
