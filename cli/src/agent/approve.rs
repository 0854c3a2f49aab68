//! What an approval says, and `agent approve`.

use std::io::Read;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use sottovoce::account::{self, ApprovalError, EnrolmentRequest, Policy, Role};
use sottovoce::crypto::sign::SigningKey;
use sottovoce::wire::codec::from_base64url;
use sottovoce::wire::frame::ObjectKind;
use sottovoce::wire::{DeviceId, Signed, limits};
use sottovoce_client::admin::Session;

use crate::clock;
use crate::connection::{self, RelayOptions};
use crate::failure::{Failure, Outcome};
use crate::folder::Folder;
use crate::say::say;

#[derive(Args)]
pub(crate) struct Arguments {
    /// The request as `agent request` or the console shows it; `-` reads it from standard input.
    request: String,
    /// The account's own short name for the person, such as `ada`.
    #[arg(long)]
    subject: String,
    /// The name that visitors read; what the request proposes if it is left out.
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    grant: Grant,
    /// The account's folder.
    #[arg(long)]
    dir: PathBuf,
    #[command(flatten)]
    relay: RelayOptions,
}

/// What a device may be.
#[derive(Args)]
pub(crate) struct Grant {
    /// Its role.
    #[arg(long, value_enum, default_value = "agent")]
    role: RoleName,
    /// Id of a team that it belongs to; repeat it for several. A vault belongs to none.
    #[arg(long = "team")]
    teams: Vec<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum RoleName {
    /// Answers visitors.
    Agent,
    /// An agent who may also be invited to watch.
    Supervisor,
    /// A program that answers, always shown as one.
    Bot,
    /// The vault, which stores contacts below level `e2ee`.
    Vault,
    /// Opens what was archived of closed conversations, with a reason.
    Auditor,
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Agent => Self::Agent,
            RoleName::Supervisor => Self::Supervisor,
            RoleName::Bot => Self::Bot,
            RoleName::Vault => Self::Vault,
            RoleName::Auditor => Self::Auditor,
        }
    }
}

impl Grant {
    /// The same for the protocol, about a person.
    fn about(&self, subject: &str, name: Option<&str>) -> account::Approval {
        account::Approval {
            subject: subject.to_owned(),
            name: name.map(str::to_owned),
            role: self.role.into(),
            teams: self.teams.clone(),
        }
    }

    /// Refuses what the policy does not know.
    pub(super) fn check(&self, policy: &Policy) -> Outcome {
        match self.about("", None).check(policy) {
            Err(error @ ApprovalError::UnknownTeam(_)) => {
                let known: Vec<_> = policy.teams.iter().map(|team| team.id.as_str()).collect();
                let words = format!("{error}; it has {}", known.join(", "));
                Err(Failure::new(error.code(), words))
            }
            Err(error @ ApprovalError::Teams(_)) if self.teams.is_empty() => {
                let words = format!("{error}: --team");
                Err(Failure::new(error.code(), words))
            }
            other => Ok(other?),
        }
    }

    /// Signs and publishes a device's credential.
    pub(super) async fn approve(
        &self,
        relay: &mut Session,
        key: &SigningKey,
        policy: &Policy,
        request: &EnrolmentRequest,
        subject: &str,
        name: Option<&str>,
    ) -> Outcome {
        let grant = self.about(subject, name);
        let credential = request.approve(grant, policy, clock::now())?;
        let signed = Signed::sign(&credential, &[key]).to_bytes();
        relay.publish(ObjectKind::Credential, signed).await?;
        let teams = match credential.teams.as_slice() {
            [] => String::new(),
            teams => format!(" of {}", teams.join(", ")),
        };
        say!(
            "approved {} ({subject}) as {}{teams}, device {}, until {}",
            credential.name,
            credential.role.name(),
            short(&credential.device),
            clock::date(credential.expires)
        );
        Ok(())
    }
}

/// The beginning of a device's id: enough for people to compare.
pub(super) fn short(device: &DeviceId) -> String {
    device.to_string().chars().take(12).collect()
}

pub(super) async fn run(arguments: &Arguments) -> Outcome {
    let folder = Folder::open(&arguments.dir)?;
    let account = folder.believed()?;
    let (policy, _) = account.policy(clock::now())?;
    arguments.grant.check(policy)?;
    let request = read_request(&arguments.request)?;
    let (mut relay, key) = connection::connect_with_key(&arguments.relay, &folder).await?;
    let (subject, name) = (&arguments.subject, arguments.name.as_deref());
    arguments
        .grant
        .approve(&mut relay, &key, policy, &request, subject, name)
        .await
}

/// A device's request, as `agent request` and the console show it; `-` reads it from standard input.
pub(crate) fn read_request(text: &str) -> Outcome<EnrolmentRequest> {
    let mut input = String::new();
    let text = if text == "-" {
        std::io::stdin()
            .take(2 * limits::OBJECT as u64)
            .read_to_string(&mut input)
            .map_err(|error| Failure::new("bad-request", error.to_string()))?;
        input.as_str()
    } else {
        text
    };
    let text = text.trim();
    let text = text.strip_prefix("request=").unwrap_or(text);
    from_base64url(text)
        .and_then(|bytes| Signed::from_bytes(&bytes).ok())
        .and_then(|signed| EnrolmentRequest::verify(&signed))
        .ok_or_else(|| {
            let words = "this is not a device's signed request";
            Failure::new("bad-request", words)
        })
}
