//! API tokens: `svt_` and 32 random bytes as base64url. Servers keep their hashes only.

use sha2::{Digest, Sha256};
use sottovoce::crypto::random::NoRandomness;
use sottovoce::crypto::{Hash, Random};
use sottovoce::wire::codec::{from_base64url, to_base64url};

/// What API tokens begin with.
const PREFIX: &str = "svt_";
/// How many random bytes follow, as base64url.
const RANDOM: usize = 32;

/// A new token.
///
/// # Errors
/// [`NoRandomness`].
pub fn fresh() -> Result<String, NoRandomness> {
    let random: [u8; RANDOM] = Random::os().bytes()?;
    Ok(format!("{PREFIX}{}", to_base64url(&random)))
}

/// What is kept of a token: its SHA-256.
pub fn hash(token: &str) -> Hash {
    Hash::new(Sha256::digest(token.as_bytes()).into())
}

/// The hash of the token in an `Authorization` header, if it has the form of one.
pub fn of_header(header: &str) -> Option<Hash> {
    let (scheme, token) = header.split_once(' ')?;
    let random = token.strip_prefix(PREFIX)?;
    let well_formed = scheme.eq_ignore_ascii_case("bearer")
        && from_base64url(random).is_some_and(|bytes| bytes.len() == RANDOM);
    well_formed.then(|| hash(token))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_tokens_are_looked_up() {
        let token = format!("svt_{}", "A".repeat(43));
        assert!(of_header(&format!("Bearer {token}")).is_some());
        assert!(of_header(&format!("bearer {token}")).is_some());
        for wrong in [
            token.clone(),
            format!("Basic {token}"),
            format!("Bearer {token}A"),
            format!("Bearer svt_{}", "A".repeat(42)),
            format!("Bearer {}", "A".repeat(43)),
            "Bearer ".to_owned(),
        ] {
            assert!(of_header(&wrong).is_none(), "{wrong}");
        }
    }
}
