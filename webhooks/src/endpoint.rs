//! To whom events are told, and how.

use sottovoce::wire::{AccountId, Time};
use url::Url;

use crate::body;
use crate::event::{EventKind, Kinds};
use crate::identity;
use crate::keys::{KeyError, PublicKey, SharedSecret, TokenUse};
use crate::signature::HMAC_HEADER;
use crate::target::{Targets, UrlError};

/// Most endpoints of one account.
pub const ENDPOINTS: usize = 16;

/// Names an endpoint: `whe_` and 22 characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EndpointId(String);

impl EndpointId {
    const PREFIX: &str = "whe_";

    pub(crate) fn fresh() -> Result<Self, KeyError> {
        identity::fresh(Self::PREFIX).map(Self)
    }

    /// Reads one; `None` if it has another form.
    pub fn parse(text: &str) -> Option<Self> {
        identity::is_well_formed(text, Self::PREFIX).then(|| Self(text.to_owned()))
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) const fn stored(text: String) -> Self {
        Self(text)
    }
}

/// An endpoint's settings are not usable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// Its URL must not be called.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// It wants nothing, or in the older shape something that shape has no word for.
    #[error("choose events that an endpoint of this shape can be told")]
    Kinds,
    /// The header's name is not one, is too long or means something else.
    #[error("the header's name is malformed or reserved")]
    Header,
    /// The account has as many as it may.
    #[error("the account has {ENDPOINTS} endpoints already")]
    TooMany,
}

impl EndpointError {
    /// The stable code of this error.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Url(error) => error.code(),
            Self::Kinds => "events-unusable",
            Self::Header => "header-unusable",
            Self::TooMany => "too-many-endpoints",
        }
    }
}

/// The name of the header that carries HMAC-SHA1, in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HmacHeader(String);

impl HmacHeader {
    /// Longest name.
    pub const LENGTH: usize = 64;

    /// Names that HTTP, Standard Webhooks or the older header set give a meaning.
    const RESERVED: &[&str] = &[
        "age",
        "allow",
        "authorization",
        "cache-control",
        "connection",
        "cookie",
        "date",
        "dnt",
        "expect",
        "expires",
        "forwarded",
        "from",
        "host",
        "keep-alive",
        "link",
        "location",
        "max-forwards",
        "origin",
        "pragma",
        "priority",
        "range",
        "referer",
        "server",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
        "vary",
        "via",
        "warning",
        "x-real-ip",
    ];
    const RESERVED_BEGINNINGS: &[&str] = &[
        "accept",
        "access-control-",
        "content-",
        "if-",
        "proxy-",
        "sec-",
        "set-cookie",
        "webhook-",
        "x-forwarded-",
        "x-vvc-",
        ":",
    ];

    /// Reads a name; letter case does not matter.
    ///
    /// # Errors
    /// [`EndpointError::Header`].
    pub fn parse(name: &str) -> Result<Self, EndpointError> {
        let name = name.to_ascii_lowercase();
        let is_token = name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        let starts = |beginning: &&str| name.starts_with(beginning);
        let is_reserved =
            Self::RESERVED.contains(&name.as_str()) || Self::RESERVED_BEGINNINGS.iter().any(starts);
        let length = 1..=Self::LENGTH;
        if is_token && !is_reserved && length.contains(&name.len()) {
            Ok(Self(name))
        } else {
            Err(EndpointError::Header)
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for HmacHeader {
    fn default() -> Self {
        Self(HMAC_HEADER.to_owned())
    }
}

/// The form of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shape {
    /// What `docs/WEBHOOKS.md` describes.
    #[default]
    Current,
    /// The older body, and the headers `x-vvc-hmac`, `x-vvc-host` and `x-vvc-acct` in place of
    /// the endpoint's own.
    Older,
}

/// How an endpoint is called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Which header carries HMAC-SHA1.
    pub header: HmacHeader,
    /// How the account's secret token is its key.
    pub token_use: TokenUse,
    /// The form of body and headers.
    pub shape: Shape,
}

/// An endpoint that has been checked and may be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    url: Url,
    kinds: Kinds,
    settings: Settings,
}

impl Registration {
    /// Checks what somebody asks for.
    ///
    /// # Errors
    /// [`EndpointError`].
    pub fn new(
        url: &str,
        kinds: Kinds,
        settings: Settings,
        targets: &Targets,
    ) -> Result<Self, EndpointError> {
        let url = targets.judge_url(url)?;
        let is_tellable = |kind: EventKind| {
            settings.shape == Shape::Current || !body::older_events(kind.name()).is_empty()
        };
        if kinds.is_empty() || !kinds.iter().all(is_tellable) {
            return Err(EndpointError::Kinds);
        }
        Ok(Self {
            url,
            kinds,
            settings,
        })
    }

    /// Where.
    pub const fn url(&self) -> &Url {
        &self.url
    }

    /// What is told.
    pub const fn kinds(&self) -> Kinds {
        self.kinds
    }

    /// How.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) const fn stored(url: Url, kinds: Kinds, settings: Settings) -> Self {
        Self {
            url,
            kinds,
            settings,
        }
    }
}

/// Why an endpoint is not called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disabled {
    /// An administrator wants it so.
    ByAccount,
    /// It answered 410.
    Gone,
    /// More waits for it than is kept.
    Backlog,
}

impl Disabled {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::ByAccount, Self::Gone, Self::Backlog];

    /// The stable code of this reason.
    pub const fn code(self) -> &'static str {
        match self {
            Self::ByAccount => "by-account",
            Self::Gone => "gone",
            Self::Backlog => "backlog",
        }
    }
}

/// A registered endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// What names it.
    pub id: EndpointId,
    /// Whose it is.
    pub account: AccountId,
    /// Where, what and how.
    pub registration: Registration,
    /// Why it is not called; `None` while it is.
    pub disabled: Option<Disabled>,
    /// Since when it is there.
    pub created: Time,
}

impl Endpoint {
    /// Whether calls travel in clear: anybody on the way can read and change them, and only the
    /// signature tells.
    pub fn is_insecure(&self) -> bool {
        self.registration.url.scheme() == "http"
    }
}

/// What is to become of an endpoint. `None` leaves things as they are.
#[derive(Clone, Debug, Default)]
pub struct EndpointChange {
    /// Where, what and how.
    pub registration: Option<Registration>,
    /// Whether it is called.
    pub enabled: Option<bool>,
}

/// One generation of an endpoint's Standard Webhooks keys.
#[derive(Clone, Debug)]
pub struct EndpointKeys {
    /// Verifies `v1`. It is the receiver's to know.
    pub secret: SharedSecret,
    /// Verifies `v1a`.
    pub public: PublicKey,
    /// Until when it signs; `None`: until the next change.
    pub until: Option<Time>,
}
