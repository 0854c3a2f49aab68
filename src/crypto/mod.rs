//! The primitives, each behind one narrow function or type: everything above this folder names
//! *what* it derives, signs or seals; only this folder knows *how*.

pub mod aead;
pub mod hash;
pub mod kdf;
pub mod random;
pub mod seal;
pub mod secret;
pub mod sign;

pub use hash::Hash;
pub use random::Random;
pub use secret::Secret;
