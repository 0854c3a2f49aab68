//! SPEC 4.3: the key schedule of an epoch, twice: once for everyone, once for staff.

use super::commit::{Commit, Core};
use super::roster::Recipient;
use crate::crypto::hash::labelled;
use crate::crypto::seal::{
    ENCAPSULATION_RANDOMNESS, Seal, SealError, SealPrivateKey, SealPublicKey,
};
use crate::crypto::{Hash, Secret, aead, kdf};

/// A commit's secret side is wrong: the contact stops, and never forks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// The own seal does not open.
    #[error("the own seal does not open")]
    Seal,
    /// The secret is not the one committed to.
    #[error("the secret is not the one that was committed to")]
    Commitment,
    /// A seal is not what the secret determines: somebody got another secret.
    #[error("somebody was sealed another secret")]
    OtherSeal,
    /// The membership tag was not made by a member of the previous epoch.
    #[error("the membership tag is wrong")]
    Tag,
    /// The back-link does not lead to the previous secret.
    #[error("the back-link is wrong")]
    BackLink,
}

impl SecretError {
    /// The stable code of this error.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Seal => "wrong-seal",
            Self::Commitment => "wrong-commitment",
            Self::OtherSeal => "wrong-other-seal",
            Self::Tag => "wrong-membership-tag",
            Self::BackLink => "wrong-back-link",
        }
    }
}

/// The random secret of one epoch, 32 bytes.
#[derive(Debug, PartialEq, Eq)]
pub struct EpochSecret(Secret<32>);

impl crate::wire::codec::Encode for EpochSecret {
    fn encode(&self, out: &mut crate::wire::codec::Writer) {
        self.0.encode(out);
    }
}

impl crate::wire::codec::Decode for EpochSecret {
    fn decode(input: &mut crate::wire::codec::Reader<'_>) -> Self {
        Self(Secret::decode(input))
    }
}

/// `Extract(T_n, secret_n)`: what message keys and the next membership tag come from.
#[derive(Debug)]
pub struct EpochKey(Secret<32>);

impl EpochKey {
    /// The 32 bytes, for the derivations of messages.
    pub const fn secret(&self) -> &Secret<32> {
        &self.0
    }

    /// The membership tag over a commit's two hashes.
    pub(super) fn tag(&self, tagged: &[u8]) -> Hash {
        Hash::new(kdf::hmac(&self.membership(), tagged))
    }

    fn verify_tag(&self, tagged: &[u8], tag: &Hash) -> bool {
        kdf::hmac_verify(&self.membership(), tagged, tag.as_array())
    }

    fn membership(&self) -> Secret<32> {
        kdf::derive(&self.0, "membership", &[])
    }
}

/// Which of an epoch's two secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strand {
    /// The one for everyone on the roster.
    All,
    /// The one for staff.
    Staff,
}

impl Strand {
    const fn commitment(self) -> &'static str {
        match self {
            Self::All => "commitment",
            Self::Staff => "staff-commitment",
        }
    }

    const fn back_link(self) -> &'static str {
        match self {
            Self::All => "back-link",
            Self::Staff => "staff-back-link",
        }
    }

    const fn encap(self) -> &'static str {
        match self {
            Self::All => "encap",
            Self::Staff => "staff-encap",
        }
    }

    const fn seal(self) -> &'static str {
        match self {
            Self::All => "seal",
            Self::Staff => "staff-seal",
        }
    }

    /// The recipients of this strand's seals, in order.
    pub(super) fn recipients(self, core: &Core) -> Vec<Recipient<'_>> {
        core.roster.recipients(self == Self::Staff)
    }

    fn seals(self, commit: &Commit) -> &[Seal] {
        match self {
            Self::All => &commit.seals().all,
            Self::Staff => &commit.seals().staff,
        }
    }

    /// The seal for the archive: staff's secret is not archived.
    fn archived(self, commit: &Commit) -> Option<(Recipient<'_>, &Seal)> {
        let key = commit.core().archive.as_ref()?;
        let seal = commit.seals().archive.as_ref()?;
        (self == Self::All).then_some((Recipient::Archive(key), seal))
    }

    fn commitment_in(self, core: &Core) -> Option<&Hash> {
        match self {
            Self::All => core.commitment.as_ref(),
            Self::Staff => core.staff.as_ref().map(|staff| &staff.commitment),
        }
    }

    fn back_link_in(self, core: &Core) -> Option<&[u8]> {
        match self {
            Self::All => core.back_link.as_deref(),
            Self::Staff => core
                .staff
                .as_ref()
                .and_then(|staff| staff.back_link.as_deref()),
        }
    }
}

