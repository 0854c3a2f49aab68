//! The secrets that sign, and the public key that verifies. Each has one textual form, which is
//! what people copy; none shows itself in logs.

use core::fmt;

use base64ct::{Base64, Encoding};
use ed25519_dalek::Signer;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// A key cannot be read or made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// Not of the form that the type's documentation states.
    #[error("not a key of this form")]
    Malformed,
    /// The system gave no random bytes.
    #[error("the system gives no random bytes")]
    NoRandomness,
}

impl KeyError {
    /// The stable code of this error.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Malformed => "malformed-key",
            Self::NoRandomness => "no-randomness",
        }
    }
}

/// How a [`SecretToken`] becomes the key of HMAC-SHA1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TokenUse {
    /// Its 96 characters as they are.
    #[default]
    Text,
    /// The 48 bytes that they spell.
    Hex,
}

/// An account's secret token: 96 hexadecimal characters. The relay's signs webhooks and does nothing else.
///
/// The length is that of older key managers, whose tokens are a 16-byte vector and a 32-byte key. An
/// adapter for those has a token of this form of its own.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct SecretToken(String);

impl SecretToken {
    /// Length in characters.
    pub const LENGTH: usize = 96;

    /// A new one from the system's randomness.
    ///
    /// # Errors
    /// [`KeyError::NoRandomness`].
    pub fn generate() -> Result<Self, KeyError> {
        let bytes = random::<48>()?;
        let mut text = String::with_capacity(Self::LENGTH);
        for byte in bytes.iter() {
            text.push(hex_digit(byte >> 4));
            text.push(hex_digit(byte & 15));
        }
        Ok(Self(text))
    }

    /// Reads one. Letter case is kept, because the text itself is the key.
    ///
    /// # Errors
    /// [`KeyError::Malformed`] unless it is 96 hexadecimal characters.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if text.len() == Self::LENGTH && is_hex {
            Ok(Self(text.to_owned()))
        } else {
            Err(KeyError::Malformed)
        }
    }

    /// The 96 characters.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The HMAC key.
    pub(crate) fn key(&self, how: TokenUse) -> Zeroizing<Vec<u8>> {
        match how {
            TokenUse::Text => Zeroizing::new(self.0.as_bytes().to_vec()),
            TokenUse::Hex => Zeroizing::new(from_hex(&self.0).unwrap_or_default()),
        }
    }
}

/// An endpoint's Standard Webhooks secret, `whsec_` and the base64 of 24 to 64 bytes; new ones
/// have 32.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct SharedSecret(Vec<u8>);

impl SharedSecret {
    const PREFIX: &str = "whsec_";

    /// A new one from the system's randomness.
    ///
    /// # Errors
    /// [`KeyError::NoRandomness`].
    pub fn generate() -> Result<Self, KeyError> {
        Ok(Self(random::<32>()?.to_vec()))
    }

    /// Reads one.
    ///
    /// # Errors
    /// [`KeyError::Malformed`].
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let bytes = from_text(text, Self::PREFIX)?;
        if (24..=64).contains(&bytes.len()) {
            Ok(Self(bytes.to_vec()))
        } else {
            Err(KeyError::Malformed)
        }
    }

    /// Its text.
    pub fn expose(&self) -> Zeroizing<String> {
        to_text(Self::PREFIX, &self.0)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// An endpoint's Ed25519 signing key, `whsk_` and the base64 of its 32-byte seed.
#[derive(Clone)]
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    const PREFIX: &str = "whsk_";

    /// A new one from the system's randomness.
    ///
    /// # Errors
    /// [`KeyError::NoRandomness`].
    pub fn generate() -> Result<Self, KeyError> {
        let seed = random::<32>()?;
        Ok(Self(ed25519_dalek::SigningKey::from_bytes(&seed)))
    }

    /// Reads one.
    ///
    /// # Errors
    /// [`KeyError::Malformed`].
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let bytes = from_text(text, Self::PREFIX)?;
        let seed = <&[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| KeyError::Malformed)?;
        Ok(Self(ed25519_dalek::SigningKey::from_bytes(seed)))
    }

    /// Its text.
    pub fn expose(&self) -> Zeroizing<String> {
        let seed = Zeroizing::new(self.0.to_bytes());
        to_text(Self::PREFIX, seed.as_slice())
    }

    /// What receivers verify with.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

/// An endpoint's Ed25519 public key, `whpk_` and the base64 of 32 bytes. Weak keys are refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey(ed25519_dalek::VerifyingKey);

impl PublicKey {
    const PREFIX: &str = "whpk_";

    /// Reads one.
    ///
    /// # Errors
    /// [`KeyError::Malformed`].
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let bytes = from_text(text, Self::PREFIX)?;
        let bytes = <&[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| KeyError::Malformed)?;
        match ed25519_dalek::VerifyingKey::from_bytes(bytes) {
            Ok(key) if !key.is_weak() => Ok(Self(key)),
            _ => Err(KeyError::Malformed),
        }
    }

    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        let signature = ed25519_dalek::Signature::from_bytes(signature);
        self.0.verify_strict(message, &signature).is_ok()
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&to_text(Self::PREFIX, self.0.as_bytes()))
    }
}

impl fmt::Debug for SecretToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretToken(..)")
    }
}

impl fmt::Debug for SharedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedSecret(..)")
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(..)")
    }
}

fn random<const LENGTH: usize>() -> Result<Zeroizing<[u8; LENGTH]>, KeyError> {
    let mut bytes = Zeroizing::new([0; LENGTH]);
    getrandom::fill(bytes.as_mut_slice()).map_err(|_| KeyError::NoRandomness)?;
    Ok(bytes)
}

fn to_text(prefix: &str, bytes: &[u8]) -> Zeroizing<String> {
    let encoded = Zeroizing::new(Base64::encode_string(bytes));
    let mut text = Zeroizing::new(String::with_capacity(prefix.len() + encoded.len()));
    text.push_str(prefix);
    text.push_str(&encoded);
    text
}

fn from_text(text: &str, prefix: &str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let encoded = text.strip_prefix(prefix).ok_or(KeyError::Malformed)?;
    let bytes = Base64::decode_vec(encoded).map_err(|_| KeyError::Malformed)?;
    Ok(Zeroizing::new(bytes))
}

/// Lower case.
pub(crate) const fn hex_digit(nibble: u8) -> char {
    (if nibble < 10 {
        b'0' + nibble
    } else {
        b'a' + nibble - 10
    }) as char
}

/// Either case; `None` for anything but pairs of hexadecimal characters.
pub(crate) fn from_hex(text: &str) -> Option<Vec<u8>> {
    let nibble = |byte: u8| char::from(byte).to_digit(16);
    let pair = |pair: &[u8]| match pair {
        [high, low] => u8::try_from(nibble(*high)? * 16 + nibble(*low)?).ok(),
        _ => None,
    };
    text.as_bytes().chunks(2).map(pair).collect()
}
