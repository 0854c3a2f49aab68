-- Times are milliseconds since 1970.

CREATE TABLE webhook_endpoints (
    id        TEXT    NOT NULL PRIMARY KEY,
    account   BLOB    NOT NULL,
    url       TEXT    NOT NULL,
    kinds     INTEGER NOT NULL, -- one bit for each kind of event
    header    TEXT    NOT NULL,
    token_use INTEGER NOT NULL, -- 0 text, 1 hexadecimal
    shape     INTEGER NOT NULL, -- 0 current, 1 older
    disabled  TEXT,             -- why it is not called; null while it is
    created   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX webhook_endpoints_of ON webhook_endpoints (account, created, id);

-- The newest generation has no `until`.
CREATE TABLE webhook_endpoint_keys (
    endpoint    TEXT    NOT NULL,
    generation  INTEGER NOT NULL,
    secret      TEXT    NOT NULL, -- whsec_…
    private_key TEXT    NOT NULL, -- whsk_…
    until       INTEGER,
    PRIMARY KEY (endpoint, generation)
) STRICT, WITHOUT ROWID;

CREATE TABLE webhook_tokens (
    account    BLOB    NOT NULL,
    generation INTEGER NOT NULL,
    token      TEXT    NOT NULL,
    created    INTEGER NOT NULL,
    until      INTEGER,
    PRIMARY KEY (account, generation)
) STRICT, WITHOUT ROWID;

CREATE TABLE webhook_events (
    id      TEXT    NOT NULL PRIMARY KEY,
    account BLOB    NOT NULL,
    contact BLOB,
    kind    TEXT    NOT NULL,
    created INTEGER NOT NULL,
    body    BLOB    NOT NULL
) STRICT;

CREATE INDEX webhook_events_of ON webhook_events (account, contact);

-- One event on its way to one endpoint. Those of one endpoint and lane go in the order of their ids.
CREATE TABLE webhook_deliveries (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    account  BLOB    NOT NULL,
    endpoint TEXT    NOT NULL,
    lane     BLOB    NOT NULL, -- the contact's or device's id
    event    TEXT    NOT NULL,
    state    INTEGER NOT NULL, -- 0 pending, 1 delivered, 2 failed
    tries    INTEGER NOT NULL, -- since it was recorded or replayed
    attempts INTEGER NOT NULL, -- in all
    created  INTEGER NOT NULL,
    finished INTEGER
) STRICT;

CREATE INDEX webhook_deliveries_waiting ON webhook_deliveries (endpoint, lane, id) WHERE state = 0;
CREATE INDEX webhook_deliveries_of ON webhook_deliveries (account, id);
CREATE INDEX webhook_deliveries_about ON webhook_deliveries (account, lane);
CREATE INDEX webhook_deliveries_event ON webhook_deliveries (event);
CREATE INDEX webhook_deliveries_old ON webhook_deliveries (state, created);

-- A lane is there while something in it is pending. Whoever delivers for it moves `due` to the end
-- of a lease and writes its own name; the first pending delivery is the lane's head.
CREATE TABLE webhook_lanes (
    endpoint TEXT    NOT NULL,
    lane     BLOB    NOT NULL,
    due      INTEGER NOT NULL,
    holder   TEXT,
    PRIMARY KEY (endpoint, lane)
) STRICT, WITHOUT ROWID;

CREATE INDEX webhook_lanes_due ON webhook_lanes (endpoint, due);

CREATE TABLE webhook_attempts (
    delivery INTEGER NOT NULL,
    number   INTEGER NOT NULL,
    started  INTEGER NOT NULL,
    duration INTEGER NOT NULL, -- milliseconds
    status   INTEGER,
    error    TEXT,
    excerpt  TEXT,
    PRIMARY KEY (delivery, number)
) STRICT, WITHOUT ROWID;
