//! What the relay answered about teams, believed as far as signatures go.

use crate::gather::Keep;
use crate::table::Table;

use crate::account::{
    Account, AccountError, ArchiveKey, Credential, KeyKind, Role, SealKey, TeamKey,
};
use crate::crypto::Hash;
use crate::crypto::seal::SealPublicKey;
use crate::wire::frame::{Object, ObjectKind, Query};
use crate::wire::{ContactId, DecodeError, DeviceId, Signed, SignedKind, Suite, Time};

/// How soon a query is asked again whose answer lacked what was wanted, in milliseconds.
const ASK_AGAIN: u64 = 5_000;

/// Team keys and members, newest answers only.
#[derive(Debug, Default)]
pub(super) struct Directory {
    /// Whether a part of the answer came already.
    asked: Table<u64, (Query, bool)>,
    /// When queries were answered last on this connection.
    answered: Table<Query, Time>,
    /// Queries that the relay could not answer on this connection.
    refused: Vec<Query>,
    team_keys: Table<(String, Suite), FoundTeamKey>,
    members: Table<DeviceId, Member>,
    /// Keys of the key manager, for new contacts and for requests.
    archive_keys: Vec<FoundArchiveKey>,
}

/// A key of the account's key manager that was valid when it arrived.
#[derive(Clone, Debug)]
pub(super) struct FoundArchiveKey {
    pub(super) signed: Signed<ArchiveKey>,
    pub(super) record: ArchiveKey,
    pub(super) public: SealPublicKey,
}

/// A team key that was valid when it arrived, and who signed it.
#[derive(Clone, Debug)]
pub(super) struct FoundTeamKey {
    pub(super) signed: Signed<TeamKey>,
    pub(super) signer: Option<Signed<Credential>>,
    pub(super) record: TeamKey,
    pub(super) public: SealPublicKey,
}

/// A staff device, with a credential that was valid when it arrived.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) signed: Signed<Credential>,
    pub(super) credential: Credential,
    pub(super) available: bool,
    seal_keys: Vec<(Signed<SealKey>, SealKey, SealPublicKey)>,
}

impl Member {
    fn is_in(&self, team: &str) -> bool {
        self.credential.teams.iter().any(|known| known == team)
    }

    /// The seal key of a suite that is current at a time.
    pub(super) fn seal_key(
        &self,
        suite: Suite,
        now: Time,
    ) -> Option<(&Signed<SealKey>, &SealPublicKey)> {
        self.seal_keys
            .iter()
            .filter(|(_, key, _)| key.suite == suite && key.from <= now && now < key.until)
            .max_by_key(|(_, key, _)| key.generation)
            .map(|(signed, _, public)| (signed, public))
    }
}

impl Directory {
    pub(super) fn is_asked(&self, query: &Query) -> bool {
        self.asked.values().any(|(asked, _)| asked == query)
    }

    pub(super) fn asked(&mut self, id: u64, query: Query) {
        self.asked.insert(id, (query, false));
    }

    /// Which query a part of an answer is for, and whether it is the first part. After the last
    /// the query is answered.
    pub(super) fn answered(&mut self, id: u64, more: bool, now: Time) -> Option<(Query, bool)> {
        let (query, begun) = self.asked.remove(&id)?;
        if more {
            self.asked.insert(id, (query.clone(), true));
        } else {
            self.answered.insert(query.clone(), now);
        }
        Some((query, !begun))
    }

    /// When it makes sense to ask again what was answered.
    pub(super) fn ask_again_at(&self, query: &Query) -> Option<Time> {
        let answered = self.answered.get(query)?;
        Some(answered.plus_millis(ASK_AGAIN))
    }

    /// The relay does not have what was asked for.
    pub(super) fn refuse(&mut self, query: Query) {
        self.refused.push(query);
    }

    pub(super) fn is_refused(&self, query: &Query) -> bool {
        self.refused.contains(query)
    }

    pub(super) fn disconnected(&mut self) {
        self.asked.clear();
        self.answered.clear();
        self.refused.clear();
    }

