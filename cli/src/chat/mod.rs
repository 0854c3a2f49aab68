//! `sottovoce chat`: the visitor's and the agent's side of a conversation, line by line.

mod act;
mod directory;
mod inbox;
mod keyboard;
mod line;
mod reading;
mod screen;
mod session;
mod show;
mod transcript;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use sottovoce::client::{Item, Kind};

use crate::account::check_name;
use crate::device::DeviceOptions;
use crate::failure::Outcome;
use keyboard::Keyboard;
use session::{Session, Side};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Write to a business as a visitor.
    ///
    /// Type a line to send it; `/help` lists what else there is. Nothing is made before the first
    /// line is sent.
    Visitor(Visitor),
    /// Answer visitors.
    ///
    /// The first start makes the device's keys and asks to be let in: with a code from
    /// `sottovoce agent invite`, or by a request that an administrator approves. `/help` lists
    /// what there is.
    Agent(Agent),
}

#[derive(Args)]
pub(crate) struct Visitor {
    #[command(flatten)]
    device: DeviceOptions,
    /// Id of the entry point to come in at.
    #[arg(long)]
    entry_point: String,
    /// A folder for the conversation, to go on later; without it nothing is kept.
    #[arg(long)]
    state: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct Agent {
    #[command(flatten)]
    device: DeviceOptions,
    /// The folder of the device's state; made if it is not there.
    #[arg(long)]
    state: PathBuf,
    /// The name to propose; an administrator decides.
    #[arg(long, default_value = "Agent")]
    name: String,
    /// The code of an administrator's invitation.
    #[arg(long, allow_hyphen_values = true)]
    invite: Option<String>,
}

/// An item of a transcript in words, line by line.
pub(crate) fn lines_of(item: &Item) -> Vec<String> {
    show::item(item).iter().map(screen::Line::plain).collect()
}

pub(crate) async fn run(command: Command) -> Outcome {
    match command {
        Command::Visitor(visitor) => {
            let state = visitor.state.as_deref();
            let (handle, events) = visitor.device.start(state, Kind::Visitor).await?;
            let side = Side::Visitor {
                entry_point: visitor.entry_point,
                is_kept: state.is_some(),
            };
            let (keyboard, screen) = Keyboard::open()?;
            Session::new(side, screen, handle.contacts())
                .run(handle, events, keyboard)
                .await
        }
        Command::Agent(agent) => {
            check_name(&agent.name)?;
            let invited = agent.invite.is_some();
            let kind = Kind::Staff {
                name: agent.name,
                invitation: agent.invite,
            };
            let (handle, events) = agent.device.start(Some(&agent.state), kind).await?;
            let (keyboard, screen) = Keyboard::open()?;
            Session::new(Side::Agent { invited }, screen, Vec::new())
                .run(handle, events, keyboard)
                .await
        }
    }
}
