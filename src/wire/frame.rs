//! SPEC 8: what client and relay say to each other: one CBOR frame per WebSocket message.
//!
//! Every request that changes something carries an id that makes repeating it harmless, and is
//! answered only after the change is durable.

use minicbor::{Decode, Encode};

use super::{AccountId, Bytes, ContactId, ContentId, DeviceId, SignedKind, Suite, Time, Version};
use crate::crypto::Hash;
use crate::wire::codec::byte_string;

byte_string! {
    /// A nonce of the connection handshake, 32 random bytes.
    Nonce, 32
}

/// From a client to its relay.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum ClientFrame {
    /// The first frame: the answer to [`RelayFrame::Challenge`].
    #[n(0)]
    Authenticate {
        /// An encoded `Signed<Authentication>`.
        #[n(0)]
        proof: Bytes,
    },
    /// Publishes an account object.
    #[n(1)]
    Publish {
        /// Named again in the answer.
        #[n(0)]
        id: u64,
        /// What to publish.
        #[n(1)]
        object: Object,
    },
    /// Asks for account objects.
    #[n(2)]
    Lookup {
        /// Named again in the answer.
        #[n(0)]
        id: u64,
        /// What is wanted.
        #[n(1)]
        query: Query,
    },
    /// Appends an entry to a contact's log. The first one of a contact is its `create` commit.
    #[n(3)]
    Append {
        /// Names the append: a repeated one is answered with the first one's position.
        #[n(0)]
        id: ContentId,
        /// The contact.
        #[n(1)]
        contact: ContactId,
        /// An encoded entry: a commit or an envelope.
        #[n(2)]
        entry: Bytes,
    },
    /// Sends everything after a position, then whatever comes.
    #[n(4)]
    Resume {
        /// The contact.
        #[n(0)]
        contact: ContactId,
        /// The last position that the client has, 0 for none.
        #[n(1)]
        after: u64,
    },
    /// No longer wants a contact's entries.
    #[n(5)]
    Leave {
        /// The contact.
        #[n(0)]
        contact: ContactId,
    },
    /// Passes an ephemeral event to whoever has resumed the contact now. Never stored, never
    /// answered.
    #[n(6)]
    Ephemeral {
        /// The contact.
        #[n(0)]
        contact: ContactId,
        /// An encoded ephemeral event.
        #[n(1)]
        event: Bytes,
    },
    /// Staff: whether new contacts are welcome. A device that is connected starts as available.
    #[n(7)]
    Presence {
        /// Whether they are.
        #[n(0)]
        available: bool,
    },
}

/// From a relay to a client. Everything in it is a claim that the client checks.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum RelayFrame {
    /// The first frame of every connection.
    #[n(0)]
    Challenge {
        /// Random, used once.
        #[n(0)]
        nonce: Nonce,
    },
    /// The device is authenticated: root statement, policy with renewals, own credential, and
    /// for staff the credentials of its account's other devices are pushed by queries.
    #[n(1)]
    Welcome {
        /// Root statement, current policy, its renewals, the device's own credential if it has one.
        #[n(0)]
        objects: Vec<Object>,
    },
    /// The object is durable.
    #[n(2)]
    Published {
        /// Of the request.
        #[n(0)]
        id: u64,
    },
    /// The answer to a query.
    #[n(3)]
    Found {
        /// Of the request.
        #[n(0)]
        id: u64,
        /// In the order that [`Query`] states.
        #[n(1)]
        objects: Vec<Object>,
        /// Which of the devices named are connected and available now.
        #[n(2)]
        available: Vec<DeviceId>,
    },
    /// The entry is durable at this position. Positions count from 1 without gaps.
    #[n(4)]
    Appended {
        /// Of the request.
        #[n(0)]
        id: ContentId,
        /// The contact.
        #[n(1)]
        contact: ContactId,
        /// Its position.
        #[n(2)]
        position: u64,
    },
    /// The entry was not appended, or the object not published.
    #[n(5)]
    Refused {
        /// Of the request: the append's id, or the publication's as a number.
        #[n(0)]
        id: RefusedId,
        /// A stable code of SPEC 11, such as `epoch-taken`.
        #[n(1)]
        code: String,
    },
    /// Consecutive entries of a contact.
    #[n(6)]
    Entries {
        /// The contact.
        #[n(0)]
        contact: ContactId,
        /// Position of the first entry.
        #[n(1)]
        first: u64,
        /// At least one, unless the client has them all.
        #[n(2)]
        entries: Vec<Bytes>,
        /// The last position that exists now.
        #[n(3)]
        head: u64,
    },
    /// Somebody's ephemeral event.
    #[n(7)]
    Ephemeral {
        /// The contact.
        #[n(0)]
        contact: ContactId,
        /// An encoded ephemeral event.
        #[n(1)]
        event: Bytes,
    },
    /// Staff: contacts that concern the device, all of them after `Welcome`, then each change.
    #[n(8)]
    Contacts {
        /// Whether these are all; otherwise they replace those of the same id.
        #[n(0)]
        all: bool,
        /// What the relay knows of each.
        #[n(1)]
        contacts: Vec<ContactSummary>,
    },
    /// Account objects that the device should learn now: a new policy, renewal, team key,
    /// credential; for administrators a device's enrolment request.
    #[n(9)]
    Announce {
        /// The objects.
        #[n(0)]
        objects: Vec<Object>,
    },
    /// The relay ends the connection and says why.
    #[n(10)]
    Goodbye {
        /// A stable code of SPEC 11.
        #[n(0)]
        code: String,
    },
}

