//! Everything that the relay must not do, done. `cargo xtask lint` compiles this module, and only
//! then, to see clippy refuse each line of the list in `clippy.toml`.
#![allow(dead_code, unused_must_use, reason = "never part of a program")]

use sottovoce::account::{EnrolmentRequest, TeamSeal};
use sottovoce::archive::{ArchiveSecret, Awaited, Grant, KeyRequest, Parcel};
use sottovoce::client::Client;
use sottovoce::contact::{self, Commit, EpochKey, EpochSecret, Strand};
use sottovoce::crypto::seal::SealPrivateKey;
use sottovoce::crypto::sign::SigningKey;
use sottovoce::crypto::{Hash, Random, Secret, aead, kdf};
use sottovoce::message::{Envelope, Ephemeral, Notebook};
use sottovoce::wire::Signed;
use sottovoce::wire::frame::Authentication;

pub(crate) type Secrets = (
    Secret<32>,
    SigningKey,
    SealPrivateKey,
    EpochSecret,
    EpochKey,
    ArchiveSecret,
    Awaited,
    Client,
);

pub(crate) fn everything(
    commit: &Commit,
    secret: &EpochSecret,
    hash: &Hash,
    draft: contact::Draft<'_>,
    key: &SigningKey,
) {
    let _ = (aead::encrypt, aead::decrypt);
    let _ = (kdf::extract, kdf::expand::<32>, kdf::hmac);
    let _ = Random::secret::<32>;
    let _ = (
        SealPrivateKey::generate,
        SealPrivateKey::from_seed,
        SealPrivateKey::open,
    );
    let _ = (
        SigningKey::generate,
        SigningKey::from_seed,
        SigningKey::sign,
    );
    let _ = (
        Signed::<Authentication>::sign,
        Signed::<Authentication>::add_signature,
    );
    let _ = (TeamSeal::make, TeamSeal::open);
    let _ = EnrolmentRequest::proves;
    let _ = (Parcel::pack, Parcel::unpack);
    let _ = (KeyRequest::pack, Grant::pack);
    let _ = (EpochSecret::generate, EpochSecret::key, EpochKey::secret);
    EpochSecret::open(Strand::All, commit, |_| None);
    secret.previous(Strand::All, commit.core());
    secret.check_seals(Strand::All, commit, |_| None);
    secret.key(hash);
    contact::build(draft, |_| None, key);
    let _ = (Envelope::seal, Envelope::open);
    let _ = (Ephemeral::seal, Ephemeral::open);
    let _ = (Notebook::seal, Notebook::open);
}
