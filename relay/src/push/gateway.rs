//! The operator's push gateway: it holds what Apple, Google and browsers' services want to see, adds
//! it to the request that it is given, and sends that on. So the relay holds none of it.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;
use sottovoce::wire::frame::{PushKind, PushTarget};
use sottovoce_server::outgoing::{Outgoing, OutgoingError};

use super::payload::{self, Services};
use super::{Failed, Sender};

/// How long it may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Posts `{"kind", "token"?, "request"?}` to one address. 2xx means sent, 410 that the device has
/// given the target up.
#[derive(Debug)]
pub struct Gateway {
    outgoing: Outgoing,
    services: Services,
}

impl Gateway {
    /// A gateway at a URL: `https`, or `http` on a loopback address.
    ///
    /// # Errors
    /// [`OutgoingError`].
    pub fn new(url: &str, services: Services) -> Result<Self, OutgoingError> {
        Ok(Self {
            outgoing: Outgoing::new(url, PATIENCE)?,
            services,
        })
    }
}

#[async_trait]
impl Sender for Gateway {
    async fn send(&self, target: &PushTarget) -> Result<(), Failed> {
        let kind = match target.kind {
            PushKind::Apns => "apns",
            PushKind::Fcm => "fcm",
            PushKind::WebPush => "webpush",
            PushKind::Test => "test",
        };
        let body = match payload::request(&self.services, target) {
            Some(request) => json!({ "kind": kind, "request": request }),
            None => json!({ "kind": kind, "token": target.token }),
        };
        match self.outgoing.post_json(body.to_string()).await {
            Ok(200..=299) => Ok(()),
            Ok(410) => Err(Failed::Gone),
            Ok(_) | Err(_) => Err(Failed::Unavailable),
        }
    }
}
