//! SPEC 8: what client and relay say to each other: one CBOR frame per WebSocket message.
//!
//! Every request that changes something carries an id that makes repeating it harmless, and is
//! answered only after the change is durable.

use crate::wire::codec::{array, number, variants};

use super::{AccountId, Bytes, ContactId, ContentId, DeviceId, SignedKind, Suite, Time, Version};
use crate::crypto::Hash;
use crate::wire::codec::byte_string;

byte_string! {
    /// A nonce of the connection handshake, 32 random bytes.
    Nonce, 32
}

/// From a client to its relay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientFrame {
    /// The first frame: the answer to [`RelayFrame::Challenge`].
    Authenticate {
        /// An encoded `Signed<Authentication>`.
        proof: Bytes,
    },
    /// Publishes an account object.
    Publish {
        /// Named again in the answer.
        id: u64,
        /// What to publish.
        object: Object,
    },
    /// Asks for account objects.
    Lookup {
        /// Named again in the answer.
        id: u64,
        /// What is wanted.
        query: Query,
    },
    /// Appends an entry to a contact's log. The first one of a contact is its `create` commit.
    Append {
        /// Names the append: a repeated one is answered with the first one's position.
        id: ContentId,
        /// The contact.
        contact: ContactId,
        /// An encoded entry: a commit or an envelope.
        entry: Bytes,
    },
    /// Sends everything after a position, then whatever comes.
    Resume {
        /// The contact.
        contact: ContactId,
        /// The last position that the client has, 0 for none.
        after: u64,
    },
    /// No longer wants a contact's entries.
    Leave {
        /// The contact.
        contact: ContactId,
    },
    /// Passes an ephemeral event to whoever has resumed the contact now. Never stored, never
    /// answered.
    Ephemeral {
        /// The contact.
        contact: ContactId,
        /// An encoded ephemeral event.
        event: Bytes,
    },
    /// Staff: whether new contacts are welcome. A device that is connected starts as available.
    Presence {
        /// Whether they are.
        available: bool,
    },
    /// Appends two entries at consecutive positions, or neither: what must not be separated.
    AppendBoth {
        /// The contact.
        contact: ContactId,
        /// The entry that comes first.
        first: NewEntry,
        /// The entry right behind it.
        second: NewEntry,
    },
    /// The answer to [`RelayFrame::Work`].
    Solve {
        /// A number for which [`is_done`](crate::wire::work::is_done) holds.
        answer: u64,
    },
    /// Staff: keeps a visitor away for a while, by its device and by the address that the relay
    /// sees, which it tells nobody. Answered with [`RelayFrame::Published`] or refused.
    Ban {
        /// Named again in the answer.
        id: u64,
        /// A contact that the visitor and the asker are on.
        contact: ContactId,
        /// The visitor's device.
        device: DeviceId,
        /// For how long.
        period: BanPeriod,
    },
    /// Where this device is told that there is news when it is not connected, or that it is not.
    /// Answered with [`RelayFrame::Published`] or refused.
    Push {
        /// Named again in the answer.
        id: u64,
        /// In place of the one before.
        target: Option<PushTarget>,
    },
    /// A request to the account's key manager, which the relay passes on as it is. Answered with
    /// [`RelayFrame::Answered`], or refused as `unavailable`.
    Ask {
        /// Named again in the answer.
        id: u64,
        /// An encoded parcel.
        request: Bytes,
    },
}

variants!(ClientFrame {
    0 => Authenticate { proof },
    1 => Publish { id, object },
    2 => Lookup { id, query },
    3 => Append { id, contact, entry },
    4 => Resume { contact, after },
    5 => Leave { contact },
    6 => Ephemeral { contact, event },
    7 => Presence { available },
    8 => AppendBoth { contact, first, second },
    9 => Solve { answer },
    10 => Ban { id, contact, device, period },
    11 => Push { id, target },
    12 => Ask { id, request },
});

/// How long a visitor is kept away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BanPeriod {
    /// 3,600 seconds.
    Hour,
    /// 24 hours.
    Day,
    /// 7 days.
    Week,
    /// 30 days.
    Month,
}

number!(BanPeriod { Hour = 0, Day = 1, Week = 2, Month = 3 });

/// A device's address at a push service.
#[derive(Clone, PartialEq, Eq)]
pub struct PushTarget {
    /// Which service.
    pub kind: PushKind,
    /// The service's token for the app on this device, for Web Push the subscription's endpoint: at
    /// most 1,024 bytes.
    pub token: String,
}

array!(PushTarget { kind, token });

