//! The master key, in generations: secrets are stored wrapped under the newest one. When an older
//! generation is removed, copies of the database from its time open nothing any more.

use sottovoce::crypto::secret::SecretBytes;
use sottovoce::crypto::{Random, Secret, aead};
use zeroize::Zeroizing;

use crate::pkcs11::TokenKey;

/// Length of the nonce that a wrapped secret begins with, in bytes.
const NONCE: usize = 12;
/// Length of a generation that a token wrapped, in hexadecimal characters.
const WRAPPED_HEX: usize = 120;

/// A master key cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MasterError {
    /// A line of it is not a generation and 64 hexadecimal characters, or 120 of one that a token wrapped.
    #[error(
        "a master key has lines such as `1:` and 64 hexadecimal characters, or 120 if a token wrapped it"
    )]
    Malformed,
    /// A generation is wrapped by a token, and there is none.
    #[error("a generation of the master key is wrapped by a token, and none is named")]
    NoToken,
    /// A generation does not open under the token's key.
    #[error("a generation of the master key does not open under the token's key")]
    Sealed,
    /// There is none.
    #[error("there is no generation of the master key")]
    Empty,
    /// Two lines have the same number.
    #[error("two generations of the master key have one number")]
    Repeated,
    /// A secret was wrapped by a generation that is not there any more.
    #[error("the generation of the master key that wrapped it is gone")]
    Gone,
    /// A stored secret is not what was wrapped.
    #[error("a stored secret does not open")]
    Unreadable,
    /// The operating system gave no randomness.
    #[error("the operating system gave no randomness")]
    NoRandomness,
}

/// All generations of a master key.
#[derive(Debug)]
pub struct Master {
    /// Ascending; never empty.
    generations: Vec<(i64, Secret<32>)>,
}

/// A secret as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrapped {
    /// Which generation wrapped it.
    pub generation: i64,
    /// Nonce and AES-256-GCM ciphertext, 28 bytes longer than what was wrapped.
    pub bytes: Vec<u8>,
}

impl Master {
    /// Reads lines of a number, a colon and 64 hexadecimal characters. Empty lines and those that
    /// begin with `#` mean nothing.
    ///
    /// # Errors
    /// [`MasterError`].
    pub fn parse(text: &str) -> Result<Self, MasterError> {
        Self::parse_with(text, None)
    }

    /// The same, where some lines may have what a token's key wrapped, 120 hexadecimal characters.
    ///
    /// # Errors
    /// [`MasterError`].
    pub fn parse_with(text: &str, token: Option<&TokenKey>) -> Result<Self, MasterError> {
        let lines = text.lines().map(str::trim);
        let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
        let mut generations = lines
            .map(|line| generation(line, token))
            .collect::<Result<Vec<_>, _>>()?;
        generations.sort_by_key(|(number, _)| *number);
        if !generations.is_sorted_by(|(a, _), (b, _)| a < b) {
            return Err(MasterError::Repeated);
        }
        if generations.is_empty() {
            return Err(MasterError::Empty);
        }
        Ok(Self { generations })
    }

    /// A line with a new key, for the file of a master key.
    ///
    /// # Errors
    /// [`MasterError::NoRandomness`].
    pub fn fresh_line(generation: i64) -> Result<Zeroizing<String>, MasterError> {
        let key: Secret<32> = Random::os()
            .secret()
            .map_err(|_| MasterError::NoRandomness)?;
        let hex = hex_of_secret(&key);
        Ok(Zeroizing::new(format!("{generation}:{}", *hex)))
    }

    /// The generation that wraps now.
    pub fn newest(&self) -> i64 {
        self.generations.last().map_or(0, |(number, _)| *number)
    }

    /// Wraps a secret under the newest generation; `place` says where it is stored, so that it is
    /// good nowhere else.
    ///
    /// # Errors
    /// [`MasterError::NoRandomness`].
    pub fn wrap<const N: usize>(
        &self,
        place: &[&[u8]],
        secret: &Secret<N>,
    ) -> Result<Wrapped, MasterError> {
        self.wrap_bytes(place, secret.expose())
    }

    /// What was wrapped at `place`.
    ///
    /// # Errors
    /// [`MasterError`].
    pub fn unwrap<const N: usize>(
        &self,
        place: &[&[u8]],
        wrapped: &Wrapped,
    ) -> Result<Secret<N>, MasterError> {
        let bytes = self.unwrap_bytes(place, wrapped)?;
        Secret::from_slice(&bytes).ok_or(MasterError::Unreadable)
    }

    /// Wraps what an older generation wrapped under the newest.
    ///
    /// # Errors
    /// [`MasterError`].
    pub fn wrap_anew(&self, place: &[&[u8]], wrapped: &Wrapped) -> Result<Wrapped, MasterError> {
        self.wrap_bytes(place, &self.unwrap_bytes(place, wrapped)?)
    }

    fn wrap_bytes(&self, place: &[&[u8]], secret: &[u8]) -> Result<Wrapped, MasterError> {
        let (generation, key) = self.generations.last().ok_or(MasterError::Empty)?;
        Ok(Wrapped {
            generation: *generation,
            bytes: seal(key, place, secret)?,
        })
    }

    fn unwrap_bytes(&self, place: &[&[u8]], wrapped: &Wrapped) -> Result<SecretBytes, MasterError> {
        let mut generations = self.generations.iter();
        let (_, key) = generations
            .find(|(number, _)| *number == wrapped.generation)
            .ok_or(MasterError::Gone)?;
        open(key, place, &wrapped.bytes)
    }
}

