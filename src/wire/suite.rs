//! SPEC 2.1: the cipher suites.

use super::codec::number;

/// A cipher suite. One is fixed for each contact by its first commit; keys of one suite are
/// never used in the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Suite {
    /// 1: X25519, HKDF-SHA256, AES-256-GCM, Ed25519.
    X25519,
    /// 2, the default: X-Wing (X25519 and ML-KEM-768) for every seal, else as suite 1.
    #[default]
    XWing,
}

number!(Suite { X25519 = 1, XWing = 2 });

impl Suite {
    /// Both suites, lowest first.
    pub const ALL: [Self; 2] = [Self::X25519, Self::XWing];

    /// The number in the registry of SPEC 2.1.
    pub const fn number(self) -> u64 {
        match self {
            Self::X25519 => 1,
            Self::XWing => 2,
        }
    }

    /// The HPKE KEM identifier (IANA): 0x0020 or 0x647A.
    pub const fn kem_id(self) -> u16 {
        match self {
            Self::X25519 => 0x0020,
            Self::XWing => 0x647a,
        }
    }
}
