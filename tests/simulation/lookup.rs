//! What the relay in memory answers to queries.

use sottovoce::account::{ArchiveKey, Credential, KeyKind, Role};
use sottovoce::wire::DeviceId;
use sottovoce::wire::frame::*;

use super::{Peer, Relay};

impl Relay {
    pub(super) fn look_up(&mut self, peer: Peer, id: u64, query: &Query, device: DeviceId) {
        let mut objects = Vec::new();
        let mut available = Vec::new();
        match query {
            Query::TeamKey(team) => {
                for suite in sottovoce::wire::Suite::ALL {
                    if self.only.is_some_and(|only| only != suite) {
                        continue;
                    }
                    let newest = self.team_keys.iter().rfind(|(key, _)| {
                        let key = key.parse().unwrap();
                        key.team == *team && key.suite == suite
                    });
                    let Some((key, signer)) = newest else {
                        continue;
                    };
                    let credential = self.credential_of(signer).unwrap();
                    objects.push(Object::new(ObjectKind::Credential, credential.to_bytes()));
                    objects.push(Object::new(ObjectKind::TeamKey, key.to_bytes()));
                }
            }
            Query::TeamMembers(team) => {
                let is_in = |credential: &Credential| credential.teams.contains(team);
                self.with_seal_keys(is_in, &mut objects, &mut available);
            }
            Query::ArchiveKeys(suite) => {
                let is_one_time = |key: &ArchiveKey| key.kind == KeyKind::OneTime;
                let found = self.archive_keys.iter().position(|key| {
                    let key = key.parse().unwrap();
                    is_one_time(&key) && key.suite == *suite
                });
                let one_time = found.map(|place| self.archive_keys.remove(place));
                let others = self.archive_keys.iter().filter(|key| {
                    let key = key.parse().unwrap();
                    !is_one_time(&key) && key.suite == *suite
                });
                for key in one_time.iter().chain(others) {
                    objects.push(Object::new(ObjectKind::ArchiveKey, key.to_bytes()));
                }
            }
            Query::RequestKeys => objects.clone_from(&self.request_keys),
            Query::Vaults => {
                let is_vault = |credential: &Credential| credential.role == Role::Vault;
                self.with_seal_keys(is_vault, &mut objects, &mut available);
            }
            Query::TeamSeals(team) => {
                for (key, _) in &self.team_keys {
                    if key.parse().unwrap().team != *team {
                        continue;
                    }
                    objects.push(Object::new(ObjectKind::TeamKey, key.to_bytes()));
                    for seals in self.team_seals.iter().filter(|s| s.record == key.hash()) {
                        let mut seals = seals.clone();
                        seals.seals.retain(|seal| seal.holder == device);
                        let bytes = sottovoce::wire::encode(&seals).into();
                        objects.push(Object::new(ObjectKind::TeamSeals, bytes));
                    }
                }
            }
            Query::Notebook(team) => objects = self.notebook(team),
            Query::Policy(_) => objects = self.account.objects(),
            Query::Devices => {
                objects.extend(self.enrolments.values().cloned());
                for signed in &self.credentials {
                    available.push(signed.parse().unwrap().device);
                    objects.push(Object::new(ObjectKind::Credential, signed.to_bytes()));
                }
            }
        }
        // In several frames wherever that can be.
        let starts = |object: &Object| {
            !matches!(
                object.kind,
                ObjectKind::SealKey
                    | ObjectKind::TeamSeals
                    | ObjectKind::Renewal
                    | ObjectKind::Notebook
            ) && !matches!(query, Query::TeamKey(_) | Query::Policy(_))
        };
        let mut pages: Vec<Vec<Object>> = vec![Vec::new()];
        for object in objects {
            if starts(&object) && !pages[0].is_empty() {
                pages.push(Vec::new());
            }
            pages.last_mut().unwrap().push(object);
        }
        let last = pages.len() - 1;
        for (index, objects) in pages.into_iter().enumerate() {
            let available = available.clone();
            let more = index < last;
            let frame = RelayFrame::Found {
                id,
                objects,
                available,
                more,
            };
            self.send(peer, frame);
        }
    }

    /// A team's newest notebook after its author's credential.
    pub fn notebook(&self, team: &str) -> Vec<Object> {
        let Some((_, signed)) = self.notebooks.get(team) else {
            return Vec::new();
        };
        let author = signed.parse().unwrap().author;
        let mut credentials = self.credentials.iter();
        let credential = credentials
            .find(|credential| credential.parse().unwrap().device == author)
            .unwrap();
        vec![
            Object::new(ObjectKind::Credential, credential.to_bytes()),
            Object::new(ObjectKind::Notebook, signed.to_bytes()),
        ]
    }

    /// Credentials of some devices, each before its newest seal keys.
    fn with_seal_keys(
        &self,
        which: impl Fn(&Credential) -> bool,
        objects: &mut Vec<Object>,
        available: &mut Vec<DeviceId>,
    ) {
        for signed in &self.credentials {
            let credential = signed.parse().unwrap();
            if !which(&credential) {
                continue;
            }
            available.push(credential.device);
            objects.push(Object::new(ObjectKind::Credential, signed.to_bytes()));
            for suite in sottovoce::wire::Suite::ALL {
                let newest = self.seal_keys.iter().rfind(|key| {
                    let key = key.parse().unwrap();
                    key.device == credential.device && key.suite == suite
                });
                objects.extend(newest.map(|key| Object::new(ObjectKind::SealKey, key.to_bytes())));
            }
        }
    }
}
