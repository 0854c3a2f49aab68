//! The handshake: the relay's challenge, the device's proof. The proof names account, host and
//! both nonces, so it is good for this connection only.

use std::sync::Arc;
use std::time::Duration;

use sottovoce::account::AccountError;
use sottovoce::crypto::Random;
use sottovoce::wire::frame::{Authentication, ClientFrame, Nonce, RelayFrame};
use sottovoce::wire::{AccountId, Bytes, DeviceId, Signed, limits, work};

use super::{End, Peer, Wire};
use crate::account::AccountHub;
use crate::refusal::Refusal;
use crate::relay::Shared;
use sottovoce_server::clock;

/// How long the handshake may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// How many bytes a device may send before it is let in: a proof is a few hundred.
pub(super) const LONGEST: usize = 4096;

/// How long work may take, on a slow phone.
const WORK: Duration = Duration::from_secs(90);

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

/// Lets a device in, unless it or its account has too many connections. One that does not belong to
/// the account may be kept away, and works for it while many come.
pub(super) async fn admit(
    shared: &Arc<Shared>,
    peer: &Peer,
    wire: &mut Wire,
    account: &AccountHub,
    device: DeviceId,
) -> Result<(), End> {
    let may_enter = |meter| shared.throttle.enter(meter, account.id(), device);
    if !wire.meter.as_mut().is_some_and(may_enter) {
        return Err(Refusal::Throttled.into());
    }
    if account
        .book()
        .await
        .standing(&device, clock::now())
        .belongs()
    {
        return Ok(());
    }
    if shared.bans.meet(account.id(), device, peer.address).await? {
        return Err(Refusal::Banned.into());
    }
    match shared.load.arrive() {
        0 => Ok(()),
        bits => tokio::select! {
            worked = have_work_done(wire, bits.into()) => worked,
            () = tokio::time::sleep(WORK) => Err(Refusal::TimedOut.into()),
        },
    }
}

async fn have_work_done(wire: &mut Wire, bits: u64) -> Result<(), End> {
    let nonce = Random::os().bytes().map_err(|_| Refusal::Unavailable)?;
    let nonce = Nonce::new(nonce);
    wire.send(&RelayFrame::Work { nonce, bits }).await?;
    loop {
        match wire.receive().await? {
            Some(ClientFrame::Solve { answer }) if work::is_done(&nonce, answer, bits) => {
                return Ok(());
            }
            Some(_) => return Err(Refusal::NotWorked.into()),
            None => {}
        }
    }
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