    /// How many devices hold the current key of a team.
    pub(super) fn holders(&self, team: &str, suite: Suite) -> Option<u64> {
        self.team_keys
            .get(&(team.to_owned(), suite))
            .map(|found| found.record.holders.len() as u64)
    }

    /// The current key of a team.
    pub(super) fn team_key(&self, team: &str, suite: Suite, now: Time) -> Option<&FoundTeamKey> {
        self.team_keys
            .get(&(team.to_owned(), suite))
            .filter(|found| now < found.record.until)
    }

    /// A staff device.
    pub(super) fn member(&self, device: &DeviceId) -> Option<&Member> {
        self.members.get(device)
    }

    /// A vault that can be sealed to in a suite; one that is there, if any is.
    pub(super) fn vault(&self, suite: Suite, now: Time) -> Option<&Member> {
        let mut found: Option<&Member> = None;
        for member in self.members.values() {
            let serves = member.credential.role == Role::Vault
                && now < member.credential.expires
                && member.seal_key(suite, now).is_some();
            if serves && found.is_none_or(|found| member.available && !found.available) {
                found = Some(member);
            }
        }
        found
    }

    /// The devices of a team.
    pub(super) fn members_of<'a>(&'a self, team: &'a str) -> impl Iterator<Item = &'a Member> {
        self.members.values().filter(|member| member.is_in(team))
    }

