//! What push services are sent: exactly this request for a kind of target, with nothing in it that is
//! about a message. Who may send it (a signed token of the service's) is added by the gateway.

use serde::Serialize;
use serde_json::json;
use sottovoce::wire::frame::{PushKind, PushTarget};

/// How long a service may keep the news for a device that is off, in seconds.
const LIFE: u32 = 86_400;
/// What names the news, so that a newer one replaces an older one that was not delivered.
const TOPIC: &str = "sottovoce-news";

/// An HTTP POST.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Request {
    /// Its address.
    pub url: String,
    /// Headers, in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// Its body; empty for Web Push, which can be told without content.
    pub body: String,
}

/// What is configured of the services.
#[derive(Clone, Debug, Default)]
pub struct Services {
    /// The app's bundle id, for APNs.
    pub apns_topic: String,
    /// The project's id, for FCM.
    pub fcm_project: String,
}

/// The request for a target; none for the kind that tests use.
pub fn request(services: &Services, target: &PushTarget) -> Option<Request> {
    match target.kind {
        PushKind::Apns => Some(apns(&services.apns_topic, &target.token)),
        PushKind::Fcm => Some(fcm(&services.fcm_project, &target.token)),
        PushKind::WebPush => Some(web_push(&target.token)),
        PushKind::Test => None,
    }
}

/// Apple Push Notification service, over HTTP/2: an alert whose words are the app's own. The app may
/// put better ones in their place when it has connected (`mutable-content`).
fn apns(topic: &str, token: &str) -> Request {
    let body = json!({
        "aps": {
            "alert": { "loc-key": "sottovoce.news" },
            "mutable-content": 1,
            "sound": "default",
        }
    });
    Request {
        url: format!("https://api.push.apple.com/3/device/{token}"),
        headers: vec![
            ("apns-collapse-id", TOPIC.to_owned()),
            ("apns-priority", "10".to_owned()),
            ("apns-push-type", "alert".to_owned()),
            ("apns-topic", topic.to_owned()),
            ("content-type", "application/json".to_owned()),
        ],
        body: body.to_string(),
    }
}

/// Firebase Cloud Messaging, HTTP v1: a data message that wakes the app.
fn fcm(project: &str, token: &str) -> Request {
    let body = json!({
        "message": {
            "android": { "collapse_key": TOPIC, "priority": "HIGH", "ttl": format!("{LIFE}s") },
            "data": { "sottovoce": "news" },
            "token": token,
        }
    });
    Request {
        url: format!("https://fcm.googleapis.com/v1/projects/{project}/messages:send"),
        headers: vec![("content-type", "application/json".to_owned())],
        body: body.to_string(),
    }
}

/// Web Push (RFC 8030) without content, so that nothing needs to be encrypted (RFC 8291). The token
/// is the subscription's endpoint.
fn web_push(endpoint: &str) -> Request {
    Request {
        url: endpoint.to_owned(),
        headers: vec![
            ("content-length", "0".to_owned()),
            ("topic", TOPIC.to_owned()),
            ("ttl", LIFE.to_string()),
            ("urgency", "high".to_owned()),
        ],
        body: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(kind: PushKind, token: &str) -> Option<Request> {
        let services = Services {
            apns_topic: "com.example.shop".to_owned(),
            fcm_project: "shop-1".to_owned(),
        };
        let token = token.to_owned();
        request(&services, &PushTarget { kind, token })
    }

    #[test]
    fn apple_is_told_this_and_nothing_else() {
        let request = written(PushKind::Apns, "00fc13ad").unwrap_or_else(|| unreachable!());
        assert_eq!(request.url, "https://api.push.apple.com/3/device/00fc13ad");
        assert_eq!(
            request.body,
            r#"{"aps":{"alert":{"loc-key":"sottovoce.news"},"mutable-content":1,"sound":"default"}}"#
        );
        let header = |name| request.headers.iter().find(|(known, _)| *known == name);
        assert_eq!(
            header("apns-topic").map(|(_, value)| &**value),
            Some("com.example.shop")
        );
        assert_eq!(
            header("apns-push-type").map(|(_, value)| &**value),
            Some("alert")
        );
        assert_eq!(
            header("apns-priority").map(|(_, value)| &**value),
            Some("10")
        );
        // Apple allows 64 bytes.
        assert!(TOPIC.len() <= 64);
    }

    #[test]
    fn firebase_is_told_this_and_nothing_else() {
        let request = written(PushKind::Fcm, "a:b").unwrap_or_else(|| unreachable!());
        assert_eq!(
            request.url,
            "https://fcm.googleapis.com/v1/projects/shop-1/messages:send"
        );
        assert_eq!(
            request.body,
            r#"{"message":{"android":{"collapse_key":"sottovoce-news","priority":"HIGH","ttl":"86400s"},"data":{"sottovoce":"news"},"token":"a:b"}}"#
        );
    }

    #[test]
    fn browsers_services_are_told_nothing_at_all() {
        let endpoint = "https://push.example.net/v2/abc";
        let request = written(PushKind::WebPush, endpoint).unwrap_or_else(|| unreachable!());
        assert_eq!(request.url, endpoint);
        assert_eq!(request.body, "");
        // RFC 8030, section 5.4: at most 32 characters of the base64url alphabet.
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        assert!(TOPIC.len() <= 32 && TOPIC.chars().all(is_allowed));
        assert!(request.headers.contains(&("ttl", "86400".to_owned())));
        assert_eq!(written(PushKind::Test, "x"), None);
    }
}
