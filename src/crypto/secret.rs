//! Secret byte strings: zeroised on drop, compared in constant time, never printed.

use core::fmt;

use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::wire::codec::{Decode, Encode, Reader, Writer};

/// Exactly `N` secret bytes.
///
/// It is cloned only where a secret really has two owners, so `Clone` is spelled
/// [`duplicate`](Self::duplicate).
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Secret<const N: usize>([u8; N]);

impl<const N: usize> Secret<N> {
    /// Takes ownership of `N` secret bytes.
    pub const fn new(bytes: [u8; N]) -> Self {
        Self(bytes)
    }

    /// Copies a slice; `None` when it is not `N` bytes long.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The bytes, for the primitive that consumes them.
    pub const fn expose(&self) -> &[u8; N] {
        &self.0
    }

    /// Cuts the secret into three: how one derivation gives a key, a nonce and a commitment.
    ///
    /// Lengths that do not add up are a mistake at compile time.
    pub(crate) fn split<const A: usize, const B: usize, const C: usize>(
        self,
    ) -> (Secret<A>, Secret<B>, Secret<C>) {
        const { assert!(A + B + C == N) }
        let mut bytes = self.0.iter();
        let mut part = |out: &mut [u8]| out.iter_mut().zip(&mut bytes).for_each(|(o, b)| *o = *b);
        let (mut a, mut b, mut c) = (Secret([0; A]), Secret([0; B]), Secret([0; C]));
        part(&mut a.0);
        part(&mut b.0);
        part(&mut c.0);
        (a, b, c)
    }

    /// A second owner of the same secret.
    pub fn duplicate(&self) -> Self {
        Self(self.0)
    }
}

impl<const N: usize> ConstantTimeEq for Secret<N> {
    fn ct_eq(&self, other: &Self) -> subtle::Choice {
        self.0.ct_eq(&other.0)
    }
}

impl<const N: usize> PartialEq for Secret<N> {
    fn eq(&self, other: &Self) -> bool {
        self.ct_eq(other).into()
    }
}

impl<const N: usize> Eq for Secret<N> {}

impl<const N: usize> fmt::Debug for Secret<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret<{N}>(…)")
    }
}

impl<const N: usize> Encode for Secret<N> {
    fn encode(&self, out: &mut Writer) {
        out.bytes(&self.0);
    }
}

impl<const N: usize> Decode for Secret<N> {
    fn decode(input: &mut Reader<'_>) -> Self {
        Self::new(input.array_of_bytes())
    }
}

/// Secret bytes of a length that is only known at run time, such as a decrypted message.
pub type SecretBytes = Zeroizing<Vec<u8>>;

/// Whether two byte strings are equal, in time that depends on their lengths only.
pub fn equal(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_printed() {
        assert_eq!(format!("{:?}", Secret::new([7u8; 32])), "Secret<32>(…)");
    }
}
