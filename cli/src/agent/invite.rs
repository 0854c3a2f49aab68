//! `agent invite`: approves whoever proves to hold the code.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use sottovoce::account::{AccountError, EnrolmentRequest};
use sottovoce::crypto::Random;
use sottovoce::crypto::sign::SigningKey;
use sottovoce::wire::Signed;
use sottovoce::wire::frame::{Object, ObjectKind, Query};
use sottovoce_client::admin::Session;

use super::approve::Grant;
use crate::account::check_name;
use crate::clock;
use crate::connection::{self, RelayOptions};
use crate::failure::{Failure, Outcome};
use crate::folder::Folder;
use crate::say::{complain, say};

/// The relay sees what a code proves and may guess at it for as long as it likes, so a code has
/// to be long.
const SHORTEST_CODE: usize = 16;
/// How long to wait before the relay is tried again.
const PAUSE: Duration = Duration::from_secs(1);

#[derive(Args)]
pub(crate) struct Arguments {
    /// The name that visitors read; what the device proposes if it is left out.
    #[arg(long)]
    name: Option<String>,
    /// The account's own short name for the person; made of the name if it is left out.
    #[arg(long)]
    subject: Option<String>,
    #[command(flatten)]
    grant: Grant,
    /// The account's folder.
    #[arg(long)]
    dir: PathBuf,
    #[command(flatten)]
    relay: RelayOptions,
    /// Let in everybody who holds the code, until Ctrl-C.
    #[arg(long)]
    reusable: bool,
    /// The code, at least 16 characters that nobody can guess; made if it is left out.
    #[arg(long, allow_hyphen_values = true)]
    code: Option<String>,
}

pub(super) async fn run(arguments: &Arguments) -> Outcome {
    let folder = Folder::open(&arguments.dir)?;
    let account = folder.believed()?;
    arguments.grant.check(account.policy(clock::now())?.0)?;
    for name in arguments.name.iter().chain(&arguments.subject) {
        check_name(name)?;
    }
    let code = match &arguments.code {
        Some(code) if code.len() < SHORTEST_CODE => {
            let words = format!("a code has at least {SHORTEST_CODE} characters");
            return Err(Failure::new("bad-code", words));
        }
        Some(code) => code.clone(),
        None => new_code()?,
    };
    let key = folder.administrator()?;
    say!("invite={code}");
    let invitation = Invitation {
        arguments,
        folder: &folder,
        key: &key,
        code: &code,
    };
    invitation.run().await
}

struct Invitation<'a> {
    arguments: &'a Arguments,
    folder: &'a Folder,
    key: &'a SigningKey,
    code: &'a str,
}

impl Invitation<'_> {
    async fn run(&self) -> Outcome {
        let mut told = false;
        let mut relay = self.connect().await?;
        say!("waiting for whoever has this code");
        loop {
            let ended = match self.attend(&mut relay).await {
                Ok(()) => return Ok(()),
                Err(failure) => failure,
            };
            if !connection::may_come_back(&ended) {
                return Err(ended);
            }
            relay = loop {
                if !told {
                    complain!("the relay is away ({}); trying again", ended.code());
                    told = true;
                }
                tokio::time::sleep(PAUSE).await;
                match self.connect().await {
                    Ok(relay) => break relay,
                    Err(failure) if connection::may_come_back(&failure) => {}
                    Err(failure) => return Err(failure),
                }
            };
            told = false;
        }
    }

    async fn connect(&self) -> Outcome<Session> {
        connection::connect_as(&self.arguments.relay, self.folder, self.key).await
    }

    /// Serves one connection: requests that wait already, then those that come.
    async fn attend(&self, relay: &mut Session) -> Outcome {
        let mut objects = relay.look_up(Query::Devices).await?.objects;
        loop {
            for object in &objects {
                let Some(request) = self.fitting(object) else {
                    continue;
                };
                self.admit(relay, &request).await?;
                if !self.arguments.reusable {
                    return Ok(());
                }
            }
            objects = relay.announced().await?;
        }
    }

    /// The request in an object, if its device made it for this account and knows the code.
    fn fitting(&self, object: &Object) -> Option<EnrolmentRequest> {
        if object.kind != ObjectKind::Enrolment {
            return None;
        }
        let signed = Signed::from_bytes(&object.bytes).ok()?;
        let request = EnrolmentRequest::verify(&signed)?;
        (request.account == self.folder.account() && request.proves(self.code)).then_some(request)
    }

    async fn admit(&self, relay: &mut Session, request: &EnrolmentRequest) -> Outcome {
        let name = self.arguments.name.as_ref().unwrap_or(&request.name);
        check_name(name)?;
        let subject = match &self.arguments.subject {
            Some(subject) => subject.clone(),
            None => subject_of(name),
        };
        let policy = self.folder.policy()?.parse().map_err(AccountError::from)?;
        let grant = &self.arguments.grant;
        grant
            .approve(relay, self.key, &policy, request, &subject, Some(name))
            .await
    }
}

/// 128 random bits in hexadecimal: nothing in it is mistaken for an option or needs quoting.
fn new_code() -> Outcome<String> {
    let bytes: [u8; 16] = Random::os().bytes()?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// `Ada Lovelace` becomes `ada-lovelace`.
fn subject_of(name: &str) -> String {
    let words: Vec<_> = name
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    if words.is_empty() {
        name.to_owned()
    } else {
        words.join("-")
    }
}
