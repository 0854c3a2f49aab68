//! The storage key: 32 random bytes in a file, as they are or in the age format (scrypt).

use std::path::Path;

use age::DecryptError;
use age::secrecy::SecretString;
use sottovoce::crypto::secret::SecretBytes;
use sottovoce::crypto::{Random, Secret};

use super::{StateError, StorageKey, folder};

const PLAIN: &str = "storage-key";
const SEALED: &str = "storage-key.age";
/// scrypt with N = 2^17: 128 MiB and about half a second.
const WORK_FACTOR: u8 = 17;
/// Harder work than this in a file is not from this program.
const HARDEST: u8 = 20;

/// Reads the folder's key, or makes one where there are no records yet.
pub(super) fn open(
    path: &Path,
    how: &StorageKey,
    has_records: bool,
) -> Result<Secret<32>, StateError> {
    let plain = folder::read(&path.join(PLAIN))?.map(SecretBytes::new);
    let sealed = folder::read(&path.join(SEALED))?;
    match (how, plain, sealed) {
        (StorageKey::Plain, Some(bytes), _) => parse(&path.join(PLAIN), &bytes),
        (StorageKey::Passphrase(passphrase), None, Some(sealed)) => {
            let bytes = unseal(&path.join(SEALED), passphrase, &sealed)?;
            parse(&path.join(SEALED), &bytes)
        }
        (StorageKey::Plain, None, Some(_)) => Err(StateError::PassphraseNeeded),
        (StorageKey::Passphrase(_), Some(_), _) => Err(StateError::NotSealed),
        (_, None, None) if has_records => Err(StateError::KeyMissing {
            path: path.to_owned(),
        }),
        (StorageKey::Plain, None, None) => {
            let key = Random::os().secret()?;
            folder::replace(path, PLAIN, key.expose())?;
            Ok(key)
        }
        (StorageKey::Passphrase(passphrase), None, None) => {
            let key = Random::os().secret()?;
            let sealed = seal(&path.join(SEALED), passphrase, &key)?;
            folder::replace(path, SEALED, &sealed)?;
            Ok(key)
        }
    }
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

    #[test]
    fn a_sealed_key_opens_with_its_passphrase_only() {
        let folder = tempfile::tempdir().unwrap();
        let key = open(folder.path(), &passphrase("correct horse"), false).unwrap();
        let again = open(folder.path(), &passphrase("correct horse"), true).unwrap();
        assert_eq!(key, again);
        let wrong = open(folder.path(), &passphrase("battery staple"), true).unwrap_err();
        assert_eq!(wrong.code(), "passphrase-wrong");
        let none = open(folder.path(), &StorageKey::Plain, true).unwrap_err();
        assert_eq!(none.code(), "passphrase-needed");
        let file = std::fs::read(folder.path().join(SEALED)).unwrap();
        assert!(file.starts_with(b"age-encryption.org/v1"));
        assert!(!file.windows(32).any(|bytes| bytes == key.expose()));
    }

    #[test]
    fn a_plain_key_is_not_taken_for_a_sealed_one() {
        let folder = tempfile::tempdir().unwrap();
        let key = open(folder.path(), &StorageKey::Plain, false).unwrap();
        assert_eq!(open(folder.path(), &StorageKey::Plain, true).unwrap(), key);
        let error = open(folder.path(), &passphrase("any"), true).unwrap_err();
        assert_eq!(error.code(), "passphrase-not-expected");
    }

    #[test]
    fn records_without_their_key_are_not_given_a_new_one() {
        let folder = tempfile::tempdir().unwrap();
        let error = open(folder.path(), &StorageKey::Plain, true).unwrap_err();
        assert_eq!(error.code(), "storage-key-missing");
    }

    #[test]
    fn a_damaged_key_file_is_said_to_be_so() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(PLAIN), [1; 31]).unwrap();
        std::fs::write(folder.path().join(SEALED), "no age file").unwrap();
        let plain = open(folder.path(), &StorageKey::Plain, true).unwrap_err();
        assert_eq!(plain.code(), "state-damaged");
        std::fs::remove_file(folder.path().join(PLAIN)).unwrap();
        let sealed = open(folder.path(), &passphrase("any"), true).unwrap_err();
        assert_eq!(sealed.code(), "state-damaged");
    }
}
