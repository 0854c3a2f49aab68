//! The body of a call: the JSON of `docs/webhook-event.schema.json`, and the older shape.

use base64ct::{Base64, Encoding};
use serde::{Deserialize, Serialize};
use sottovoce::wire::ContactId;

use crate::endpoint::Shape;
use crate::event::{EventKind, NewEvent, Subject};
use crate::texts::Message;

/// An event as it is stored and sent.
#[derive(Debug, Serialize, Deserialize)]
struct Body {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    timestamp: String,
    account: String,
    data: Data,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Data {
    #[serde(skip_serializing_if = "Option::is_none")]
    contact: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    entry_point: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    level: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    epoch: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    teams: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    devices: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ciphertext: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Message>,
}

/// One element of the older shape.
#[derive(Serialize)]
struct Older<'a> {
    event: &'static str,
    cid: &'a str,
    acct: &'a str,
    id: &'a str,
    timestamp: &'a str,
    data: &'a Data,
}

/// The body that is stored.
pub(crate) fn of(id: &str, event: &NewEvent) -> Option<Vec<u8>> {
    let details = &event.details;
    let (contact, device) = match event.subject {
        Subject::Contact(contact) => (Some(contact.to_string()), details.device),
        Subject::Device(device) => (None, Some(device)),
    };
    let devices = details.devices.as_ref();
    let body = Body {
        id: id.to_owned(),
        kind: event.kind.name().to_owned(),
        timestamp: timestamp(event.time.millis())?,
        account: event.account.to_string(),
        data: Data {
            contact,
            entry_point: details.entry_point.clone(),
            level: details.level.map(|level| level.name().to_owned()),
            position: details.position,
            epoch: details.epoch,
            device: device.map(|device| device.to_string()),
            teams: details.teams.clone(),
            devices: devices.map(|devices| devices.iter().map(ToString::to_string).collect()),
            ciphertext: details.entry.as_deref().map(Base64::encode_string),
            message: None,
        },
    };
    serde_json::to_vec(&body).ok()
}

/// The message that an event is about, if it is about one.
pub(crate) fn message_of(stored: &[u8]) -> Option<(ContactId, u64)> {
    let body: Body = serde_json::from_slice(stored).ok()?;
    let contact = body.data.contact?.parse().ok()?;
    (body.kind == EventKind::ContactMessage.name()).then_some((contact, body.data.position?))
}

/// The body with what its message says: always the same bytes for the same message.
pub(crate) fn with_message(stored: &[u8], message: Message) -> Option<Vec<u8>> {
    let mut body: Body = serde_json::from_slice(stored).ok()?;
    body.data.message = Some(message);
    serde_json::to_vec(&body).ok()
}

/// The body that an endpoint is sent: always the same bytes for the same event.
pub(crate) fn shaped(stored: Vec<u8>, shape: Shape) -> Option<Vec<u8>> {
    if shape == Shape::Current {
        return Some(stored);
    }
    let body: Body = serde_json::from_slice(&stored).ok()?;
    let older = |event| Older {
        event,
        cid: body.data.contact.as_deref().unwrap_or_default(),
        acct: &body.account,
        id: &body.id,
        timestamp: &body.timestamp,
        data: &body.data,
    };
    match older_events(&body.kind) {
        [event] => serde_json::to_vec(&older(event)),
        events => {
            let events = events.iter().copied().map(older);
            serde_json::to_vec(&events.collect::<Vec<_>>())
        }
    }
    .ok()
}

/// What the older shape calls an event; nothing where it has no word for it. Nothing is added to
/// a contact after its close, so its end is final at once.
pub(crate) fn older_events(kind: &str) -> &'static [&'static str] {
    match kind {
        "contact.created" => &["new"],
        "contact.message" => &["message"],
        "contact.claimed" | "contact.transferred" => &["change"],
        "contact.closed" => &["end", "finalized"],
        _ => &[],
    }
}

/// RFC 3339, in UTC, with milliseconds.
fn timestamp(millis: u64) -> Option<String> {
    let time = jiff::Timestamp::from_millisecond(i64::try_from(millis).ok()?).ok()?;
    Some(format!("{time:.3}"))
}