impl core::fmt::Debug for PushTarget {
    // Who has the token can disturb the device.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("PushTarget")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// Push services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PushKind {
    /// Apple Push Notification service.
    Apns,
    /// Firebase Cloud Messaging.
    Fcm,
    /// Web Push (RFC 8030).
    WebPush,
    /// None: for tests of a relay's gateway.
    Test,
}

number!(PushKind { Apns = 0, Fcm = 1, WebPush = 2, Test = 3 });

/// One of two entries that are appended together, each answered like an append of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEntry {
    /// Names the append.
    pub id: ContentId,
    /// An encoded entry: a commit or an envelope.
    pub entry: Bytes,
}

array!(NewEntry { id, entry });

/// From a relay to a client. Everything in it is a claim that the client checks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RelayFrame {
    /// The first frame of every connection.
    Challenge {
        /// Random, used once.
        nonce: Nonce,
    },
    /// The device is authenticated: root statement, policy with renewals, own credential, and
    /// for staff the credentials of its account's other devices are pushed by queries.
    Welcome {
        /// Root statement, current policy, its renewals, the device's own credential if it has one.
        objects: Vec<Object>,
    },
    /// The object is durable.
    Published {
        /// Of the request.
        id: u64,
    },
    /// The answer to a query.
    Found {
        /// Of the request.
        id: u64,
        /// In the order that [`Query`] states.
        objects: Vec<Object>,
        /// Which of the devices named in this frame are connected and available now.
        available: Vec<DeviceId>,
        /// Whether the answer goes on in another frame.
        more: bool,
    },
    /// The entry is durable at this position. Positions count from 1 without gaps.
    Appended {
        /// Of the request.
        id: ContentId,
        /// The contact.
        contact: ContactId,
        /// Its position.
        position: u64,
    },
    /// The entry was not appended, or the object not published.
    Refused {
        /// Of the request: the append's id, or the publication's as a number.
        id: RefusedId,
        /// A stable code of SPEC 11, such as `epoch-taken`.
        code: String,
    },
    /// Consecutive entries of a contact.
    Entries {
        /// The contact.
        contact: ContactId,
        /// Position of the first entry.
        first: u64,
        /// At least one, unless the client has them all.
        entries: Vec<Bytes>,
        /// The last position that exists now.
        head: u64,
    },
    /// Somebody's ephemeral event.
    Ephemeral {
        /// The contact.
        contact: ContactId,
        /// An encoded ephemeral event.
        event: Bytes,
    },
    /// Staff: contacts that concern the device, all of them after `Welcome`, then each change.
    Contacts {
        /// Whether these are all; otherwise they replace those of the same id.
        all: bool,
        /// What the relay knows of each.
        contacts: Vec<ContactSummary>,
    },
    /// Account objects that the device should learn now: a new policy, renewal, team key,
    /// credential; for administrators a device's enrolment request.
    Announce {
        /// The objects.
        objects: Vec<Object>,
    },
    /// The relay ends the connection and says why.
    Goodbye {
        /// A stable code of SPEC 11.
        code: String,
    },
    /// After the proof, from a relay under load to a device that it does not know: it is welcome
    /// once it has found an answer. SPEC 8.4.
    Work {
        /// Random, used once.
        nonce: Nonce,
        /// How many zero bits the hash begins with, at most
        /// [`MOST_BITS`](crate::wire::work::MOST_BITS).
        bits: u64,
    },
    /// What the key manager said.
    Answered {
        /// Of the request.
        id: u64,
        /// An encoded `Signed<KeyAnswer>`.
        answer: Bytes,
    },
    /// To one of those who may ask the key manager: there are few one-time keys left for new contacts.
    KeysWanted {
        /// The suite that they are for.
        suite: Suite,
        /// How many would be good to have.
        count: u64,
    },
}

variants!(RelayFrame {
    0 => Challenge { nonce },
    1 => Welcome { objects },
    2 => Published { id },
    3 => Found { id, objects, available, more },
    4 => Appended { id, contact, position },
    5 => Refused { id, code },
    6 => Entries { contact, first, entries, head },
    7 => Ephemeral { contact, event },
    8 => Contacts { all, contacts },
    9 => Announce { objects },
    10 => Goodbye { code },
    11 => Work { nonce, bits },
    12 => Answered { id, answer },
    13 => KeysWanted { suite, count },
});

/// Which request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusedId {
    /// An append.
    Append(ContentId, ContactId),
    /// A publication or query.
    Request(u64),
    /// A resume: the contact is unknown or none of the device's business.
    Contact(ContactId),
}

variants!(RefusedId {
    0 => Append(id, contact),
    1 => Request(id),
    2 => Contact(contact),
});

/// An account object as it travels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Which type `bytes` encodes.
    pub kind: ObjectKind,
    /// The encoded object.
    pub bytes: Bytes,
}

