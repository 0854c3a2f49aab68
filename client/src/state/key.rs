//! The storage key: 32 random bytes, from a keystore or in a file, as they are or in the age format
//! (scrypt).

use std::path::Path;

use age::DecryptError;
use age::secrecy::SecretString;
use sha2::{Digest, Sha256};
use sottovoce::crypto::secret::{self, SecretBytes};
use sottovoce::crypto::{Random, Secret};

use super::{StateError, StorageKey, folder};

const PLAIN: &str = "storage-key";
const SEALED: &str = "storage-key.age";
/// Of a key that is kept elsewhere: its hash, which tells nothing of 32 random bytes.
const HASH: &str = "storage-key.sha256";
/// scrypt with N = 2^17: 128 MiB and about half a second.
const WORK_FACTOR: u8 = 17;
/// Harder work than this in a file is not from this program.
const HARDEST: u8 = 20;

/// The key that the folder's records are sealed with; none if it is lost, or was never made.
pub(super) fn find(path: &Path, how: &StorageKey) -> Result<Option<Secret<32>>, StateError> {
    let plain = folder::read(&path.join(PLAIN))?.map(SecretBytes::new);
    let sealed = folder::read(&path.join(SEALED))?;
    let hash = folder::read(&path.join(HASH))?;
    match (how, plain, sealed, hash) {
        (StorageKey::Plain, Some(bytes), ..) => parse(&path.join(PLAIN), &bytes).map(Some),
        (StorageKey::Passphrase(passphrase), None, Some(sealed), _) => {
            let bytes = unseal(&path.join(SEALED), passphrase, &sealed)?;
            parse(&path.join(SEALED), &bytes).map(Some)
        }
        (StorageKey::Given(key), None, None, Some(hash)) => {
            Ok(secret::equal(&hash_of(key), &hash).then(|| key.duplicate()))
        }
        (StorageKey::Plain, None, Some(_), _) => Err(StateError::PassphraseNeeded),
        (StorageKey::Passphrase(_), Some(_), ..) => Err(StateError::NotSealed),
        (StorageKey::Given(_), Some(_), ..) | (StorageKey::Given(_), _, Some(_), _) => {
            Err(StateError::KeyNotExpected)
        }
        (StorageKey::Plain | StorageKey::Passphrase(_), None, None, Some(_)) => {
            Err(StateError::KeyNeeded)
        }
        (_, None, None, None) => Ok(None),
    }
}

/// Makes a key, or takes the given one, for a folder without records.
pub(super) fn make(path: &Path, how: &StorageKey) -> Result<Secret<32>, StateError> {
    let (key, name, kept) = match how {
        StorageKey::Given(key) => (key.duplicate(), HASH, hash_of(key).to_vec()),
        StorageKey::Plain => {
            let key = Random::os().secret()?;
            let kept = key.expose().to_vec();
            (key, PLAIN, kept)
        }
        StorageKey::Passphrase(passphrase) => {
            let key = Random::os().secret()?;
            let kept = seal(&path.join(SEALED), passphrase, &key)?;
            (key, SEALED, kept)
        }
    };
    folder::replace(path, name, &SecretBytes::new(kept))?;
    Ok(key)
}

fn hash_of(key: &Secret<32>) -> [u8; 32] {
    let hash = Sha256::new().chain_update("sottovoce storage key");
    hash.chain_update(key.expose()).finalize().into()
}

fn parse(path: &Path, bytes: &[u8]) -> Result<Secret<32>, StateError> {
    Secret::from_slice(bytes).ok_or_else(|| damaged(path))
}

fn seal(path: &Path, passphrase: &SecretString, key: &Secret<32>) -> Result<Vec<u8>, StateError> {
    let mut recipient = age::scrypt::Recipient::new(passphrase.clone());
    recipient.set_work_factor(WORK_FACTOR);
    age::encrypt(&recipient, key.expose())
        .map_err(|error| StateError::io(path)(std::io::Error::other(error)))
}

fn unseal(
    path: &Path,
    passphrase: &SecretString,
    sealed: &[u8],
) -> Result<SecretBytes, StateError> {
    let mut identity = age::scrypt::Identity::new(passphrase.clone());
    identity.set_max_work_factor(HARDEST);
    match age::decrypt(&identity, sealed) {
        Ok(bytes) => Ok(SecretBytes::new(bytes)),
        // An age file does not tell a wrong passphrase from a damaged stanza.
        Err(
            DecryptError::DecryptionFailed
            | DecryptError::KeyDecryptionFailed
            | DecryptError::NoMatchingKeys,
        ) => Err(StateError::WrongPassphrase),
        Err(_) => Err(damaged(path)),
    }
}

fn damaged(path: &Path) -> StateError {
    StateError::Damaged {
        path: path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn passphrase(text: &str) -> StorageKey {
        StorageKey::Passphrase(SecretString::from(text.to_owned()))
    }

    fn given(byte: u8) -> StorageKey {
        StorageKey::Given(Secret::new([byte; 32]))
    }

    fn code(path: &Path, how: &StorageKey) -> &'static str {
        find(path, how).unwrap_err().code()
    }

    #[test]
    fn a_sealed_key_opens_with_its_passphrase_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let key = make(path, &passphrase("correct horse")).unwrap();
        let again = find(path, &passphrase("correct horse")).unwrap();
        assert_eq!(again.as_ref(), Some(&key));
        assert_eq!(
            code(path, &passphrase("battery staple")),
            "passphrase-wrong"
        );
        assert_eq!(code(path, &StorageKey::Plain), "passphrase-needed");
        assert_eq!(code(path, &given(1)), "storage-key-not-expected");
        let file = std::fs::read(path.join(SEALED)).unwrap();
        assert!(file.starts_with(b"age-encryption.org/v1"));
        assert!(!file.windows(32).any(|bytes| bytes == key.expose()));
    }

    #[test]
    fn a_plain_key_is_not_taken_for_a_sealed_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let key = make(path, &StorageKey::Plain).unwrap();
        assert_eq!(find(path, &StorageKey::Plain).unwrap(), Some(key));
        assert_eq!(code(path, &passphrase("any")), "passphrase-not-expected");
        assert_eq!(code(path, &given(1)), "storage-key-not-expected");
    }

    #[test]
    fn a_given_key_is_known_again_and_not_written_down() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let key = make(path, &given(7)).unwrap();
        assert_eq!(find(path, &given(7)).unwrap(), Some(key));
        assert_eq!(find(path, &given(8)).unwrap(), None, "another one");
        assert_eq!(code(path, &StorageKey::Plain), "storage-key-needed");
        assert_eq!(code(path, &passphrase("any")), "storage-key-needed");
        for file in std::fs::read_dir(path).unwrap() {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            assert!(!bytes.windows(8).any(|bytes| bytes == [7; 8]));
        }
    }

    #[test]
    fn a_key_that_is_not_there_is_not_found() {
        let folder = tempfile::tempdir().unwrap();
        for how in [StorageKey::Plain, passphrase("any"), given(1)] {
            assert_eq!(find(folder.path(), &how).unwrap(), None);
        }
    }

    #[test]
    fn a_damaged_key_file_is_said_to_be_so() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(PLAIN), [1; 31]).unwrap();
        std::fs::write(folder.path().join(SEALED), "no age file").unwrap();
        assert_eq!(code(folder.path(), &StorageKey::Plain), "state-damaged");
        std::fs::remove_file(folder.path().join(PLAIN)).unwrap();
        assert_eq!(code(folder.path(), &passphrase("any")), "state-damaged");
    }
}
