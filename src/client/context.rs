//! What every contact of a client shares: who it is, what it believes of the account, which
//! keys it holds, and where its outputs go.

use super::directory::{Directory, FoundTeamKey};
use super::keys::Keys;
use super::outputs::Outputs;
use super::{AccountView, Author, EntryPointView, Event, Kind, TeamView};
use crate::account::{Account, Archive, Credential, Level, Role, Via};
use crate::contact::Log;
use crate::crypto::sign::SigningKey;
use crate::crypto::{Hash, Random};
use crate::gather::Gather;
use crate::wire::frame::{ClientFrame, Query};
use crate::wire::{ContactId, DeviceId, Signed, Suite, Time, limits};

/// Whether this build serves staff at all. What only they do is compiled either way, and left out
/// of a build for visitors because nothing can reach it.
pub(crate) const STAFF: bool = cfg!(feature = "staff");
/// Staff are warned when a policy ends sooner than this, in seconds.
const WARN_BEFORE: u64 = 3 * limits::DAY;

#[derive(Debug)]
pub(super) struct Context {
    pub(super) kind: Kind,
    pub(super) host: String,
    pub(super) account: Account,
    pub(super) random: Random,
    pub(super) outputs: Outputs,
    pub(super) signer: SigningKey,
    pub(super) credential: Option<OwnCredential>,
    pub(super) keys: Keys,
    pub(super) directory: Directory,
    #[cfg(feature = "staff")]
    pub(super) key_requests: super::key_manager::KeyRequests,
    #[cfg(feature = "staff")]
    pub(super) administration: super::administration::Administration,
    #[cfg(feature = "staff")]
    pub(super) probes: super::probe::Probes,
    #[cfg(feature = "staff")]
    pub(super) desk: super::desk::Desk,
    pub(super) online: bool,
    requests: u64,
}

/// The own credential, believed when it arrived.
#[derive(Debug)]
pub(super) struct OwnCredential {
    pub(super) signed: Signed<Credential>,
    pub(super) credential: Credential,
}

impl Context {
    pub(super) fn new(
        kind: Kind,
        host: String,
        account: Account,
        random: Random,
        signer: SigningKey,
    ) -> Self {
        Self {
            kind,
            host,
            account,
            random,
            outputs: Outputs::default(),
            signer,
            credential: None,
            keys: Keys::default(),
            directory: Directory::default(),
            #[cfg(feature = "staff")]
            key_requests: super::key_manager::KeyRequests::default(),
            #[cfg(feature = "staff")]
            administration: super::administration::Administration::default(),
            #[cfg(feature = "staff")]
            probes: super::probe::Probes::default(),
            #[cfg(feature = "staff")]
            desk: super::desk::Desk::default(),
            online: false,
            requests: 0,
        }
    }

    pub(super) fn device(&self) -> DeviceId {
        self.signer.public()
    }

    pub(super) const fn is_staff(&self) -> bool {
        !matches!(self.kind, Kind::Visitor)
    }

    /// The own credential; visitors have none.
    pub(super) fn credential(&self) -> Option<&OwnCredential> {
        self.credential.as_ref().filter(|_| STAFF)
    }

    /// The own role: that of the credential, or visitor.
    pub(super) fn role(&self) -> Role {
        self.credential()
            .map_or(Role::Visitor, |own| own.credential.role)
    }

    pub(super) fn own_teams(&self) -> &[String] {
        self.credential()
            .map_or(&[], |own| own.credential.teams.as_slice())
    }

