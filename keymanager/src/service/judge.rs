//! Who asks, and whether the rules allow it.

use sottovoce::account::{Account, AccountError, Credential, Pin, Role};
use sottovoce::archive::{KeyRequest, Outcome, Parcel};
use sottovoce::crypto::seal::SealPublicKey;
use sottovoce::wire::frame::ObjectKind;
use sottovoce::wire::{AccountId, Bytes, DeviceId, Signed, Time, decode, limits};
use sqlx::AnyConnection;

use crate::rules::RoleName;
use crate::store;

use super::{KeyManager, No, ServiceError, Turn};

/// How far a request's time may be from the own clock, in milliseconds.
const FRESH: u64 = 5 * 60 * 1000;

/// A request whose author is known.
pub(super) struct Judged {
    pub(super) request: KeyRequest,
    /// The contact's commits, where they came along.
    pub(super) attached: Vec<Bytes>,
    pub(super) reply: SealPublicKey,
    pub(super) role: Role,
    /// The requester's teams.
    pub(super) teams: Vec<String>,
    /// The account as it is known now, with the policies that the request brought.
    pub(super) account: Account,
}

impl KeyManager {
    /// Finds out who asks for what.
    pub(super) async fn judge(
        &self,
        connection: &mut AnyConnection,
        turn: &Turn,
        account: &AccountId,
        parcel: &[u8],
        now: Time,
    ) -> Result<Result<Judged, No>, ServiceError> {
        let (signed, attached, request) = match self.unpack(turn, account, parcel, now) {
            Ok(unpacked) => unpacked,
            Err(no) => return Ok(Err(no)),
        };
        if signed.verify_by(&request.device).is_err() {
            return Ok(Err(No(Outcome::Malformed, "bad-signature")));
        }
        let Ok(reply) = SealPublicKey::parse(request.suite, &request.reply) else {
            return Ok(Err(No(Outcome::Malformed, "malformed")));
        };
        let mut known = Account::new(Pin::account(*account));
        for object in store::objects(connection, account).await? {
            // What was believed when it was stored.
            let _ = learn(&mut known, object.kind, &object.bytes);
        }
        let before = known.objects();
        let mut credential = None;
        for object in &request.evidence {
            match object.kind {
                ObjectKind::Credential => credential = Some(&object.bytes),
                kind => match learn(&mut known, kind, &object.bytes) {
                    Ok(()) | Err(AccountError::RolledBack) => {}
                    Err(error) => return Ok(Err(No(Outcome::Denied, error.code()))),
                },
            }
        }
        let (role, teams) = match self.role(&known, &request.device, credential, now) {
            Ok(who) => who,
            Err(no) => return Ok(Err(no)),
        };
        let after = known.objects();
        if before != after {
            store::put_objects(connection, account, &after).await?;
        }
        Ok(Ok(Judged {
            request,
            attached,
            reply,
            role,
            teams,
            account: known,
        }))
    }

    fn unpack(
        &self,
        turn: &Turn,
        account: &AccountId,
        parcel: &[u8],
        now: Time,
    ) -> Result<(Signed<KeyRequest>, Vec<Bytes>, KeyRequest), No> {
        let malformed = No(Outcome::Malformed, "malformed");
        let parcel: Parcel = decode(parcel, limits::FRAME).map_err(|_| malformed)?;
        let identity = self.identity.public();
        let (signed, attached) = turn
            .request_keys
            .iter()
            .map(|key| key.secret.private_key(account, key.suite))
            .find_map(|key| KeyRequest::unpack(&parcel, &key, &identity).ok())
            .ok_or(No(Outcome::Malformed, "undecryptable"))?;
        let request = signed.parse().map_err(|_| malformed)?;
        if request.account != *account {
            return Err(No(Outcome::Malformed, "foreign-account"));
        }
        if request.audience != identity {
            return Err(No(Outcome::Denied, "wrong-audience"));
        }
        if now.millis().abs_diff(request.time.millis()) > FRESH {
            return Err(No(Outcome::Denied, "time-off"));
        }
        Ok((signed, attached, request))
    }

    /// What the requester is, and of which teams, by the account's own objects.
    fn role(
        &self,
        account: &Account,
        device: &DeviceId,
        credential: Option<&Bytes>,
        now: Time,
    ) -> Result<(Role, Vec<String>), No> {
        let denied = |error: AccountError| No(Outcome::Denied, error.code());
        let root = account.root().map_err(denied)?;
        let manager = root.key_manager.as_ref();
        if manager.is_none_or(|manager| manager.identity != self.identity.public()) {
            return Err(No(Outcome::Denied, "key-manager-changed"));
        }
        let (policy, _) = account.policy(now).map_err(denied)?;
        if policy.revokes_device(device) {
            return Err(No(Outcome::Denied, "revoked"));
        }
        if root.administrators.contains(device) {
            return Ok((Role::Administrator, Vec::new()));
        }
        let signed = credential.ok_or(No(Outcome::Denied, "missing-evidence"))?;
        let signed = Signed::<Credential>::from_bytes(signed)
            .map_err(|error| No(Outcome::Malformed, error.code()))?;
        let credential = account.credential(&signed, policy, now).map_err(denied)?;
        if credential.device != *device {
            return Err(No(Outcome::Denied, "not-signed"));
        }
        Ok((credential.role, credential.teams))
    }

    /// Whether the rules allow it, now and for the first time.
    pub(super) async fn allows(
        &self,
        connection: &mut AnyConnection,
        turn: &mut Turn,
        judged: &Judged,
        now: Time,
    ) -> Result<Result<(), No>, ServiceError> {
        let Judged { request, role, .. } = judged;
        let forgotten = request.time.plus_millis(2 * FRESH);
        if !store::is_first(connection, &request.account, &request.id, forgotten).await? {
            return Ok(Err(No(Outcome::Denied, "replayed")));
        }
        let (roles, per_minute) = self.rules.about(&request.operation);
        if !roles.iter().any(|name: &RoleName| name.is(*role)) {
            return Ok(Err(No(Outcome::Denied, "role-not-allowed")));
        }
        if !turn.counts(request.device, request.operation.name(), per_minute, now) {
            return Ok(Err(No(Outcome::Throttled, "throttled")));
        }
        Ok(Ok(()))
    }
}

fn learn(account: &mut Account, kind: ObjectKind, bytes: &Bytes) -> Result<(), AccountError> {
    match kind {
        ObjectKind::Root => account.learn_root(&Signed::from_bytes(bytes)?).map(drop),
        ObjectKind::Policy => account.learn_policy(&Signed::from_bytes(bytes)?).map(drop),
        ObjectKind::Renewal => account.learn_renewal(&Signed::from_bytes(bytes)?).map(drop),
        _ => Ok(()),
    }
}