array!(Object { kind, bytes });

impl Object {
    /// Names the type of encoded bytes.
    pub const fn new(kind: ObjectKind, bytes: Bytes) -> Self {
        Self { kind, bytes }
    }
}

/// The types of account objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ObjectKind {
    /// `Signed<RootStatement>`
    Root,
    /// `Signed<Policy>`
    Policy,
    /// `Signed<Renewal>`
    Renewal,
    /// `Signed<Credential>`
    Credential,
    /// `Signed<SealKey>`
    SealKey,
    /// `Signed<TeamKey>`
    TeamKey,
    /// `TeamSeals`
    TeamSeals,
    /// `Signed<EnrolmentRequest>`
    Enrolment,
    /// `Signed<ArchiveKey>`
    ArchiveKey,
    /// `Signed<Notebook>`
    Notebook,
}

number!(ObjectKind { Root = 0, Policy = 1, Renewal = 2, Credential = 3, SealKey = 4, TeamKey = 5, TeamSeals = 6, Enrolment = 7, ArchiveKey = 8, Notebook = 9 });

/// What a client may ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Query {
    /// For anyone: the newest team key record of each suite, each preceded by the credential of
    /// the device that signed it (none if an administrator did).
    TeamKey(String),
    /// For staff: credential and newest seal key of each suite of every device of the team;
    /// `available` says which are there.
    TeamMembers(String),
    /// For staff: all team key records of the team that are not expired, oldest first, each
    /// followed by those of its seals that are for the asking device.
    TeamSeals(String),
    /// For anyone: a policy by its hash, with all its renewals, for old transcripts.
    Policy(Hash),
    /// For administrators: enrolment requests that wait, and all credentials.
    Devices,
    /// For anyone: credential and newest seal key of each suite of every vault; `available` says which
    /// are there.
    Vaults,
    /// For anyone: keys of a suite to archive a new contact's secrets to: a one-time key, which nobody
    /// else is given, where there is one, and the newest last-resort key.
    ArchiveKeys(Suite),
    /// For devices with a credential: what requests to the key manager are sealed to now, in each suite.
    RequestKeys,
    /// For a team's staff: its newest notebook, preceded by the credential of the device that signed it.
    Notebook(String),
}

variants!(Query {
    0 => TeamKey(team),
    1 => TeamMembers(team),
    2 => TeamSeals(team),
    3 => Policy(hash),
    4 => Devices,
    5 => Vaults,
    6 => ArchiveKeys(suite),
    7 => RequestKeys,
    8 => Notebook(team),
});

/// What the relay knows of a contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactSummary {
    /// The contact.
    pub contact: ContactId,
    /// Where it came in.
    pub entry_point: String,
    /// The time in its `create` commit.
    pub created: Time,
    /// The last position.
    pub head: u64,
    /// The epoch in force.
    pub epoch: u64,
    /// Teams on the roster: the contact waits for one of them.
    pub teams: Vec<String>,
    /// Devices on the roster.
    pub devices: Vec<DeviceId>,
    /// Whether it was closed.
    pub closed: bool,
    /// Teams that were ever on the roster: whose business it is, whoever holds it now.
    pub past_teams: Vec<String>,
    /// Who is responsible for it, if somebody is.
    pub responsible: Option<DeviceId>,
    /// The time in the commit since which it waits for a team, or for the device that it was handed to.
    pub waiting_since: Option<Time>,
}

array!(ContactSummary {
    contact,
    entry_point,
    created,
    head,
    epoch,
    teams,
    devices,
    closed,
    past_teams,
    responsible,
    waiting_since
});

/// What a device signs to authenticate. The client builds it from what it dialled, so that no
/// relay can have a challenge of another one signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authentication {
    /// Protocol version.
    pub version: Version,
    /// Always suite 1: only its signature scheme is used.
    pub suite: Suite,
    /// The account.
    pub account: AccountId,
    /// Host and port that the client dialled, as in the HTTP `Host` header.
    pub host: String,
    /// The relay's nonce.
    pub relay_nonce: Nonce,
    /// The client's nonce.
    pub client_nonce: Nonce,
    /// The device.
    pub device: DeviceId,
    /// The client's clock.
    pub time: Time,
}

array!(Authentication {
    version,
    suite,
    account,
    host,
    relay_nonce,
    client_nonce,
    device,
    time
});

impl SignedKind for Authentication {
    const KIND: &'static str = "authentication";
}

/// What a contact's log consists of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// An encoded commit.
    Commit(Bytes),
    /// An encoded envelope.
    Envelope(Bytes),
}

variants!(Entry {
    0 => Commit(commit),
    1 => Envelope(envelope),
});
