-- Times are milliseconds since 1970.

CREATE TABLE webhook_endpoints (
    id        TEXT   NOT NULL PRIMARY KEY,
    account   BYTEA  NOT NULL,
    url       TEXT   NOT NULL,
    kinds     BIGINT NOT NULL, -- one bit for each kind of event
    header    TEXT   NOT NULL,
    token_use BIGINT NOT NULL, -- 0 text, 1 hexadecimal
    shape     BIGINT NOT NULL, -- 0 current, 1 older
    disabled  TEXT,            -- why it is not called; null while it is
    created   BIGINT NOT NULL
);

CREATE INDEX webhook_endpoints_of ON webhook_endpoints (account, created, id);

-- The newest generation has no `until`.
CREATE TABLE webhook_endpoint_keys (
    endpoint    TEXT   NOT NULL,
    generation  BIGINT NOT NULL,
    secret      TEXT   NOT NULL, -- whsec_…
    private_key TEXT   NOT NULL, -- whsk_…
    until       BIGINT,
    PRIMARY KEY (endpoint, generation)
);

CREATE TABLE webhook_tokens (
    account    BYTEA  NOT NULL,
    generation BIGINT NOT NULL,
    token      TEXT   NOT NULL,
    created    BIGINT NOT NULL,
    until      BIGINT,
    PRIMARY KEY (account, generation)
);

CREATE TABLE webhook_events (
    id      TEXT   NOT NULL PRIMARY KEY,
    account BYTEA  NOT NULL,
    contact BYTEA,
    kind    TEXT   NOT NULL,
    created BIGINT NOT NULL,
    body    BYTEA  NOT NULL
);

CREATE INDEX webhook_events_of ON webhook_events (account, contact);

-- One event on its way to one endpoint. Those of one endpoint and lane go in the order of their ids.
CREATE TABLE webhook_deliveries (
    id       BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account  BYTEA  NOT NULL,
    endpoint TEXT   NOT NULL,
    lane     BYTEA  NOT NULL, -- the contact's or device's id
    event    TEXT   NOT NULL,
    state    BIGINT NOT NULL, -- 0 pending, 1 delivered, 2 failed
    tries    BIGINT NOT NULL, -- since it was recorded or replayed
    attempts BIGINT NOT NULL, -- in all
    created  BIGINT NOT NULL,
    finished BIGINT
);

CREATE INDEX webhook_deliveries_waiting ON webhook_deliveries (endpoint, lane, id) WHERE state = 0;
CREATE INDEX webhook_deliveries_of ON webhook_deliveries (account, id);
CREATE INDEX webhook_deliveries_about ON webhook_deliveries (account, lane);
CREATE INDEX webhook_deliveries_event ON webhook_deliveries (event);
CREATE INDEX webhook_deliveries_old ON webhook_deliveries (state, created);

-- A lane is there while something in it is pending. Whoever delivers for it moves `due` to the end
-- of a lease and writes its own name; the first pending delivery is the lane's head.
CREATE TABLE webhook_lanes (
    endpoint TEXT   NOT NULL,
    lane     BYTEA  NOT NULL,
    due      BIGINT NOT NULL,
    holder   TEXT,
    PRIMARY KEY (endpoint, lane)
);

CREATE INDEX webhook_lanes_due ON webhook_lanes (endpoint, due);

CREATE TABLE webhook_attempts (
    delivery BIGINT NOT NULL,
    number   BIGINT NOT NULL,
    started  BIGINT NOT NULL,
    duration BIGINT NOT NULL, -- milliseconds
    status   BIGINT,
    error    TEXT,
    excerpt  TEXT,
    PRIMARY KEY (delivery, number)
);
