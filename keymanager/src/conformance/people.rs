//! Those who ask: devices that exist for the length of a run, with credentials that nobody publishes.

use sottovoce::account::{Credential, Policy, Role, Via};
use sottovoce::crypto::Random;
use sottovoce::crypto::sign::SigningKey;
use sottovoce::wire::frame::{Object, ObjectKind};
use sottovoce::wire::{Signed, Suite, Time, Version};

use super::{CannotTry, Customer};

/// How long their credentials are valid, in seconds.
const LIFE: u64 = 60 * 60;

/// Somebody with a key and a credential; administrators have none.
#[derive(Debug)]
pub(super) struct Person {
    pub(super) key: SigningKey,
    pub(super) signed: Option<Signed<Credential>>,
    pub(super) credential: Option<Object>,
}

#[derive(Debug)]
pub(super) struct People {
    /// An agent who was on the contact.
    pub(super) agent: Person,
    /// An agent of the same team who was not.
    pub(super) other: Person,
    pub(super) vault: Person,
    pub(super) auditor: Person,
    pub(super) administrator: Person,
}

impl People {
    pub(super) fn new(customer: &Customer, policy: &Policy, now: Time) -> Result<Self, CannotTry> {
        let teams: Vec<String> = policy.teams.iter().map(|team| team.id.clone()).collect();
        let person = |name: &str, role: Role| -> Result<Person, CannotTry> {
            let key = SigningKey::generate(&mut Random::os());
            let key = key.map_err(|_| CannotTry::NoRandomness)?;
            let credential = Credential {
                version: Version,
                suite: Suite::X25519,
                account: customer.account,
                device: key.public(),
                subject: format!("conformance-{name}"),
                name: format!("Conformance {name}"),
                role,
                via: Via::Device,
                teams: match role {
                    Role::Agent => teams.clone(),
                    _ => Vec::new(),
                },
                issued: now,
                expires: now.plus_seconds(LIFE),
            };
            let signed = Signed::sign(&credential, &[&customer.administrator]);
            Ok(Person {
                key,
                credential: Some(Object::new(ObjectKind::Credential, signed.to_bytes())),
                signed: Some(signed),
            })
        };
        Ok(Self {
            agent: person("agent", Role::Agent)?,
            other: person("other agent", Role::Agent)?,
            vault: person("vault", Role::Vault)?,
            auditor: person("auditor", Role::Auditor)?,
            administrator: Person {
                key: SigningKey::from_seed(&customer.administrator.seed()),
                signed: None,
                credential: None,
            },
        })
    }
}