/// Wraps a secret under a key: nonce and AES-256-GCM ciphertext, 60 bytes, bound to `place`.
pub(crate) fn wrap_under(
    key: &Secret<32>,
    place: &[&[u8]],
    secret: &Secret<32>,
) -> Result<Vec<u8>, MasterError> {
    seal(key, place, secret.expose())
}

fn seal(key: &Secret<32>, place: &[&[u8]], secret: &[u8]) -> Result<Vec<u8>, MasterError> {
    let nonce: [u8; NONCE] = Random::os()
        .bytes()
        .map_err(|_| MasterError::NoRandomness)?;
    let sealed = aead::encrypt(key, &nonce, &place.concat(), secret);
    Ok([&nonce[..], &sealed].concat())
}

/// What [`wrap_under`] wrapped.
pub(crate) fn unwrap_under(
    key: &Secret<32>,
    place: &[&[u8]],
    wrapped: &[u8],
) -> Result<Secret<32>, MasterError> {
    Secret::from_slice(&open(key, place, wrapped)?).ok_or(MasterError::Unreadable)
}

fn open(key: &Secret<32>, place: &[&[u8]], wrapped: &[u8]) -> Result<SecretBytes, MasterError> {
    let unreadable = MasterError::Unreadable;
    let (nonce, sealed) = wrapped.split_first_chunk::<NONCE>().ok_or(unreadable)?;
    let opened = aead::decrypt(key, nonce, &place.concat(), sealed);
    opened.map_err(|_| MasterError::Unreadable)
}

fn generation(line: &str, token: Option<&TokenKey>) -> Result<(i64, Secret<32>), MasterError> {
    let (number, hex) = line.split_once(':').ok_or(MasterError::Malformed)?;
    let number = number.trim().parse().ok().filter(|number| *number > 0);
    let (number, hex) = (number.ok_or(MasterError::Malformed)?, hex.trim());
    let key = if hex.len() == WRAPPED_HEX {
        token.ok_or(MasterError::NoToken)?.unwrap(number, hex)?
    } else {
        secret_of_hex(hex).ok_or(MasterError::Malformed)?
    };
    Ok((number, key))
}

/// A secret as 64 hexadecimal characters, for a file.
pub fn hex_of_secret(secret: &Secret<32>) -> Zeroizing<String> {
    let bytes = secret.expose().iter();
    let nibbles = bytes.flat_map(|byte| [byte >> 4, byte & 15]);
    let mut hex = Zeroizing::new(String::with_capacity(64));
    hex.extend(nibbles.filter_map(|nibble| char::from_digit(nibble.into(), 16)));
    hex
}

/// A secret of 64 hexadecimal characters.
pub(crate) fn secret_of_hex(hex: &str) -> Option<Secret<32>> {
    let digits = Zeroizing::new(
        hex.chars()
            .map(|digit| digit.to_digit(16).and_then(|it| u8::try_from(it).ok()))
            .collect::<Option<Vec<u8>>>()?,
    );
    let (pairs, rest) = digits.as_chunks::<2>();
    let bytes: Vec<u8> = pairs.iter().map(|[high, low]| high << 4 | low).collect();
    let bytes = SecretBytes::new(bytes);
    Secret::from_slice(&bytes).filter(|_| rest.is_empty())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn master(generations: &[i64]) -> Master {
        let lines = generations.iter().map(|it| {
            let key = format!("{it:064x}");
            format!("{it}:{key}\n")
        });
        Master::parse(&lines.collect::<String>()).unwrap()
    }

    #[test]
    fn what_a_generation_wrapped_opens_as_long_as_it_is_there() {
        let secret = Secret::new([7; 32]);
        let wrapped = master(&[1]).wrap(&[b"a", b"b"], &secret).unwrap();
        assert_eq!(wrapped.generation, 1);
        assert_eq!(wrapped.bytes.len(), 60);
        let unwrap = |master: &Master, place: &[&[u8]]| master.unwrap::<32>(place, &wrapped);
        assert_eq!(unwrap(&master(&[2, 1]), &[b"a", b"b"]).unwrap(), secret);
        let gone = unwrap(&master(&[2]), &[b"a", b"b"]);
        assert!(matches!(gone, Err(MasterError::Gone)));
        let elsewhere = unwrap(&master(&[1]), &[b"a", b"c"]);
        assert!(matches!(elsewhere, Err(MasterError::Unreadable)));
        assert_eq!(master(&[3, 1]).wrap(&[], &secret).unwrap().generation, 3);
    }

    #[test]
    fn a_made_line_is_read_again() {
        let line = Master::fresh_line(4).unwrap();
        assert_eq!(Master::parse(&line).unwrap().newest(), 4);
        let text = format!("# made in May\n\n{}\n", *line);
        assert!(Master::parse(&text).is_ok());
    }

    #[test]
    fn other_texts_are_refused() {
        let key = "0".repeat(64);
        for text in ["", "\n# nothing\n"] {
            assert!(matches!(Master::parse(text), Err(MasterError::Empty)));
        }
        for text in [
            key.clone(),
            format!("0:{key}"),
            format!("1:{key}0"),
            "1:xy".to_owned(),
        ] {
            assert!(matches!(Master::parse(&text), Err(MasterError::Malformed)));
        }
        let twice = format!("1:{key}\n1:{key}");
        assert!(matches!(Master::parse(&twice), Err(MasterError::Repeated)));
        let wrapped = format!("1:{}", "0".repeat(120));
        assert!(matches!(Master::parse(&wrapped), Err(MasterError::NoToken)));
    }
}
