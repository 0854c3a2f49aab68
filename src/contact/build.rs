//! Building a commit: the other side of every check in this folder.

use super::commit::{Commit, Core, Seals, StaffField};
use super::epoch::{EpochKey, EpochSecret, Pre, Strand};
use super::roster::Recipient;
use crate::crypto::Hash;
use crate::crypto::seal::{Seal, SealError, SealPublicKey};
use crate::crypto::sign::SigningKey;
use crate::wire::DecodeError;
use crate::wire::frame::Object;

/// A commit cannot be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A recipient's public key is not known, or cannot be sealed to.
    #[error("a recipient's key is missing or unusable")]
    Key,
    /// It would be larger than an entry may be.
    #[error(transparent)]
    TooLarge(#[from] DecodeError),
}

impl From<SealError> for BuildError {
    fn from(_: SealError) -> Self {
        Self::Key
    }
}

/// Everything that goes into a commit.
#[derive(Debug)]
pub struct Draft<'a> {
    /// What it shall say. Commitment, back-links and staff field are filled in.
    pub core: Core,
    /// The new epoch secret; none for `close`.
    pub secret: Option<&'a EpochSecret>,
    /// The new staff secret, in commits by staff.
    pub staff_secret: Option<&'a EpochSecret>,
    /// The previous epoch's key for the membership tag; none for `create`.
    pub previous_key: Option<&'a EpochKey>,
    /// What the back-link holds, where `core.history` wants one.
    pub previous_secret: Option<&'a EpochSecret>,
    /// What the staff back-link holds, if staff who join may read earlier notes.
    pub previous_staff_secret: Option<&'a EpochSecret>,
    /// Credentials and keys of whoever is new.
    pub evidence: Vec<Object>,
}

/// Seals, tags and signs a commit.
///
/// # Errors
/// [`BuildError`].
pub fn build<'k>(
    draft: Draft<'_>,
    public_key: impl Fn(&Hash) -> Option<&'k SealPublicKey>,
    signer: &SigningKey,
) -> Result<Commit, BuildError> {
    let mut core = draft.core;
    if let Some(secret) = draft.secret {
        let pre = Pre::new(Strand::All, &core, secret);
        let commitment = pre.commitment();
        let back_link = core
            .history
            .and(draft.previous_secret)
            .map(|previous| pre.back_link(previous).into());
        core.commitment = Some(commitment);
        core.back_link = back_link;
    }
    if let Some(secret) = draft.staff_secret {
        let pre = Pre::new(Strand::Staff, &core, secret);
        core.staff = Some(StaffField {
            commitment: pre.commitment(),
            back_link: draft
                .previous_staff_secret
                .map(|previous| pre.back_link(previous).into()),
        });
    }
    let core_hash = super::commit::core_hash(&crate::wire::encode(&core));
    let seals = Seals {
        all: seal_all(Strand::All, &core, &core_hash, draft.secret, &public_key)?,
        staff: seal_all(
            Strand::Staff,
            &core,
            &core_hash,
            draft.staff_secret,
            &public_key,
        )?,
        archive: match (&core.archive, draft.secret) {
            (Some(id), Some(secret)) => {
                let key = public_key(id).ok_or(BuildError::Key)?;
                let pre = Pre::new(Strand::All, &core, secret);
                Some(pre.seal(&core_hash, Recipient::Archive(id), key, secret)?)
            }
            _ => None,
        },
    };
    let tag = |core: &Hash, seals: &Hash| {
        let tagged = super::commit::tagged(core, seals);
        draft.previous_key.map(|key| key.tag(&tagged))
    };
    Ok(Commit::sign(&core, &seals, draft.evidence, tag, signer)?)
}

fn seal_all<'k>(
    strand: Strand,
    core: &Core,
    core_hash: &Hash,
    secret: Option<&EpochSecret>,
    public_key: impl Fn(&Hash) -> Option<&'k SealPublicKey>,
) -> Result<Vec<Seal>, BuildError> {
    let Some(secret) = secret else {
        return Ok(Vec::new());
    };
    let pre = Pre::new(strand, core, secret);
    let mut seals = Vec::new();
    for recipient in strand.recipients(core) {
        let key = public_key(recipient.key()).ok_or(BuildError::Key)?;
        seals.push(pre.seal(core_hash, recipient, key, secret)?);
    }
    Ok(seals)
}
