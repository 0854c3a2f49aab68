//! SPEC 3: what an account says about itself, signed: root statement, policies, credentials,
//! seal keys, team keys; and the one place that decides whether to believe it.

mod api;
mod chain;
mod credential;
mod enrolment;
mod error;
mod identity;
mod key;
mod policy;
mod root;
mod rules;
mod setting;

pub use api::{ApiTokenRequest, Tombstone};
pub use chain::{Account, Learned, Pin};
pub use credential::{Credential, Role, Via};
pub use enrolment::{Approval, ApprovalError, EnrolmentRequest};
pub use error::AccountError;
pub use identity::{Identity, IdentityError, thumbprint, verify_identity};
pub use key::{ArchiveKey, KeyKind, SealKey, TeamKey, TeamSeal, TeamSeals};
pub use policy::{
    Archive, EntryPoint, Issuer, Level, Limits, POLICY_LIFE, Plan, Policy, Renewal, Retention,
    Revocation, Team,
};
pub use root::{KeyManager, Operator, RootStatement, account_id};
#[cfg(feature = "staff")]
pub(crate) use setting::ascending;
pub use setting::{HELP, Setting, SettingError, is_name};
