-- One secret for each contact, wrapped by a generation of the master key. An erased one has none.
CREATE TABLE contacts (
    account BYTEA NOT NULL,
    contact BYTEA NOT NULL,
    generation BIGINT,
    wrapped BYTEA,
    state BIGINT NOT NULL,
    created BIGINT NOT NULL,
    releases BIGINT NOT NULL,
    PRIMARY KEY (account, contact)
);

-- Keys that were issued before there was a contact, by their id.
CREATE TABLE prekeys (
    account BYTEA NOT NULL,
    id BYTEA NOT NULL,
    kind BIGINT NOT NULL,
    suite BIGINT NOT NULL,
    generation BIGINT NOT NULL,
    wrapped BYTEA NOT NULL,
    until BIGINT NOT NULL,
    PRIMARY KEY (account, id)
);

-- Requests that were answered, for as long as their time would be accepted.
CREATE TABLE requests (
    account BYTEA NOT NULL,
    id BYTEA NOT NULL,
    forgotten BIGINT NOT NULL,
    PRIMARY KEY (account, id)
);

-- Root statement, policy and renewals of each account: nobody can show older ones again.
CREATE TABLE objects (
    account BYTEA NOT NULL,
    place BIGINT NOT NULL,
    kind BIGINT NOT NULL,
    bytes BYTEA NOT NULL,
    PRIMARY KEY (account, place)
);

-- Who asked what, and what became of it.
CREATE TABLE audit (
    account BYTEA NOT NULL,
    number BIGINT NOT NULL,
    hash BYTEA NOT NULL,
    entry BYTEA NOT NULL,
    PRIMARY KEY (account, number)
);
