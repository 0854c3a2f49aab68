-- Contacts that the vault is, or was, on. Times are milliseconds since 1970.
CREATE TABLE contacts (
    account BYTEA NOT NULL,
    contact BYTEA NOT NULL,
    level BIGINT NOT NULL,
    entry_point TEXT NOT NULL,
    created BIGINT NOT NULL,
    closed BIGINT,
    -- The last position that is stored.
    head BIGINT NOT NULL,
    -- Whether everything up to its close is stored.
    complete BIGINT NOT NULL,
    -- The data key: 0 none, 1 in use, 2 to be erased, 3 erased.
    data_key BIGINT NOT NULL,
    erased BIGINT,
    -- Who took part, as JSON; at level storage encrypted, with its nonce.
    nonce BYTEA,
    about BYTEA,
    PRIMARY KEY (account, contact)
);
CREATE INDEX contacts_by_age ON contacts (account, created, contact);

-- One for each entry of a contact that people see. At level storage encrypted, with its nonce.
CREATE TABLE records (
    account BYTEA NOT NULL,
    contact BYTEA NOT NULL,
    position BIGINT NOT NULL,
    time BIGINT NOT NULL,
    nonce BYTEA,
    body BYTEA NOT NULL,
    -- Whether webhooks are still to be told of it.
    untold BIGINT NOT NULL,
    PRIMARY KEY (account, contact, position)
);
CREATE INDEX records_untold ON records (account, contact, position) WHERE untold = 1;
