//! `sottovoce agent`: who may answer.

mod approve;
mod devices;
mod invite;
mod request;
mod revoke;

use clap::Subcommand;

pub(crate) use approve::read_request;
pub(crate) use request::request;

use crate::failure::Outcome;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Let one agent in who holds a secret code: prints the code, waits for the agent's device.
    ///
    /// The first line printed is `invite=CODE`. Give it to the agent over a channel that you
    /// trust; the agent opens the console, or runs `sottovoce chat agent --invite CODE`.
    Invite(invite::Arguments),
    /// Print a device's signed request, for an administrator to approve.
    Request(request::Arguments),
    /// Let a device in whose request you have seen with your own eyes.
    Approve(approve::Arguments),
    /// Shut a device or person out, and make new keys for the teams.
    Revoke(revoke::Arguments),
    /// Print every device that the account knows, and those that ask to be let in.
    List(devices::Arguments),
}

pub(crate) async fn run(command: Command) -> Outcome {
    match command {
        Command::Invite(arguments) => invite::run(&arguments).await,
        Command::Request(arguments) => request::run(arguments).await,
        Command::Approve(arguments) => approve::run(&arguments).await,
        Command::Revoke(arguments) => revoke::run(&arguments).await,
        Command::List(arguments) => devices::run(&arguments).await,
    }
}
