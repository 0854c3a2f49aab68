//! `GET …/transcript`: what was said, as JSON, text or a page.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use sottovoce_server::problem::{Path, Problem, Query};
use utoipa::{IntoParams, ToSchema};

use super::contacts::ContactView;
use super::{Api, Caller, ContactPath, render};
use crate::reading::{Archive, ReadError};
use crate::record::{About, Record};
use crate::store::StoredContact;
use crate::token::Scope;

/// Most records of one answer.
const MOST: usize = 10_000;
/// Bytes after which an answer takes no more records.
const LARGEST: usize = 16 << 20;
/// Records that are read at once.
const PAGE: usize = 500;
/// A page shows nothing from anywhere else, and runs nothing.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox";

/// A contact and what was said.
#[derive(Serialize, ToSchema)]
pub(super) struct Transcript {
    /// What is known at any level.
    #[serde(flatten)]
    pub(super) contact: ContactView,
    /// Who took part.
    pub(super) about: About,
    /// What was said, in its order.
    pub(super) records: Vec<Record>,
    /// The position to go on after, if there is more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next: Option<u64>,
}

/// As what.
#[derive(Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Format {
    /// JSON.
    #[default]
    Json,
    /// Plain text.
    Text,
    /// A page that is whole in itself.
    Html,
}

/// Which part, and as what.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    /// `json`, `text` or `html`.
    #[param(inline)]
    format: Option<Format>,
    /// Only what comes after this position: `next` of the part before.
    after: Option<u64>,
    /// How many records at most.
    #[param(minimum = 1, maximum = 10_000, default = 10_000)]
    limit: Option<usize>,
}

/// Read a transcript.
#[utoipa::path(get, path = "/v1/accounts/{account}/contacts/{contact}/transcript", operation_id = "read_transcript",
    params(ContactPath, Wanted), security(("token" = ["transcripts:read"])),
    responses((status = 200, description = "What was said", content(
        (Transcript = "application/json"), (String = "text/plain"), (String = "text/html")))))]
pub(super) async fn transcript(
    State(api): State<Arc<Api>>,
    Path(path): Path<ContactPath>,
    Query(wanted): Query<Wanted>,
    caller: Caller,
) -> Result<Response, Problem> {
    api.may(&caller, &path.account, Scope::TranscriptsRead)?;
    let stored = api.contact(&path).await?;
    let limit = wanted.limit.unwrap_or(MOST).clamp(1, MOST);
    let after = wanted.after.unwrap_or(0).min(i64::MAX.unsigned_abs());
    let (about, records, next) = match read(&api.archive, &stored, after, limit).await {
        Ok(read) => read,
        Err(error) => return Err(api.unreadable(stored.contact, error).await),
    };
    let transcript = Transcript {
        contact: ContactView::of(&api, &stored),
        about,
        records,
        next,
    };
    Ok(match wanted.format.unwrap_or_default() {
        Format::Json => axum::Json(transcript).into_response(),
        Format::Text => {
            let text = render::text(&stored, &transcript.about, &transcript.records, next);
            ([(CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
        }
        Format::Html => {
            let page = render::html(&stored, &transcript.about, &transcript.records, next);
            let headers = [
                (CONTENT_TYPE, "text/html; charset=utf-8"),
                (CONTENT_SECURITY_POLICY, POLICY),
            ];
            (headers, page).into_response()
        }
    })
}

/// Reads a part of a transcript, and where it goes on.
async fn read(
    archive: &Archive,
    stored: &StoredContact,
    mut after: u64,
    limit: usize,
) -> Result<(About, Vec<Record>, Option<u64>), ReadError> {
    let opener = archive.opener(stored).await?;
    let about = opener.about(stored)?;
    let mut records = Vec::new();
    let mut size = 0;
    loop {
        let most = PAGE.min(limit - records.len());
        let page = archive.store.records(&stored.contact, after, most).await?;
        for record in &page {
            after = record.position;
            let record = opener.record(record)?;
            size += record.said.text().map_or(0, str::len);
            records.push(record);
            if size > LARGEST {
                return Ok((about, records, Some(after)));
            }
        }
        if page.len() < most {
            return Ok((about, records, None));
        }
        if records.len() == limit {
            return Ok((about, records, Some(after)));
        }
    }
}