    /// Whether the device belongs to one of these teams.
    pub(super) fn is_in_any<'a>(&self, mut teams: impl Iterator<Item = &'a String>) -> bool {
        teams.any(|team| self.own_teams().contains(team))
    }

    pub(super) fn event(&mut self, event: Event) {
        self.outputs.event(event);
    }

    pub(super) fn failed(&mut self, contact: Option<ContactId>, code: &'static str) {
        self.event(Event::Failed { contact, code });
    }

    pub(super) fn alarm(
        &mut self,
        contact: Option<ContactId>,
        code: &'static str,
        stops_sending: bool,
    ) {
        self.event(Event::Alarm {
            contact,
            code,
            stops_sending,
        });
    }

    /// Sends a query if connected; `true` if it was not already on its way.
    pub(super) fn look_up(&mut self, query: Query) -> bool {
        let frame = self.ask(query);
        let is_new = frame.is_some();
        if let Some(frame) = frame {
            self.outputs.transmit(frame);
        }
        is_new
    }

    /// Asks for what an intent lacks. If the relay answered just now, it is asked again later.
    pub(super) fn look_up_again(&mut self, query: Query, now: Time) {
        match self.directory.ask_again_at(&query) {
            Some(at) if now < at => self.outputs.wake_at(at),
            _ => {
                self.look_up(query);
            }
        }
    }

    /// Asks behind all publications that wait for the disk: the answer knows of them.
    pub(super) fn look_up_after_publishing(&mut self, query: Query) {
        if let Some(frame) = self.ask(query) {
            self.outputs.transmit_stored(frame);
        }
    }

    fn ask(&mut self, query: Query) -> Option<ClientFrame> {
        if !self.online || self.directory.is_asked(&query) {
            return None;
        }
        let id = self.next_request();
        self.directory.asked(id, query.clone());
        Some(ClientFrame::Lookup { id, query })
    }

    /// The next request number, for publications.
    pub(super) fn next_request(&mut self) -> u64 {
        self.requests += 1;
        self.requests
    }

    /// How a device appears to people, from the contact's log or the directory.
    pub(super) fn author(&self, device: &DeviceId, log: Option<&Log>) -> Author {
        let own = *device == self.device();
        let credential = log
            .and_then(|log| log.credential(device))
            .or_else(|| {
                self.directory
                    .member(device)
                    .map(|member| &member.credential)
            })
            .or_else(|| {
                let mine = self.credential().filter(|_| own);
                mine.map(|mine| &mine.credential)
            });
        match credential {
            Some(credential) => Author {
                device: *device,
                name: credential.name.clone(),
                role: credential.role,
                via: credential.via,
                own,
            },
            None => Author {
                device: *device,
                name: String::new(),
                role: Role::Visitor,
                via: Via::Device,
                own,
            },
        }
    }

    /// The newest key of an own team that the relay told of, once its record is believed.
    pub(super) fn newest_team_key(
        &self,
        team: &str,
        suite: Suite,
        now: Time,
    ) -> Option<&FoundTeamKey> {
        let newest = self.keys.newest_record(team, suite)?;
        let found = self.directory.team_key(team, suite, now)?;
        (found.signed.hash() == *newest).then_some(found)
    }

    /// The level that people are shown for an entry point now.
    pub(super) fn level_of(&self, entry_point: &str, now: Time) -> Option<Level> {
        let (policy, _) = self.account.policy(now).ok()?;
        policy.entry_point(entry_point).map(|entry| entry.level)
    }

    /// How many devices can read what is sealed to a team's current key.
    pub(super) fn readers(&self, team: &str, suite: Suite) -> Option<u64> {
        self.keys
            .holders(team, suite)
            .or_else(|| self.directory.holders(team, suite))
    }

    /// The account as people see it, also when its policy has run out: they have to be told.
    /// `None` before a policy is known.
    pub(super) fn account_view(&self, now: Time) -> Option<AccountView> {
        let expires = self.account.policy_expires()?;
        let policy = self.account.newest_policy()?;
        Some(AccountView {
            policy: policy.number,
            expires,
            expires_soon: now.plus_seconds(WARN_BEFORE) > expires,
            entry_points: policy
                .entry_points
                .iter()
                .map(|entry| EntryPointView {
                    id: entry.id.clone(),
                    name: entry.name.clone(),
                    level: entry.level,
                    teams: entry.teams.clone(),
                })
                .gather(),
            teams: policy
                .teams
                .iter()
                .map(|team| TeamView {
                    id: team.id.clone(),
                    name: team.name.clone(),
                    readers: self.readers(&team.id, Suite::default()),
                })
                .gather(),
            retention_days: policy.retention.days,
            archived: policy.archive == Archive::KeyManager,
            fallback_link: policy.fallback_link.clone(),
            own: self.author(&self.device(), None),
            own_teams: self.own_teams().to_vec(),
            #[cfg(feature = "staff")]
            presence: self.is_staff().then(|| self.desk.presence_view()),
            #[cfg(not(feature = "staff"))]
            presence: None,
        })
    }

    /// The private key of a published seal key or team key with this id.
    pub(super) fn private_key(&self, id: &Hash) -> Option<&crate::crypto::seal::SealPrivateKey> {
        self.keys.private(id)
    }
}
