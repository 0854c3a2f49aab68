//! Hints and their bytes: deterministic CBOR, as everything else that travels.

use sottovoce::wire::codec::{Decode, Encode, Reader, Writer};
use sottovoce::wire::{AccountId, Bytes, ContactId, DeviceId, decode, encode};

use crate::store::{ContactKey, Party};

/// Names a node until it ends: random.
pub type Node = u64;

/// Something that other nodes may want to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hint {
    /// A contact was added to.
    Contact {
        /// The contact.
        key: ContactKey,
        /// Its last position.
        head: u64,
        /// Who left it.
        left: Vec<Party>,
    },
    /// An account's objects changed.
    Objects {
        /// The account.
        account: AccountId,
        /// Their version.
        version: u64,
    },
    /// Somebody is, for example, typing.
    Ephemeral {
        /// The contact.
        key: ContactKey,
        /// Who sent it.
        from: DeviceId,
        /// The encoded event.
        event: Bytes,
    },
    /// Devices of an account that are available at the node, or are not any more.
    Presence {
        /// The account.
        account: AccountId,
        /// The devices.
        devices: Vec<DeviceId>,
        /// Whether they are available.
        available: bool,
    },
    /// The node is there.
    Alive,
}

/// Several hints of one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Letter {
    pub(super) node: Node,
    pub(super) hints: Vec<Hint>,
}

impl Letter {
    /// Packs hints into as few letters as it takes, none longer than `most` unless it has one hint
    /// only. What is told of a contact several times is told once.
    pub(super) fn pack(node: Node, hints: Vec<Hint>, most: usize) -> Vec<Vec<u8>> {
        /// The array, the node, the array of hints.
        const HEAD: usize = 16;
        let mut letters = Vec::new();
        let mut letter = Self {
            node,
            hints: Vec::new(),
        };
        let mut size = HEAD;
        for hint in merge(hints) {
            let length = encode(&hint).len();
            if size + length > most && !letter.hints.is_empty() {
                letters.push(encode(&letter));
                letter.hints.clear();
                size = HEAD;
            }
            size += length;
            letter.hints.push(hint);
        }
        if !letter.hints.is_empty() {
            letters.push(encode(&letter));
        }
        letters
    }

    /// Reads a letter; none if it is not one.
    pub(super) fn read(bytes: &[u8], most: usize) -> Option<Self> {
        decode(bytes, most).ok()
    }
}

/// Keeps the last of several hints about one contact, and everybody who left it.
fn merge(hints: Vec<Hint>) -> Vec<Hint> {
    let mut places = std::collections::HashMap::new();
    let mut merged: Vec<Hint> = Vec::with_capacity(hints.len());
    for hint in hints {
        if let Hint::Contact { key, head, left } = &hint {
            let place = places.get(key).and_then(|place| merged.get_mut(*place));
            if let Some(Hint::Contact {
                head: known,
                left: gone,
                ..
            }) = place
            {
                *known = (*known).max(*head);
                gone.extend(left.iter().cloned());
                continue;
            }
            places.insert(*key, merged.len());
        }
        merged.push(hint);
    }
    merged
}

impl Encode for Letter {
    fn encode(&self, out: &mut Writer) {
        out.array(2);
        out.number(self.node);
        self.hints.encode(out);
    }
}

impl Decode for Letter {
    fn decode(input: &mut Reader<'_>) -> Self {
        input.array(2);
        Self {
            node: input.number(),
            hints: Decode::decode(input),
        }
    }
}

impl Encode for Hint {
    fn encode(&self, out: &mut Writer) {
        match self {
            Self::Contact { key, head, left } => {
                let devices: Vec<_> = left.iter().filter_map(Party::device).collect();
                let teams: Vec<_> = left.iter().filter_map(Party::team).collect();
                out.array(6);
                out.number(0);
                key.0.encode(out);
                key.1.encode(out);
                out.number(*head);
                devices.encode(out);
                teams.encode(out);
            }
            Self::Objects { account, version } => {
                out.array(3);
                out.number(1);
                account.encode(out);
                out.number(*version);
            }
            Self::Ephemeral { key, from, event } => {
                out.array(5);
                out.number(2);
                key.0.encode(out);
                key.1.encode(out);
                from.encode(out);
                event.encode(out);
            }
            Self::Presence {
                account,
                devices,
                available,
            } => {
                out.array(4);
                out.number(3);
                account.encode(out);
                devices.encode(out);
                out.number(u64::from(*available));
            }
            Self::Alive => {
                out.array(1);
                out.number(4);
            }
        }
    }
}

