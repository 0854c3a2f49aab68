//! A PKCS#11 token, such as a hardware security module: its AES-256 key wraps the generations of the
//! master key where they are stored, and never leaves it. Whoever has the database and the file of the
//! master key opens nothing without the token and its PIN.
//!
//! The token is asked at the start, and when a generation is made; what it unwrapped is in the key
//! manager's memory from then on.

use std::ffi::c_ulong;
use std::path::PathBuf;

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::aead::GcmParams;
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;
use sottovoce::crypto::secret::SecretBytes;
use sottovoce::crypto::{Random, Secret};
use zeroize::Zeroizing;

use crate::master::MasterError;

/// Begins what a wrapped generation is bound to; its number follows.
const PLACE: &[u8] = b"sottovoce/0 master-generation ";
/// Length of a nonce, in bytes.
const NONCE: usize = 12;
/// Length of a tag, in bits.
const TAG: c_ulong = 128;
/// Length of a wrapped generation, in bytes.
const WRAPPED: usize = NONCE + 32 + 16;

/// A token's key cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// The module cannot be loaded.
    #[error("it cannot be loaded: {0}")]
    Module(String),
    /// No token has this label.
    #[error("no token has this label; there are: {0}")]
    NoToken(String),
    /// Several tokens have this label.
    #[error("several tokens have this label")]
    SeveralTokens,
    /// There is no PIN.
    #[error("there is no PIN")]
    NoPin,
    /// The PIN is wrong.
    #[error("the token refuses the PIN")]
    WrongPin,
    /// The PIN was wrong too often.
    #[error("the token has locked the PIN")]
    LockedPin,
    /// No AES key has this label.
    #[error("the token has no AES key with this label")]
    NoKey,
    /// Several AES keys have this label.
    #[error("the token has several AES keys with this label")]
    SeveralKeys,
    /// The key could be taken out of the token, or is shorter than 32 bytes.
    #[error("the key has to be an AES-256 key that is sensitive and cannot be extracted")]
    UnfitKey,
    /// The token does not do what it is asked.
    #[error("the token does not do what it is asked: {0}")]
    Failed(String),
    /// The operating system gave no randomness.
    #[error("the operating system gave no randomness")]
    NoRandomness,
}

impl TokenError {
    /// The setting that it is about.
    pub const fn setting(&self) -> &'static str {
        match self {
            Self::Module(_) | Self::Failed(_) | Self::NoRandomness => "pkcs11.module",
            Self::NoToken(_) | Self::SeveralTokens => "pkcs11.token",
            Self::NoPin | Self::WrongPin | Self::LockedPin => "pkcs11.pin",
            Self::NoKey | Self::SeveralKeys | Self::UnfitKey => "pkcs11.key",
        }
    }
}

impl From<Error> for TokenError {
    fn from(error: Error) -> Self {
        match error {
            Error::Pkcs11(
                RvError::PinIncorrect | RvError::PinInvalid | RvError::PinLenRange,
                _,
            ) => Self::WrongPin,
            Error::Pkcs11(RvError::PinLocked, _) => Self::LockedPin,
            // The crate's words are pages long.
            Error::Pkcs11(code, function) => Self::Failed(format!("{function}, {code:?}")),
            error => Self::Failed(error.to_string()),
        }
    }
}

/// Where a key is.
#[derive(Debug)]
pub struct Place {
    /// The module: a library that the token's maker provides.
    pub module: PathBuf,
    /// The token's label.
    pub token: String,
    /// The key's label.
    pub key: String,
    /// The user's PIN.
    pub pin: Zeroizing<String>,
}

/// A key on a token, to which there is a session.
#[derive(Debug)]
pub struct TokenKey {
    /// It ends before the module does.
    session: Session,
    key: ObjectHandle,
    _module: Module,
}

