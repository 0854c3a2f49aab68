//! The API's description: what the code says of each route, and what can go wrong at all of them.

use sottovoce_server::problem::{MEDIA_TYPE, ProblemDocument};
use utoipa::openapi::HeaderBuilder;
use utoipa::openapi::path::{Operation, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr, Required, ResponseBuilder};
use utoipa::{OpenApi as _, PartialSchema, ToSchema};

use super::caller::Scope;
use super::repeat;

/// What the description begins with.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Sottovoce",
        description = "Management of an account at its relay. Times are milliseconds since 1970-01-01T00:00:00Z; \
            keys, hashes, ids and signed objects are base64url without padding. What a relay says of signed \
            objects is a convenience: who needs proof verifies the signed bytes.",
        license(name = "Apache-2.0 OR MIT", identifier = "Apache-2.0 OR MIT")
    ),
    tags(
        (name = "account", description = "What the account says about itself, signed"),
        (name = "bans", description = "Visitors who are kept away"),
        (name = "contacts", description = "Contacts: metadata and ciphertext"),
        (name = "tokens", description = "API tokens"),
        (name = "usage", description = "Usage"),
        (name = "webhooks", description = "Webhooks and the account's secret token")
    ),
    components(schemas(ProblemDocument, Scope))
)]
struct Description;

/// The description before its routes.
pub(super) fn api() -> OpenApi {
    let mut api = Description::openapi();
    let token = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("svt_ and 43 characters")
        .description(Some(
            "An API token, made by `sottovoce token create`. The names beside it are the scopes that a route needs.",
        ))
        .build();
    api.components
        .get_or_insert_default()
        .add_security_scheme("token", SecurityScheme::Http(token));
    api
}

/// A status and the codes that problems with it have.
type Problems = (&'static str, &'static str);

/// At every route.
const EVERYWHERE: [Problems; 5] = [
    (
        "404",
        "Nothing is there: `not-found`, `unknown-account`, `unknown-…`",
    ),
    ("429", "Too much at once, see `Retry-After`: `throttled`"),
    ("500", "The relay made a mistake: `internal`"),
    (
        "503",
        "The relay cannot do that now, see `Retry-After`: `unavailable`, `going-away`",
    ),
    (
        "400",
        "Query, header or body cannot be read: `invalid-query`, `range-invalid`, `cursor-invalid`, \
        `malformed-body`, `idempotency-key-invalid`, `idempotency-key-unsupported`",
    ),
];

/// Where a token is needed.
const WITH_TOKEN: [Problems; 2] = [
    (
        "401",
        "`token-missing`, `token-unknown`, `token-expired`, `token-revoked`",
    ),
    (
        "403",
        "`scope-missing`, `foreign-token`; of signed objects: `not-signed`, `revoked`, `not-allowed`",
    ),
];

/// Where a signed request is needed instead.
const WITH_SIGNATURE: [Problems; 1] = [("403", "`not-signed`, `wrong-host`")];

/// Where there is a body.
const WITH_BODY: [Problems; 4] = [
    (
        "409",
        "It contradicts what is there: `conflict`, `rolled-back`, `device-taken`, `generation-taken`, \
        `nonce-used`, `too-many-endpoints`, `rotation-under-way`, `request-under-way`",
    ),
    ("413", "The body is longer than its limit: `too-large`"),
    ("415", "The body is not application/json: `media-type`"),
    (
        "422",
        "The body does not say what it has to: `invalid-body`, `not-base64url`, `malformed`, `not-deterministic`, \
        `contradiction`, `expired`, `not-yet-valid`, `lives-too-long`, `foreign-account`, `time-off`, `scopes-invalid`, \
        `name-invalid`, `url-…`, `events-unusable`, `header-unusable`, `idempotency-key-reused`",
    ),
];

/// Where an idempotency key may be given.
const REPEATED: [Problems; 3] = [
    ("409", "`request-under-way`"),
    ("413", "The body is longer than its limit: `too-large`"),
    ("422", "`idempotency-key-reused`"),
];

/// Of one contact.
const OF_CONTACT: [Problems; 1] = [("410", "It is there no longer: `erased`")];

/// Adds what is the same at many routes.
pub(super) fn complete(api: &mut OpenApi) {
    for (path, item) in &mut api.paths.paths {
        let of_contact = path.contains("{contact}");
        for operation in [
            &mut item.get,
            &mut item.put,
            &mut item.post,
            &mut item.patch,
            &mut item.delete,
        ]
        .into_iter()
        .flatten()
        {
            let open = operation.security.as_ref().is_some_and(Vec::is_empty);
            add(operation, &EVERYWHERE);
            add(operation, if open { &WITH_SIGNATURE } else { &WITH_TOKEN });
            if operation.request_body.is_some() {
                add(operation, &WITH_BODY);
            }
            if of_contact {
                add(operation, &OF_CONTACT);
            }
        }
        // Answers with secrets are not kept.
        let keeps_secrets = ["/tokens", "/keys", "/secret-token"];
        let repeats = !keeps_secrets.iter().any(|end| path.ends_with(end));
        if let Some(post) = item.post.as_mut().filter(|_| repeats) {
            add_repeat_key(post);
            add(post, &REPEATED);
        }
        let get = item.get.as_mut().filter(|get| !is_list(path, get));
        if let Some(get) = get {
            let unchanged = ResponseBuilder::new()
                .description("The caller has it already (`If-None-Match`)")
                .header(
                    "ETag",
                    HeaderBuilder::new().schema(Some(String::schema())).build(),
                )
                .build();
            get.responses
                .responses
                .insert("304".to_owned(), RefOr::T(unchanged));
        }
    }
}

/// Lists that change all the time, and secrets, have no tags.
fn is_list(path: &str, operation: &Operation) -> bool {
    let untagged = ["tokens", "webhooks", "deliveries", "secret-token"];
    untagged.iter().any(|part| path.split('/').any(|it| it == *part))
        || operation.parameters.iter().flatten().any(|parameter| {
        matches!(parameter, RefOr::T(known) if known.parameter_in == ParameterIn::Query)
    })
}

fn add(operation: &mut Operation, problems: &[Problems]) {
    for (status, codes) in problems {
        let schema = RefOr::Ref(Ref::from_schema_name(ProblemDocument::name()));
        let content = ContentBuilder::new().schema(Some(schema)).build();
        let response = ResponseBuilder::new()
            .description(*codes)
            .content(MEDIA_TYPE, content)
            .build();
        operation
            .responses
            .responses
            .entry((*status).to_owned())
            .or_insert(RefOr::T(response));
    }
}

fn add_repeat_key(operation: &mut Operation) {
    let key = ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(1))
        .max_length(Some(128))
        .pattern(Some("^[!-~]+$"))
        .build();
    let parameter = ParameterBuilder::new()
        .name(repeat::HEADER)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(
            "Names the request: sent again with the same body within 24 hours, it is answered as the first time",
        ))
        .schema(Some(key))
        .build();
    operation
        .parameters
        .get_or_insert_default()
        .push(RefOr::T(parameter));
}
