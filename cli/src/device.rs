//! A device of a visitor's or agent's own: where its state is, and its start.

use std::path::{Path, PathBuf};

use clap::Args;
use sottovoce::account::Pin;
use sottovoce::client::{Event, Kind};
use sottovoce::wire::AccountId;
use sottovoce_client::{Handle, HostConfig, StateStore, StorageKey, start};
use tokio::sync::mpsc;

use crate::connection::RelayOptions;
use crate::failure::Outcome;
use crate::key_file;
use crate::relay::account_id;

/// How the state's folder names a storage key that is sealed, and one that is not.
const SEALED: &str = "storage-key.age";
const PLAIN: &str = "storage-key";

/// Which account's relay a device talks to.
#[derive(Args)]
pub(crate) struct DeviceOptions {
    #[command(flatten)]
    relay: RelayOptions,
    /// The account's id; it pins the account's root key.
    #[arg(long, allow_hyphen_values = true, value_parser = account_id)]
    account: AccountId,
    /// Leave the key of the device's state unprotected in its folder. Without this it is sealed
    /// with a passphrase (asked for, or from `SOTTOVOCE_PASSPHRASE`).
    #[arg(long)]
    plain_keys: bool,
}

impl DeviceOptions {
    /// The account.
    pub(crate) const fn account(&self) -> AccountId {
        self.account
    }

    /// Address of the relay, and a file of root certificates to trust beside the system's.
    pub(crate) fn relay(&self) -> (&str, Option<&Path>) {
        (&self.relay.relay, self.relay.trust_file())
    }

    /// Starts the device. Without a folder its state is gone with the process.
    pub(crate) async fn start(
        &self,
        state: Option<&Path>,
        kind: Kind,
    ) -> Outcome<(Handle, mpsc::Receiver<Event>)> {
        let state = match state {
            None => StateStore::Memory,
            Some(path) => StateStore::Folder {
                path: path.to_owned(),
                key: storage_key(path, self.plain_keys)?,
            },
        };
        let config = HostConfig {
            url: self.relay.relay.clone(),
            pin: Pin::account(self.account),
            kind,
            state,
            tls: self.relay.tls()?,
        };
        Ok(start(config).await?)
    }
}

/// Whether a folder keeps a device's storage key.
pub(crate) fn has_device(folder: &Path) -> bool {
    folder.join(SEALED).exists() || folder.join(PLAIN).exists()
}

/// How the state's folder keeps, or is to keep, its storage key.
pub(crate) fn storage_key(folder: &Path, is_plain: bool) -> Outcome<StorageKey> {
    let sealed: PathBuf = folder.join(SEALED);
    if sealed.exists() {
        return Ok(StorageKey::Passphrase(key_file::passphrase_of(&sealed)?));
    }
    let plain = is_plain || folder.join(PLAIN).exists();
    Ok(match key_file::Protection::choose(plain)? {
        key_file::Protection::Plain => StorageKey::Plain,
        key_file::Protection::Passphrase(passphrase) => StorageKey::Passphrase(passphrase),
    })
}