impl TokenKey {
    /// Opens the key at a place.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn open(place: &Place) -> Result<Self, TokenError> {
        let (module, slot) = token(place)?;
        let session = module.0.open_ro_session(slot)?;
        log_in(&session, place)?;
        let key = find(&session, &place.key)?.ok_or(TokenError::NoKey)?;
        Ok(Self::of(session, key, module))
    }

    /// The same, where the key is made if there is none with this label; whether it was.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn open_or_make(place: &Place) -> Result<(Self, bool), TokenError> {
        let (module, slot) = token(place)?;
        let session = module.0.open_rw_session(slot)?;
        log_in(&session, place)?;
        if let Some(key) = find(&session, &place.key)? {
            return Ok((Self::of(session, key, module), false));
        }
        let template = [
            Attribute::Token(true),
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::Encrypt(true),
            Attribute::Decrypt(true),
            Attribute::ValueLen(32.into()),
            Attribute::Label(place.key.as_bytes().to_vec()),
        ];
        let key = session.generate_key(&Mechanism::AesKeyGen, &template)?;
        Ok((Self::of(session, key, module), true))
    }

    const fn of(session: Session, key: ObjectHandle, module: Module) -> Self {
        Self {
            session,
            key,
            _module: module,
        }
    }

    /// A line with a new generation, for the file of a master key: 120 hexadecimal characters of nonce
    /// and AES-256-GCM ciphertext, bound to the generation's number.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn fresh_line(&self, generation: i64) -> Result<Zeroizing<String>, TokenError> {
        let mut random = Random::os();
        let no_randomness = |_| TokenError::NoRandomness;
        let secret: Secret<32> = random.secret().map_err(no_randomness)?;
        let mut nonce: [u8; NONCE] = random.bytes().map_err(no_randomness)?;
        let place = bound_to(generation);
        let sealed = {
            let parameters = GcmParams::new(&mut nonce, &place, TAG.into())?;
            let mechanism = Mechanism::AesGcm(parameters);
            self.session
                .encrypt(&mechanism, self.key, secret.expose())?
        };
        // Some tokens choose the nonce themselves, and write it where they were given one.
        let wrapped = base16ct::lower::encode_string(&[&nonce[..], &sealed].concat());
        Ok(Zeroizing::new(format!("{generation}:{wrapped}")))
    }

    /// The key of a generation as [`Self::fresh_line`] wrote it behind its number.
    ///
    /// # Errors
    /// [`MasterError::Malformed`], [`MasterError::Sealed`].
    pub fn unwrap(&self, generation: i64, wrapped: &str) -> Result<Secret<32>, MasterError> {
        let wrapped = base16ct::mixed::decode_vec(wrapped).map_err(|_| MasterError::Malformed)?;
        if wrapped.len() != WRAPPED {
            return Err(MasterError::Malformed);
        }
        let (nonce, sealed) = wrapped.split_at(NONCE);
        let mut nonce = nonce.to_vec();
        let place = bound_to(generation);
        let parameters =
            GcmParams::new(&mut nonce, &place, TAG.into()).map_err(|_| MasterError::Sealed)?;
        let opened = self
            .session
            .decrypt(&Mechanism::AesGcm(parameters), self.key, sealed);
        let opened = SecretBytes::new(opened.map_err(|_| MasterError::Sealed)?);
        Secret::from_slice(&opened).ok_or(MasterError::Sealed)
    }
}

fn bound_to(generation: i64) -> Vec<u8> {
    [PLACE, &generation.to_be_bytes()].concat()
}

/// A module that was loaded and initialised: once in a process at a time.
#[derive(Debug)]
struct Module(Pkcs11);

impl Drop for Module {
    fn drop(&mut self) {
        // A module that does not end in order ends with the process.
        let _ = self.0.clone().finalize();
    }
}

/// Loads the module and finds the token.
fn token(place: &Place) -> Result<(Module, Slot), TokenError> {
    let module = Pkcs11::new(&place.module);
    let module = module.map_err(|error| TokenError::Module(error.to_string()))?;
    module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK))?;
    let module = Module(module);
    let mut found = Vec::new();
    let mut labels = Vec::new();
    for slot in module.0.get_slots_with_initialized_token()? {
        let label = module.0.get_token_info(slot)?.label().trim_end().to_owned();
        if label == place.token {
            found.push(slot);
        }
        labels.push(label);
    }
    match found.as_slice() {
        [slot] => Ok((module, *slot)),
        [] if labels.is_empty() => Err(TokenError::NoToken("none".to_owned())),
        [] => Err(TokenError::NoToken(labels.join(", "))),
        _ => Err(TokenError::SeveralTokens),
    }
}

fn log_in(session: &Session, place: &Place) -> Result<(), TokenError> {
    // Asking with none would count as a wrong one.
    if place.pin.is_empty() {
        return Err(TokenError::NoPin);
    }
    let pin = AuthPin::from(place.pin.as_str());
    Ok(session.login(UserType::User, Some(&pin))?)
}

/// The AES key with a label, if it is what it has to be.
fn find(session: &Session, label: &str) -> Result<Option<ObjectHandle>, TokenError> {
    let template = [
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(KeyType::AES),
        Attribute::Label(label.as_bytes().to_vec()),
    ];
    let key = match session.find_objects(&template)?.as_slice() {
        [] => return Ok(None),
        [key] => *key,
        _ => return Err(TokenError::SeveralKeys),
    };
    let wanted = [
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::ValueLen(32.into()),
    ];
    let types = [
        AttributeType::Sensitive,
        AttributeType::Extractable,
        AttributeType::ValueLen,
    ];
    let found = session.get_attributes(key, &types)?;
    if wanted.iter().all(|attribute| found.contains(attribute)) {
        Ok(Some(key))
    } else {
        Err(TokenError::UnfitKey)
    }
}