/// `pre_n = Extract(T_{n-1}, secret_n)`, and what is derived from it.
pub(super) struct Pre<'a> {
    strand: Strand,
    core: &'a Core,
    prk: Secret<32>,
}

impl<'a> Pre<'a> {
    pub(super) fn new(strand: Strand, core: &'a Core, secret: &EpochSecret) -> Self {
        Self {
            strand,
            core,
            prk: kdf::extract(core.previous.as_array(), secret.0.expose()),
        }
    }

    fn derive<const N: usize>(&self, label: &str) -> Secret<N> {
        let core = self.core;
        let parts = [
            (&core.account).into(),
            (&core.contact).into(),
            core.epoch.into(),
        ];
        kdf::derive(&self.prk, label, &parts)
    }

    pub(super) fn commitment(&self) -> Hash {
        Hash::new(*self.derive::<32>(self.strand.commitment()).expose())
    }

    /// The back-link key encrypts one message, so its nonce is zero.
    pub(super) fn back_link(&self, previous: &EpochSecret) -> Vec<u8> {
        let key = self.derive(self.strand.back_link());
        aead::encrypt(&key, &[0; 12], &[], previous.0.expose())
    }

    fn follow(&self, back_link: &[u8]) -> Option<EpochSecret> {
        let key = self.derive(self.strand.back_link());
        let secret = aead::decrypt(&key, &[0; 12], &[], back_link).ok()?;
        Secret::from_slice(&secret).map(EpochSecret)
    }

    /// The one seal of this secret to a recipient: everything in it is determined.
    pub(super) fn seal(
        &self,
        core_hash: &Hash,
        recipient: Recipient<'_>,
        key: &SealPublicKey,
        secret: &EpochSecret,
    ) -> Result<Seal, SealError> {
        let parts = [recipient.into(), key.as_bytes().into(), core_hash.into()];
        let randomness: Secret<ENCAPSULATION_RANDOMNESS> =
            kdf::derive(&self.prk, self.strand.encap(), &parts);
        let info = seal_info(self.strand, core_hash, recipient, key);
        key.seal(&randomness, &info, secret.0.expose())
    }
}

fn seal_info(
    strand: Strand,
    core_hash: &Hash,
    recipient: Recipient<'_>,
    key: &SealPublicKey,
) -> Vec<u8> {
    let parts = [core_hash.into(), recipient.into(), key.as_bytes().into()];
    labelled(strand.seal(), &parts)
}

impl EpochSecret {
    /// Makes a fresh one.
    ///
    /// # Errors
    /// When the operating system gives no randomness.
    pub fn generate(
        random: &mut crate::crypto::Random,
    ) -> Result<Self, crate::crypto::random::NoRandomness> {
        random.secret().map(Self)
    }

    /// The 32 bytes, for a key manager's keeping.
    pub const fn secret(&self) -> &Secret<32> {
        &self.0
    }

    /// From what a key manager kept.
    pub const fn new(secret: Secret<32>) -> Self {
        Self(secret)
    }

    /// A second owner of the same secret.
    pub fn duplicate(&self) -> Self {
        Self(self.0.duplicate())
    }

    /// `Extract(T_n, secret_n)`.
    pub fn key(&self, transcript: &Hash) -> EpochKey {
        EpochKey(kdf::extract(transcript.as_array(), self.0.expose()))
    }

