//! What a client is told before it starts. See [`sottovoce_client::HostConfig`].

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use sottovoce::account::{Level, Pin};
use sottovoce::client::Kind;
use sottovoce::crypto::Secret;
use sottovoce::crypto::secret::SecretBytes;
use sottovoce::wire::{AccountId, DecodeError};
use sottovoce_client::{SecretString, tls};

use crate::error::ClientError;

/// What a client is told before it starts.
#[derive(uniffi::Record)]
pub struct HostConfig {
    /// Where the relay is: `wss://host[:port]`, or on the own machine `ws://127.0.0.1:8080`;
    /// `https` and `http` mean the same.
    pub url: String,
    /// The account and what else is pinned.
    pub pin: Pin,
    /// Who this is.
    pub kind: Kind,
    /// Where the device's state is kept.
    pub state: StateStore,
    /// Certificates (DER) to trust besides the system's roots, and instead of them where the
    /// system shows its roots to nobody.
    #[uniffi(default = [])]
    pub roots: Vec<Vec<u8>>,
}

impl TryFrom<HostConfig> for sottovoce_client::HostConfig {
    type Error = ClientError;

    fn try_from(config: HostConfig) -> Result<Self, ClientError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let roots = config.roots.into_iter().map(CertificateDer::from);
        Ok(Self {
            url: config.url,
            pin: config.pin,
            kind: config.kind,
            state: config.state.try_into()?,
            tls: tls::client_config(provider, roots)?,
        })
    }
}

/// What an app pins: nothing that a server says can go below it.
#[uniffi::remote(Record)]
pub struct Pin {
    /// The account.
    pub account: AccountId,
    /// The id that another root key would give: accepted as the account's next root.
    #[uniffi(default = None)]
    pub next_root: Option<AccountId>,
    /// The entry point that the app uses.
    #[uniffi(default = None)]
    pub entry_point: Option<String>,
    /// The lowest level that the app accepts there.
    #[uniffi(default = None)]
    pub lowest_level: Option<Level>,
    /// The lowest policy version that is accepted.
    #[uniffi(default = 0)]
    pub lowest_policy: u64,
}

/// Who a client is.
#[uniffi::remote(Enum)]
pub enum Kind {
    /// A visitor, with fresh keys for one contact.
    Visitor,
    /// Staff: a device with a credential, or one that asks for it.
    Staff {
        /// The name in the enrolment request.
        name: String,
        /// An administrator's invitation code, if there is one.
        invitation: Option<String>,
    },
}

/// Where a device keeps its state.
#[derive(uniffi::Enum)]
pub enum StateStore {
    /// Nowhere: with the process the device is gone.
    Memory,
    /// In a folder of its own, which one process at a time may use.
    Folder {
        /// The folder; made if it does not exist.
        path: String,
        /// Where the storage key comes from.
        key: StorageKey,
    },
}

impl TryFrom<StateStore> for sottovoce_client::StateStore {
    type Error = ClientError;

    fn try_from(store: StateStore) -> Result<Self, ClientError> {
        Ok(match store {
            StateStore::Memory => Self::Memory,
            StateStore::Folder { path, key } => Self::Folder {
                path: path.into(),
                key: key.try_into()?,
            },
        })
    }
}

/// Where a storage key comes from.
#[derive(uniffi::Enum)]
pub enum StorageKey {
    /// Kept in the folder as it is: whoever reads the folder has the device.
    Plain,
    /// Kept in the folder, sealed with a passphrase.
    Passphrase {
        /// The passphrase.
        passphrase: String,
    },
    /// Kept by the app, such as in the phone's keystore. With another one the device starts afresh.
    Given {
        /// 32 random bytes. Overwrite your copy after the call.
        key: Vec<u8>,
    },
}

impl TryFrom<StorageKey> for sottovoce_client::StorageKey {
    type Error = ClientError;

    fn try_from(key: StorageKey) -> Result<Self, ClientError> {
        Ok(match key {
            StorageKey::Plain => Self::Plain,
            StorageKey::Passphrase { passphrase } => {
                Self::Passphrase(SecretString::from(passphrase))
            }
            StorageKey::Given { key } => {
                let key = SecretBytes::new(key);
                Self::Given(Secret::from_slice(&key).ok_or(DecodeError::Malformed)?)
            }
        })
    }
}
