//! Keys from a business's own service of the older shape (SPEC 7.8), in place of a key manager.

use sottovoce::wire::AccountId;
use sottovoce_older_keys::call::Refusal;
use sottovoce_older_keys::{Service, ServiceError};

use super::KeyError;
use crate::seal::DataKey;
use crate::store::{DataKeyState, StoredContact};

/// A contact's data key. The service is asked to make one only for a contact under whose key nothing is
/// stored: what it does when it is asked a second time is not stated anywhere.
pub(super) async fn data_key(
    service: &Service,
    account: AccountId,
    stored: &StoredContact,
) -> Result<DataKey, KeyError> {
    let id = stored.contact.to_string();
    let is_new = stored.data_key == DataKeyState::None;
    let answered = if is_new {
        service.create(&id).await
    } else {
        service.read(&id).await
    };
    match answered {
        Ok(key) => Ok(key.data_key(&account, &stored.contact)),
        Err(ServiceError::Refused(Refusal::Missing)) if !is_new => Err(KeyError::Lost),
        Err(ServiceError::Refused(Refusal::Denied(status))) => {
            Err(KeyError::Denied(format!("status {status}")))
        }
        Err(error) => Err(KeyError::Unavailable(error.to_string())),
    }
}
