-- What lists of contacts show and are ordered by. Times are the relay's. The counts grow with
-- every append; closed_by is 0 for the visitor, 1 for staff, 2 for bots and servers.
ALTER TABLE contacts ADD COLUMN began       INTEGER NOT NULL DEFAULT 0;
ALTER TABLE contacts ADD COLUMN entry_point BLOB    NOT NULL DEFAULT x'';
ALTER TABLE contacts ADD COLUMN visitor     INTEGER NOT NULL DEFAULT 0;
ALTER TABLE contacts ADD COLUMN staff       INTEGER NOT NULL DEFAULT 0;
ALTER TABLE contacts ADD COLUMN service     INTEGER NOT NULL DEFAULT 0;
ALTER TABLE contacts ADD COLUMN notes       INTEGER NOT NULL DEFAULT 0;
ALTER TABLE contacts ADD COLUMN bytes       INTEGER NOT NULL DEFAULT 0;
ALTER TABLE contacts ADD COLUMN transfers   INTEGER NOT NULL DEFAULT 0;
ALTER TABLE contacts ADD COLUMN claimed     INTEGER;
ALTER TABLE contacts ADD COLUMN closed_at   INTEGER;
ALTER TABLE contacts ADD COLUMN closed_by   INTEGER;
CREATE INDEX contacts_by_beginning ON contacts (account, began, contact);

-- API tokens: nothing but their SHA-256. Scopes are separated by spaces.
CREATE TABLE api_tokens (
    hash    BLOB    NOT NULL PRIMARY KEY,
    account BLOB    NOT NULL,
    name    TEXT    NOT NULL,
    scopes  TEXT    NOT NULL,
    signer  BLOB    NOT NULL,
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    revoked INTEGER
) WITHOUT ROWID;
CREATE INDEX api_tokens_by_account ON api_tokens (account, created);

-- Nonces of signed requests, so that each is good once.
CREATE TABLE nonces (
    account BLOB    NOT NULL,
    nonce   BLOB    NOT NULL,
    used    INTEGER NOT NULL,
    PRIMARY KEY (account, nonce)
) WITHOUT ROWID;

-- Answers to requests with an idempotency key. Without a status the request is under way.
CREATE TABLE answers (
    account     BLOB    NOT NULL,
    token       BLOB    NOT NULL,
    key         TEXT    NOT NULL,
    fingerprint BLOB    NOT NULL,
    begun       INTEGER NOT NULL,
    status      INTEGER,
    media_type  TEXT,
    body        BLOB,
    PRIMARY KEY (account, token, key)
);
CREATE INDEX answers_by_age ON answers (begun);

-- What each account used, by days since 1970-01-01, UTC.
CREATE TABLE usage (
    account  BLOB    NOT NULL,
    day      INTEGER NOT NULL,
    contacts INTEGER NOT NULL,
    entries  INTEGER NOT NULL,
    bytes    INTEGER NOT NULL,
    PRIMARY KEY (account, day)
) WITHOUT ROWID;
