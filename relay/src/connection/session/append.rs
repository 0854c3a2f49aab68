//! Appends, which are answered once they are durable.

use std::sync::Arc;

use sottovoce::wire::ContactId;
use sottovoce::wire::frame::{NewEntry, RefusedId, RelayFrame};
use tokio::sync::oneshot;
use tracing::Instrument;
use tracing::field::Empty;

use super::{Session, refused};
use crate::connection::End;
use crate::contact::ReadEntry;
use crate::refusal::Refusal;
use crate::sequencer::{Append, Job};
use crate::store::PATIENCE;

impl Session<'_> {
    /// Appends all entries or none; each is answered by its id.
    pub(super) async fn append(
        &mut self,
        contact: ContactId,
        entries: Vec<NewEntry>,
    ) -> Result<(), End> {
        let ids: Vec<_> = entries.iter().map(|entry| entry.id).collect();
        let bytes = entries.iter().map(|entry| entry.entry.len()).sum();
        let account = self.account.id();
        let may_append = self.shared.throttle.may_append(account, contact, bytes);
        let appends: Result<Vec<_>, Refusal> = entries
            .into_iter()
            .map(|NewEntry { id, entry: bytes }| {
                if !may_append {
                    return Err(Refusal::Throttled);
                }
                let entry = ReadEntry::read(&bytes)?;
                Ok(Append { id, bytes, entry })
            })
            .collect();
        let appends = match appends {
            Ok(appends) => appends,
            Err(refusal) => {
                for id in ids {
                    let answer = refused(RefusedId::Append(id, contact), &refusal);
                    self.wire.send(&answer).await?;
                }
                return Ok(());
            }
        };
        let (answer, answered) = oneshot::channel();
        let job = Job {
            account: Arc::clone(&self.account),
            device: self.device,
            address: self.address,
            contact,
            received: std::time::Instant::now(),
            appends,
            answer,
        };
        self.shared.sequencer.send(job).await?;
        let span = tracing::info_span!("append", %contact, entries = ids.len(), code = Empty);
        let answers = async move {
            // After the time is over it may be stored still, which nobody knows either.
            let outcome = match tokio::time::timeout(PATIENCE, answered).await {
                Ok(Ok(outcome)) => outcome,
                Ok(Err(_)) | Err(_) => Err(Refusal::Unavailable),
            };
            if let Err(refusal) = &outcome {
                tracing::Span::current().record("code", refusal.code());
            }
            match outcome {
                Ok(positions) => Ok(ids
                    .into_iter()
                    .zip(positions)
                    .map(|(id, position)| RelayFrame::Appended {
                        id,
                        contact,
                        position,
                    })
                    .collect()),
                // Nobody knows whether it is durable. When the connection ends with that, the
                // client keeps it, and appends the same again when it is back.
                Err(Refusal::Unavailable) => Err(Refusal::Unavailable),
                Err(refusal) => Ok(ids
                    .into_iter()
                    .map(|id| refused(RefusedId::Append(id, contact), &refusal))
                    .collect()),
            }
        };
        self.in_flight.push(Box::pin(answers.instrument(span)));
        Ok(())
    }
}