    /// Opens the seal that one of the own private keys fits, and checks the commitment. `None`
    /// when no seal is for any of them.
    ///
    /// # Errors
    /// [`SecretError::Seal`] or [`SecretError::Commitment`].
    pub fn open<'k>(
        strand: Strand,
        commit: &Commit,
        private_key: impl Fn(&Hash) -> Option<&'k SealPrivateKey>,
    ) -> Option<Result<Self, SecretError>> {
        let core = commit.core();
        let recipients = strand.recipients(core);
        let mut candidates = recipients.into_iter().zip(strand.seals(commit));
        let (recipient, private, seal) = candidates.find_map(|(recipient, seal)| {
            private_key(recipient.key()).map(|private| (recipient, private, seal))
        })?;
        Some(Self::open_one(strand, commit, (recipient, seal), private))
    }

    /// Whether one of the own private keys fits a seal.
    pub(crate) fn is_for<'k>(
        strand: Strand,
        commit: &Commit,
        private_key: impl Fn(&Hash) -> Option<&'k SealPrivateKey>,
    ) -> bool {
        let mut recipients = strand.recipients(commit.core()).into_iter();
        recipients.any(|recipient| private_key(recipient.key()).is_some())
    }

    /// Opens the archive's seal with the private half of the key that the commit names, and checks
    /// the commitment. `None` when nothing is sealed to that key.
    ///
    /// # Errors
    /// [`SecretError::Seal`] or [`SecretError::Commitment`].
    pub fn open_archived(
        commit: &Commit,
        private: &SealPrivateKey,
    ) -> Option<Result<Self, SecretError>> {
        let archived = Strand::All.archived(commit)?;
        (*archived.0.key() == private.public().id())
            .then(|| Self::open_one(Strand::All, commit, archived, private))
    }

    fn open_one(
        strand: Strand,
        commit: &Commit,
        (recipient, seal): (Recipient<'_>, &Seal),
        private: &SealPrivateKey,
    ) -> Result<Self, SecretError> {
        let info = seal_info(strand, commit.core_hash(), recipient, &private.public());
        let opened = private.open(&info, seal).ok();
        let secret = opened
            .and_then(|bytes| Secret::from_slice(&bytes))
            .map(Self)
            .ok_or(SecretError::Seal)?;
        secret.matches(strand, commit.core())?;
        Ok(secret)
    }

    /// Checks the commitment.
    ///
    /// # Errors
    /// [`SecretError::Commitment`].
    pub fn matches(&self, strand: Strand, core: &Core) -> Result<(), SecretError> {
        let expected = Pre::new(strand, core, self).commitment();
        let committed = strand.commitment_in(core).ok_or(SecretError::Commitment)?;
        if crate::crypto::secret::equal(expected.as_array(), committed.as_array()) {
            Ok(())
        } else {
            Err(SecretError::Commitment)
        }
    }

    /// Recomputes every seal of this strand and compares it with what was sent.
    ///
    /// # Errors
    /// [`SecretError::OtherSeal`].
    pub fn check_seals<'k>(
        &self,
        strand: Strand,
        commit: &Commit,
        public_key: impl Fn(&Hash) -> Option<&'k SealPublicKey>,
    ) -> Result<(), SecretError> {
        let pre = Pre::new(strand, commit.core(), self);
        let seals = strand.seals(commit);
        let recipients = strand.recipients(commit.core());
        let is_right = |(recipient, seal): (Recipient<'_>, &Seal)| {
            public_key(recipient.key())
                .and_then(|key| pre.seal(commit.core_hash(), recipient, key, self).ok())
                .is_some_and(|expected| expected == *seal)
        };
        let archived = strand.archived(commit);
        let same = recipients.len() == seals.len()
            && recipients.into_iter().zip(seals).all(is_right)
            && archived.into_iter().all(is_right);
        if same {
            Ok(())
        } else {
            Err(SecretError::OtherSeal)
        }
    }

    /// Follows the back-link to the previous secret of the strand; `None` when the commit has
    /// none.
    ///
    /// # Errors
    /// [`SecretError::BackLink`] when it does not open.
    pub fn previous(&self, strand: Strand, core: &Core) -> Option<Result<Self, SecretError>> {
        let link = strand.back_link_in(core)?;
        let previous = Pre::new(strand, core, self).follow(link);
        Some(previous.ok_or(SecretError::BackLink))
    }
}

impl Commit {
    /// Checks the membership tag under the previous epoch's key.
    ///
    /// # Errors
    /// [`SecretError::Tag`].
    pub fn verify_tag(&self, previous: &EpochKey) -> Result<(), SecretError> {
        match self.tag() {
            Some(tag) if previous.verify_tag(&self.tagged(), tag) => Ok(()),
            _ => Err(SecretError::Tag),
        }
    }
}
