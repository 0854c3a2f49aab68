//! The handshake: the relay's challenge, the device's proof. The proof names account, host and
//! both nonces, so it is good for this connection only.

use std::sync::Arc;
use std::time::Duration;

use sottovoce::account::AccountError;
use sottovoce::crypto::Random;
use sottovoce::wire::frame::{Authentication, ClientFrame, Nonce, RelayFrame};
use sottovoce::wire::{AccountId, Bytes, DeviceId, Signed, limits};

use super::{End, Peer, Wire};
use crate::account::AccountHub;
use crate::clock;
use crate::refusal::Refusal;
use crate::relay::Shared;

/// How long the handshake may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// Finds out which device of which account this is.
pub(super) async fn run(
    shared: &Arc<Shared>,
    peer: &Peer,
    wire: &mut Wire,
) -> Result<(Arc<AccountHub>, DeviceId), End> {
    let account = peer
        .account
        .parse::<AccountId>()
        .ok()
        .and_then(|account| shared.accounts.get(&account))
        .ok_or(Refusal::UnknownAccount)?;
    let nonce = Random::os().bytes().map_err(|_| Refusal::Unavailable)?;
    let nonce = Nonce::new(nonce);
    wire.send(&RelayFrame::Challenge { nonce }).await?;
    let proof = loop {
        match wire.receive().await? {
            Some(ClientFrame::Authenticate { proof }) => break proof,
            Some(_) => return Err(Refusal::NotAuthenticated.into()),
            None => {}
        }
    };
    let device = verify(&proof, account.id(), &peer.host, &nonce)?;
    if account
        .book()
        .await
        .standing(&device, clock::now())
        .is_revoked
    {
        return Err(AccountError::Revoked.into());
    }
    Ok((Arc::clone(account), device))
}

fn verify(
    proof: &Bytes,
    account: AccountId,
    host: &str,
    nonce: &Nonce,
) -> Result<DeviceId, Refusal> {
    let signed = Signed::<Authentication>::from_bytes(proof)?;
    let claim = signed.parse()?;
    if claim.account != account {
        return Err(AccountError::ForeignAccount.into());
    }
    if claim.host != host {
        return Err(Refusal::WrongHost);
    }
    if claim.relay_nonce != *nonce {
        return Err(Refusal::WrongNonce);
    }
    if claim.time.millis().abs_diff(clock::now().millis()) > limits::LIVE_TOLERANCE {
        return Err(Refusal::TimeOff);
    }
    if !claim.device.is_valid() {
        return Err(Refusal::WeakKey);
    }
    signed
        .verify_by(&claim.device)
        .map_err(|_| AccountError::NotSigned)?;
    Ok(claim.device)
}
