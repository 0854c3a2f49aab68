//! Private keys in files: sealed with a passphrase in the age format, or plain where the person
//! asked for that.

use std::io::IsTerminal;
use std::path::Path;

use age::secrecy::{ExposeSecret, SecretString};
use sottovoce::crypto::Secret;
use sottovoce::crypto::sign::SigningKey;
use sottovoce::wire::codec::{from_base64url, to_base64url};
use zeroize::Zeroizing;

use crate::failure::{Failure, Outcome};

/// Where the passphrase comes from, before anybody is asked.
const VARIABLE: &str = "SOTTOVOCE_PASSPHRASE";
/// log2 of scrypt's N: 128 MiB, and about half a second of work for each guess.
const WORK: u8 = 17;
/// What a key file that was sealed elsewhere may ask for: 2 GiB.
const MOST_WORK: u8 = 21;
/// How every sealed file begins.
const SEALED: &str = "-----BEGIN AGE ENCRYPTED FILE-----";

/// How keys are written.
pub(crate) enum Protection {
    /// As they are, readable by whoever reads the file.
    Plain,
    /// Sealed.
    Passphrase(SecretString),
}

impl Protection {
    /// As the person wants it: asks twice for a new passphrase unless the environment has one.
    pub(crate) fn choose(plain: bool) -> Outcome<Self> {
        if plain {
            return Ok(Self::Plain);
        }
        if let Some(passphrase) = from_environment() {
            return Ok(Self::Passphrase(passphrase));
        }
        let first = ask("New passphrase for the private keys: ")?;
        if first.expose_secret().is_empty() {
            return Err(Failure::new(
                "passphrase-needed",
                "an empty passphrase protects nothing; --plain-keys leaves keys unprotected",
            ));
        }
        let second = ask("The same again: ")?;
        if first.expose_secret() != second.expose_secret() {
            return Err(Failure::new(
                "passphrases-differ",
                "the two passphrases differ",
            ));
        }
        Ok(Self::Passphrase(first))
    }

    /// The content of a key's file.
    pub(crate) fn protect(&self, key: &SigningKey) -> Outcome<Zeroizing<String>> {
        let seed = Zeroizing::new(to_base64url(key.seed().expose()));
        match self {
            Self::Plain => Ok(Zeroizing::new(format!("{}\n", *seed))),
            Self::Passphrase(passphrase) => {
                let mut recipient = age::scrypt::Recipient::new(passphrase.clone());
                recipient.set_work_factor(WORK);
                age::encrypt_and_armor(&recipient, seed.as_bytes())
                    .map(Zeroizing::new)
                    .map_err(|error| Failure::new("key-not-sealed", error.to_string()))
            }
        }
    }
}

/// Reads a key, and asks for its passphrase if it is sealed.
pub(crate) fn read(path: &Path) -> Outcome<SigningKey> {
    let content = std::fs::read_to_string(path)
        .map(Zeroizing::new)
        .map_err(|error| Failure::file("key-unreadable", path, &error))?;
    let seed = if content.starts_with(SEALED) {
        Zeroizing::new(open(path, &content)?)
    } else {
        content
    };
    from_base64url(seed.trim())
        .map(Zeroizing::new)
        .and_then(|seed| Secret::from_slice(&seed))
        .map(|seed| SigningKey::from_seed(&seed))
        .ok_or_else(|| {
            let words = format!("{} does not hold a private key", path.display());
            Failure::new("key-unreadable", words)
        })
}

fn open(path: &Path, sealed: &str) -> Outcome<String> {
    let mut identity = age::scrypt::Identity::new(passphrase_of(path)?);
    identity.set_max_work_factor(MOST_WORK);
    let opened = age::decrypt(&identity, sealed.as_bytes()).map_err(|error| match error {
        age::DecryptError::KeyDecryptionFailed | age::DecryptError::DecryptionFailed => {
            let words = format!("the passphrase does not open {}", path.display());
            Failure::new("passphrase-wrong", words)
        }
        other => Failure::new("key-unreadable", format!("{}: {other}", path.display())),
    })?;
    String::from_utf8(opened).map_err(|_| {
        let words = format!("{} does not hold a private key", path.display());
        Failure::new("key-unreadable", words)
    })
}

/// The passphrase of an existing file: from the environment, or asked for.
pub(crate) fn passphrase_of(path: &Path) -> Outcome<SecretString> {
    match from_environment() {
        Some(passphrase) => Ok(passphrase),
        None => ask(&format!("Passphrase for {}: ", path.display())),
    }
}

fn from_environment() -> Option<SecretString> {
    std::env::var(VARIABLE)
        .ok()
        .filter(|passphrase| !passphrase.is_empty())
        .map(SecretString::from)
}

/// Asks at the terminal, without showing what is typed.
fn ask(question: &str) -> Outcome<SecretString> {
    if !std::io::stdin().is_terminal() {
        let words = format!("a passphrase is needed: set {VARIABLE}, or run this at a terminal");
        return Err(Failure::new("passphrase-needed", words));
    }
    rpassword::prompt_password(question)
        .map(SecretString::from)
        .map_err(|error| Failure::new("passphrase-needed", error.to_string()))
}