impl Decode for Hint {
    fn decode(input: &mut Reader<'_>) -> Self {
        let length = input.any_array();
        match (input.number(), length) {
            (0, 6) => Self::Contact {
                key: read_key(input),
                head: input.number(),
                left: read_parties(input),
            },
            (1, 3) => Self::Objects {
                account: Decode::decode(input),
                version: input.number(),
            },
            (2, 5) => Self::Ephemeral {
                key: read_key(input),
                from: Decode::decode(input),
                event: Decode::decode(input),
            },
            (3, 4) => Self::Presence {
                account: Decode::decode(input),
                devices: Decode::decode(input),
                available: input.number() == 1,
            },
            (4, 1) => Self::Alive,
            _ => {
                input.fail();
                Self::Alive
            }
        }
    }
}

fn read_key(input: &mut Reader<'_>) -> ContactKey {
    let account: AccountId = Decode::decode(input);
    let contact: ContactId = Decode::decode(input);
    (account, contact)
}

fn read_parties(input: &mut Reader<'_>) -> Vec<Party> {
    let devices: Vec<DeviceId> = Decode::decode(input);
    let teams: Vec<String> = Decode::decode(input);
    let devices = devices.into_iter().map(Party::Device);
    devices.chain(teams.into_iter().map(Party::Team)).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn contact(byte: u8, head: u64, left: &[Party]) -> Hint {
        Hint::Contact {
            key: (AccountId::new([1; 32]), ContactId::new([byte; 16])),
            head,
            left: left.to_vec(),
        }
    }

    #[test]
    fn every_hint_is_read_as_it_was_written() {
        let account = AccountId::new([1; 32]);
        let device = DeviceId::new([2; 32]);
        let left = [Party::Device(device), Party::Team("support".to_owned())];
        let hints = vec![
            contact(1, 7, &left),
            Hint::Objects {
                account,
                version: 3,
            },
            Hint::Ephemeral {
                key: (account, ContactId::new([3; 16])),
                from: device,
                event: vec![1, 2, 3].into(),
            },
            Hint::Presence {
                account,
                devices: vec![device; 3],
                available: true,
            },
            Hint::Alive,
        ];
        let letters = Letter::pack(9, hints.clone(), 5000);
        let read = Letter::read(letters.first().unwrap(), 5000).unwrap();
        assert_eq!((read.node, read.hints), (9, hints));
    }

    #[test]
    fn a_contact_is_told_of_once_with_its_last_position_and_all_who_left() {
        let [first, second] = ["sales", "support"].map(|team| Party::Team(team.to_owned()));
        let hints = vec![
            contact(1, 7, std::slice::from_ref(&first)),
            contact(2, 1, &[]),
            contact(1, 6, std::slice::from_ref(&second)),
        ];
        let merged = [contact(1, 7, &[first, second]), contact(2, 1, &[])];
        assert_eq!(merge(hints), merged);
    }

    #[test]
    fn letters_are_no_longer_than_they_may_be() {
        let hints: Vec<_> = (0..200).map(|byte| contact(byte, 7, &[])).collect();
        let letters = Letter::pack(u64::MAX, hints.clone(), 1000);
        assert!(letters.iter().all(|letter| letter.len() <= 1000));
        let read = letters
            .iter()
            .flat_map(|letter| Letter::read(letter, 1000).unwrap().hints);
        assert_eq!(read.collect::<Vec<_>>(), hints);
    }

    #[test]
    fn what_is_no_letter_is_none() {
        let letter = Letter::pack(1, vec![contact(1, 7, &[]), Hint::Alive], 5000);
        let letter = letter.first().unwrap();
        for length in 0..letter.len() {
            assert_eq!(Letter::read(letter.get(..length).unwrap(), 5000), None);
        }
        assert_eq!(Letter::read(letter, letter.len() - 1), None);
    }
}
