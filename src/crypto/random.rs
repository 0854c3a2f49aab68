//! The one door through which randomness enters: the operating system's generator.

use super::Secret;

/// The operating system could not give randomness. Nothing can be sent without it.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gave no randomness")]
pub struct NoRandomness;

/// Source of random bytes. In production there is only [`Random::os`].
#[derive(Debug)]
pub struct Random(Source);

#[derive(Debug)]
enum Source {
    Os,
    #[cfg(any(test, feature = "simulation"))]
    Seeded {
        seed: u64,
        counter: u64,
    },
}

impl Random {
    /// The operating system's generator (`getrandom`; in browsers `crypto.getRandomValues`).
    pub const fn os() -> Self {
        Self(Source::Os)
    }

    /// A repeatable stream for simulations and vectors. It never exists in a shipped build.
    #[cfg(any(test, feature = "simulation"))]
    pub const fn seeded(seed: u64) -> Self {
        Self(Source::Seeded { seed, counter: 0 })
    }

    /// Fills `out` with random bytes.
    ///
    /// # Errors
    /// [`NoRandomness`] when the operating system refuses.
    pub fn fill(&mut self, out: &mut [u8]) -> Result<(), NoRandomness> {
        match &mut self.0 {
            Source::Os => getrandom::fill(out).map_err(|_| NoRandomness),
            #[cfg(any(test, feature = "simulation"))]
            Source::Seeded { seed, counter } => {
                use sha2::{Digest, Sha256};
                for chunk in out.chunks_mut(32) {
                    *counter += 1;
                    let block = Sha256::new()
                        .chain_update(seed.to_be_bytes())
                        .chain_update(counter.to_be_bytes())
                        .finalize();
                    chunk
                        .iter_mut()
                        .zip(block)
                        .for_each(|(byte, random)| *byte = random);
                }
                Ok(())
            }
        }
    }

    /// `N` random bytes that are not secret: identifiers, salts, nonces.
    ///
    /// # Errors
    /// [`NoRandomness`] when the operating system refuses.
    pub fn bytes<const N: usize>(&mut self) -> Result<[u8; N], NoRandomness> {
        let mut out = [0; N];
        self.fill(&mut out)?;
        Ok(out)
    }

    /// `N` random secret bytes.
    ///
    /// # Errors
    /// [`NoRandomness`] when the operating system refuses.
    pub fn secret<const N: usize>(&mut self) -> Result<Secret<N>, NoRandomness> {
        Ok(Secret::new(self.bytes()?))
    }
}