/// Which request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum RefusedId {
    /// An append.
    #[n(0)]
    Append(#[n(0)] ContentId, #[n(1)] ContactId),
    /// A publication or query.
    #[n(1)]
    Request(#[n(0)] u64),
    /// A resume: the contact is unknown or none of the device's business.
    #[n(2)]
    Contact(#[n(0)] ContactId),
}

/// An account object as it travels.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Object {
    /// Which type `bytes` encodes.
    #[n(0)]
    pub kind: ObjectKind,
    /// The encoded object.
    #[n(1)]
    pub bytes: Bytes,
}

impl Object {
    /// Names the type of encoded bytes.
    pub const fn new(kind: ObjectKind, bytes: Bytes) -> Self {
        Self { kind, bytes }
    }
}

/// The types of account objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum ObjectKind {
    /// `Signed<RootStatement>`
    #[n(0)]
    Root,
    /// `Signed<Policy>`
    #[n(1)]
    Policy,
    /// `Signed<Renewal>`
    #[n(2)]
    Renewal,
    /// `Signed<Credential>`
    #[n(3)]
    Credential,
    /// `Signed<SealKey>`
    #[n(4)]
    SealKey,
    /// `Signed<TeamKey>`
    #[n(5)]
    TeamKey,
    /// `TeamSeals`
    #[n(6)]
    TeamSeals,
    /// `Signed<EnrolmentRequest>`
    #[n(7)]
    Enrolment,
}

/// What a client may ask for.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Query {
    /// For anyone: the newest team key record of each suite, each preceded by the credential of
    /// the device that signed it (none if an administrator did).
    #[n(0)]
    TeamKey(#[n(0)] String),
    /// For staff: credential and newest seal key of each suite of every device of the team;
    /// `available` says which are there.
    #[n(1)]
    TeamMembers(#[n(0)] String),
    /// For staff: all team key records of the team that are not expired, oldest first, each
    /// followed by those of its seals that are for the asking device.
    #[n(2)]
    TeamSeals(#[n(0)] String),
    /// For anyone: a policy by its hash, with all its renewals, for old transcripts.
    #[n(3)]
    Policy(#[n(0)] Hash),
    /// For administrators: enrolment requests that wait, and all credentials.
    #[n(4)]
    Devices,
}

/// What the relay knows of a contact.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct ContactSummary {
    /// The contact.
    #[n(0)]
    pub contact: ContactId,
    /// Where it came in.
    #[n(1)]
    pub entry_point: String,
    /// The time in its `create` commit.
    #[n(2)]
    pub created: Time,
    /// The last position.
    #[n(3)]
    pub head: u64,
    /// The epoch in force.
    #[n(4)]
    pub epoch: u64,
    /// Teams on the roster: the contact waits for one of them.
    #[n(5)]
    pub teams: Vec<String>,
    /// Devices on the roster.
    #[n(6)]
    pub devices: Vec<DeviceId>,
    /// Whether it was closed.
    #[n(7)]
    pub closed: bool,
}

/// What a device signs to authenticate. The client builds it from what it dialled, so that no
/// relay can have a challenge of another one signed.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Authentication {
    /// Protocol version.
    #[n(0)]
    pub version: Version,
    /// Always suite 1: only its signature scheme is used.
    #[n(1)]
    pub suite: Suite,
    /// The account.
    #[n(2)]
    pub account: AccountId,
    /// Host and port that the client dialled, as in the HTTP `Host` header.
    #[n(3)]
    pub host: String,
    /// The relay's nonce.
    #[n(4)]
    pub relay_nonce: Nonce,
    /// The client's nonce.
    #[n(5)]
    pub client_nonce: Nonce,
    /// The device.
    #[n(6)]
    pub device: DeviceId,
    /// The client's clock.
    #[n(7)]
    pub time: Time,
}

impl SignedKind for Authentication {
    const KIND: &'static str = "authentication";
}

/// What a contact's log consists of.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Entry {
    /// An encoded commit.
    #[n(0)]
    Commit(#[n(0)] Bytes),
    /// An encoded envelope.
    #[n(1)]
    Envelope(#[n(0)] Bytes),
}
