//! Search. There is no index: at level `storage` an index would be what the encryption hides. So a
//! search reads, newest contacts first, and says where it stopped.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use sottovoce_server::problem::{Path, Problem, Query};
use utoipa::{IntoParams, ToSchema};

use super::contacts::ContactView;
use super::{AccountPath, Api, Caller, cursor, store_failed};
use crate::reading::ReadError;
use crate::record::Record;
use crate::store::StoredContact;
use crate::token::Scope;

/// Most contacts that one request reads.
const CONTACTS: usize = 200;
/// Records after which a request reads no further contact.
const RECORDS: usize = 20_000;
/// Time after which it reads none.
const TIME: Duration = Duration::from_secs(2);
/// Most hits that are shown of one contact.
const HITS: usize = 10;
/// Longest words, in bytes.
const WORDS: usize = 200;
/// Records that are read at once.
const PAGE: usize = 500;

/// What is searched for.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    /// Words, as they stand; letter case makes no difference.
    #[param(min_length = 1, max_length = 200)]
    q: String,
    /// `next` of the part before.
    cursor: Option<String>,
}

/// What was found.
#[derive(Serialize, ToSchema)]
pub(super) struct Found {
    /// Contacts in which the words stand, newest first.
    matches: Vec<Match>,
    /// How many contacts were read.
    searched: usize,
    /// How many of them could not be read, for want of their key or for damage.
    unreadable: usize,
    /// Where to go on, if there are more contacts.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// A contact in which the words stand.
#[derive(Serialize, ToSchema)]
struct Match {
    #[serde(flatten)]
    contact: ContactView,
    /// The first ten records in which they stand.
    records: Vec<Record>,
}

/// Search transcripts.
///
/// One request reads at most 200 contacts, and no further contact after 20,000 records or 2 seconds; `next`
/// goes on where it stopped. At level `storage` every contact that is read needs its key from the key
/// manager, which writes that down.
#[utoipa::path(get, path = "/v1/accounts/{account}/search", operation_id = "search",
    params(AccountPath, Wanted), security(("token" = ["transcripts:read"])),
    responses((status = 200, description = "Contacts in which the words stand", body = Found)))]
pub(super) async fn search(
    State(api): State<Arc<Api>>,
    Path(path): Path<AccountPath>,
    Query(wanted): Query<Wanted>,
    caller: Caller,
) -> Result<axum::Json<Found>, Problem> {
    api.may(&caller, &path.account, Scope::TranscriptsRead)?;
    let words = wanted.q.trim().to_lowercase();
    if words.is_empty() || words.len() > WORDS {
        let title = "the words are from 1 to 200 bytes";
        return Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "invalid-query",
            title,
        ));
    }
    let after = wanted.cursor.as_deref().map(cursor::read).transpose()?;
    let contacts = api.archive.store.contacts(after, CONTACTS).await;
    let contacts = contacts.map_err(store_failed)?;
    let begun = Instant::now();
    let mut found = Found {
        matches: Vec::new(),
        searched: 0,
        unreadable: 0,
        next: None,
    };
    let mut read = 0;
    let mut last = None;
    for stored in &contacts {
        if read > RECORDS || begun.elapsed() > TIME {
            break;
        }
        last = Some(stored);
        found.searched += 1;
        match hits(&api, stored, &words, &mut read).await {
            Ok(records) if records.is_empty() => {}
            Ok(records) => found.matches.push(Match {
                contact: ContactView::of(&api, stored),
                records,
            }),
            Err(ReadError::Store(error)) => return Err(store_failed(error)),
            Err(ReadError::Key(_) | ReadError::Damaged(_)) => found.unreadable += 1,
        }
    }
    let has_more = contacts.len() == CONTACTS || found.searched < contacts.len();
    found.next = last.filter(|_| has_more).map(cursor::after);
    Ok(axum::Json(found))
}

async fn hits(
    api: &Api,
    stored: &StoredContact,
    words: &str,
    read: &mut usize,
) -> Result<Vec<Record>, ReadError> {
    let opener = api.archive.opener(stored).await?;
    let mut hits = Vec::new();
    let mut after = 0;
    loop {
        let page = api.archive.store.records(&stored.contact, after, PAGE);
        let page = page.await?;
        *read += page.len();
        for record in &page {
            after = record.position;
            let record = opener.record(record)?;
            let text = record.said.text().unwrap_or_default();
            if text.to_lowercase().contains(words) {
                hits.push(record);
                if hits.len() == HITS {
                    return Ok(hits);
                }
            }
        }
        if page.len() < PAGE {
            return Ok(hits);
        }
    }
}
