-- What lists of contacts show and are ordered by. Times are the relay's. The counts grow with
-- every append; closed_by is 0 for the visitor, 1 for staff, 2 for bots and servers.
ALTER TABLE contacts ADD COLUMN began       BIGINT  NOT NULL DEFAULT 0;
ALTER TABLE contacts ADD COLUMN entry_point BYTEA   NOT NULL DEFAULT '';
ALTER TABLE contacts ADD COLUMN visitor     BIGINT  NOT NULL DEFAULT 0;
ALTER TABLE contacts ADD COLUMN staff       BIGINT  NOT NULL DEFAULT 0;
ALTER TABLE contacts ADD COLUMN service     BIGINT  NOT NULL DEFAULT 0;
ALTER TABLE contacts ADD COLUMN notes       BIGINT  NOT NULL DEFAULT 0;
ALTER TABLE contacts ADD COLUMN bytes       BIGINT  NOT NULL DEFAULT 0;
ALTER TABLE contacts ADD COLUMN transfers   BIGINT  NOT NULL DEFAULT 0;
ALTER TABLE contacts ADD COLUMN claimed     BIGINT;
ALTER TABLE contacts ADD COLUMN closed_at   BIGINT;
ALTER TABLE contacts ADD COLUMN closed_by   BIGINT;
CREATE INDEX contacts_by_beginning ON contacts (account, began, contact);

-- API tokens: nothing but their SHA-256. Scopes are separated by spaces.
CREATE TABLE api_tokens (
    hash    BYTEA   NOT NULL PRIMARY KEY,
    account BYTEA   NOT NULL,
    name    TEXT    NOT NULL,
    scopes  TEXT    NOT NULL,
    signer  BYTEA   NOT NULL,
    created BIGINT  NOT NULL,
    expires BIGINT  NOT NULL,
    revoked BIGINT
);
CREATE INDEX api_tokens_by_account ON api_tokens (account, created);

-- Nonces of signed requests, so that each is good once.
CREATE TABLE nonces (
    account BYTEA   NOT NULL,
    nonce   BYTEA   NOT NULL,
    used    BIGINT  NOT NULL,
    PRIMARY KEY (account, nonce)
);

-- Answers to requests with an idempotency key. Without a status the request is under way.
CREATE TABLE answers (
    account     BYTEA   NOT NULL,
    token       BYTEA   NOT NULL,
    key         TEXT    NOT NULL,
    fingerprint BYTEA   NOT NULL,
    begun       BIGINT  NOT NULL,
    status      BIGINT,
    media_type  TEXT,
    body        BYTEA,
    PRIMARY KEY (account, token, key)
);
CREATE INDEX answers_by_age ON answers (begun);

-- What each account used, by days since 1970-01-01, UTC.
CREATE TABLE usage (
    account  BYTEA   NOT NULL,
    day      BIGINT  NOT NULL,
    contacts BIGINT  NOT NULL,
    entries  BIGINT  NOT NULL,
    bytes    BIGINT  NOT NULL,
    PRIMARY KEY (account, day)
);
