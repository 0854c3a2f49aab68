//! SPEC 10: limits in bytes, counts and time, the same for clients and relays.

/// Longest text or body of one message, in bytes of UTF-8.
pub const BODY: usize = 64 * 1024;
/// Longest envelope or commit, in bytes.
pub const ENTRY: usize = 192 * 1024;
/// Longest WebSocket frame, in bytes.
pub const FRAME: usize = 1024 * 1024;
/// Longest account object (root statement, policy, credential …), in bytes.
pub const OBJECT: usize = 128 * 1024;
/// Most devices and teams on a roster together.
pub const ROSTER: usize = 32;
/// Longest names, ids of teams and entry points, in bytes of UTF-8.
pub const NAME: usize = 128;
/// How far a live entry's time may be from the own clock, in milliseconds.
pub const LIVE_TOLERANCE: u64 = 10 * 60 * 1000;
/// Longest life of a policy, in seconds.
pub const POLICY_LIFE: u64 = 14 * DAY;
/// Longest life of a credential, in seconds.
pub const CREDENTIAL_LIFE: u64 = 90 * DAY;
/// How long a published seal key or team key is sealed to, in seconds.
pub const KEY_CURRENT: u64 = DAY;
/// Longest life of a seal key's private half, in seconds.
pub const KEY_LIFE: u64 = 30 * DAY;
/// Longest identity token, in bytes.
pub const IDENTITY_TOKEN: usize = 8 * 1024;
/// Longest life of an identity token, in seconds.
pub const IDENTITY_LIFE: u64 = 60 * 60;
/// Longest token of a push target, in bytes.
pub const PUSH_TOKEN: usize = 1024;
/// Most details of a contact, and of one content that gives them.
pub const DETAILS: usize = 32;
/// Longest value of a detail, in bytes of UTF-8.
pub const DETAIL: usize = 1024;
/// Most labels of a contact.
pub const LABELS: usize = 16;
/// Longest label, and longest name of a detail, in bytes of UTF-8.
pub const LABEL: usize = 64;
/// Longest padded text of a team's notebook, in bytes.
pub const NOTEBOOK: usize = 64 * 1024;
/// Most replies in a notebook.
pub const REPLIES: usize = 200;
/// Longest reply in a notebook, in bytes of UTF-8.
pub const REPLY: usize = 4 * 1024;
/// Longest shortcut of a reply, in bytes.
pub const SHORTCUT: usize = 32;
/// Most labels in a notebook.
pub const KNOWN_LABELS: usize = 64;
/// A day in seconds.
pub const DAY: u64 = 24 * 60 * 60;
