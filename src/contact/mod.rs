//! SPEC 4: a contact is a log of commits and envelopes. Commits say who holds keys; whether
//! one counts is decided by the log alone, so that all honest clients agree.

mod authority;
mod build;
mod commit;
mod epoch;
mod evidence;
mod log;
mod roster;

pub use authority::AuthorityError;
pub use build::{BuildError, Draft, build};
pub use commit::{Commit, CommitError, Core, PolicyRef, Reason, Seals, Setup, StaffField};
pub use epoch::{EpochKey, EpochSecret, SecretError, Strand};
pub use log::{Change, Handover, HandoverTarget, Log, Standing};
pub use roster::{Member, Roster, RosterTeam};