    /// Takes in the answer to `Query::TeamKey`: records, each after its signer's credential. The code of
    /// what does not prove itself, if that is so.
    pub(super) fn take_team_keys(
        &mut self,
        account: &Account,
        objects: &[Object],
        now: Time,
    ) -> Result<(), &'static str> {
        let Ok((policy, _)) = account.policy(now) else {
            return Ok(());
        };
        let mut signer: Option<Signed<Credential>> = None;
        let mut all = Ok(());
        for object in objects {
            match object.kind {
                ObjectKind::Credential => signer = Signed::from_bytes(&object.bytes).ok(),
                ObjectKind::TeamKey => {
                    let signer = signer.take();
                    let read = |signed: &Signed<TeamKey>| {
                        if policy.team(&signed.parse()?.team).is_none() {
                            return Err(AccountError::NotMember);
                        }
                        let record = account.team_key(signed, signer.as_ref(), policy, now)?;
                        let public = public_key(record.suite, &record.public_key)?;
                        Ok((record, public))
                    };
                    let Some((signed, (record, public))) = believed(object, read, &mut all) else {
                        continue;
                    };
                    let place = (record.team.clone(), record.suite);
                    let newest = self.team_keys.get(&place);
                    if newest.is_some_and(|known| known.record.generation > record.generation) {
                        continue;
                    }
                    let found = FoundTeamKey {
                        signed,
                        signer,
                        record,
                        public,
                    };
                    self.team_keys.insert(place, found);
                }
                _ => {}
            }
        }
        all
    }

    /// What a new contact archives to in a suite: a one-time key, else the last-resort key.
    pub(super) fn archive_key(
        &self,
        suite: Suite,
        now: Time,
        last_resort: bool,
    ) -> Option<&FoundArchiveKey> {
        self.key_of(KeyKind::OneTime, None, suite, now).or_else(|| {
            let last = self.key_of(KeyKind::LastResort, None, suite, now);
            last.filter(|_| last_resort)
        })
    }

    /// A key of a kind, for a contact or for none, in a suite.
    pub(super) fn key_of(
        &self,
        kind: KeyKind,
        contact: Option<ContactId>,
        suite: Suite,
        now: Time,
    ) -> Option<&FoundArchiveKey> {
        self.archive_keys.iter().find(|found| {
            let record = &found.record;
            record.kind == kind
                && record.contact == contact
                && record.suite == suite
                && now < record.until
        })
    }

    /// Requests to the key manager cannot be sealed to what was told before.
    #[cfg(feature = "staff")]
    pub(super) fn forget_request_keys(&mut self) {
        self.archive_keys
            .keep(|found| found.record.kind != KeyKind::Request);
        self.answered.remove(&Query::RequestKeys);
    }

    /// A key that is one contact's from now on.
    pub(super) fn use_up(&mut self, id: &Hash) {
        self.archive_keys
            .keep(|found| found.record.kind != KeyKind::OneTime || found.public.id() != *id);
    }

    /// Takes in keys of the key manager, in place of those of their kinds and suites. The code of what
    /// is wrong with one, if that is so.
    pub(super) fn take_archive_keys(
        &mut self,
        account: &Account,
        objects: &[Object],
        now: Time,
    ) -> Result<(), &'static str> {
        for object in objects {
            if object.kind != ObjectKind::ArchiveKey {
                continue;
            }
            let signed = Signed::<ArchiveKey>::from_bytes(&object.bytes);
            let signed = signed.map_err(|error| error.code())?;
            let record = account.archive_key(&signed, now);
            let record = record.map_err(|error| error.code())?;
            let public = SealPublicKey::parse(record.suite, &record.public_key);
            let public = public.map_err(|_| "malformed")?;
            self.archive_keys.keep(|known| {
                known.record.kind != record.kind
                    || known.record.suite != record.suite
                    || known.record.contact != record.contact
            });
            self.archive_keys.push(FoundArchiveKey {
                signed,
                record,
                public,
            });
        }
        Ok(())
    }

    /// A new answer to `Query::TeamMembers` comes.
    pub(super) fn forget_members(&mut self, team: &str) {
        self.members.keep(|member| !member.is_in(team));
    }

    /// Takes in part of an answer to `Query::TeamMembers` or `Query::Vaults`: credentials, each before its
    /// seal keys. The code of what does not prove itself, if that is so.
    pub(super) fn take_members(
        &mut self,
        account: &Account,
        objects: &[Object],
        available: &[DeviceId],
        now: Time,
    ) -> Result<(), &'static str> {
        let Ok((policy, _)) = account.policy(now) else {
            return Ok(());
        };
        let mut current: Option<DeviceId> = None;
        let mut all = Ok(());
        for object in objects {
            match object.kind {
                ObjectKind::Credential => {
                    current = None;
                    let read =
                        |signed: &Signed<Credential>| account.credential(signed, policy, now);
                    let Some((signed, credential)) = believed(object, read, &mut all) else {
                        continue;
                    };
                    let device = credential.device;
                    current = Some(device);
                    let member = Member {
                        available: available.contains(&device),
                        signed,
                        credential,
                        seal_keys: Vec::new(),
                    };
                    self.members.insert(device, member);
                }
                ObjectKind::SealKey => {
                    let read = |signed: &Signed<SealKey>| {
                        let key = account.seal_key(signed, now)?;
                        let public = public_key(key.suite, &key.public_key)?;
                        Ok((key, public))
                    };
                    let Some((signed, (key, public))) = believed(object, read, &mut all) else {
                        continue;
                    };
                    if current != Some(key.device) {
                        continue;
                    }
                    if let Some(member) = self.members.get_mut(&key.device) {
                        member.seal_keys.push((signed, key, public));
                    }
                }
                _ => {}
            }
        }
        all
    }
}

fn public_key(suite: Suite, bytes: &[u8]) -> Result<SealPublicKey, AccountError> {
    SealPublicKey::parse(suite, bytes).map_err(|_| DecodeError::Malformed.into())
}

/// An object and what it says, if it proves itself. What time, a revocation, a newer generation or a change of
/// teams explains is no sign of anything; the code of whatever else is wrong is noted.
fn believed<T: SignedKind, R>(
    object: &Object,
    read: impl Fn(&Signed<T>) -> Result<R, AccountError>,
    all: &mut Result<(), &'static str>,
) -> Option<(Signed<T>, R)> {
    use AccountError::{Expired, NotMember, NotYetValid, Revoked, RolledBack};
    let signed = Signed::from_bytes(&object.bytes).map_err(AccountError::from);
    match signed.and_then(|signed| Ok((read(&signed)?, signed))) {
        Ok((said, signed)) => Some((signed, said)),
        Err(Expired | NotMember | NotYetValid | Revoked | RolledBack) => None,
        Err(error) => {
            *all = Err(error.code());
            None
        }
    }
}
