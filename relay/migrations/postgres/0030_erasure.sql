-- When the bytes of a contact's entries were dropped because their time was over. What is left of
-- such an entry is its SHA-256; its bytes are empty.
ALTER TABLE contacts ADD COLUMN dropped BIGINT;
ALTER TABLE entries ADD COLUMN hash BYTEA;
CREATE INDEX contacts_by_drop ON contacts (account, dropped) WHERE dropped IS NOT NULL;

-- What is left of erased contacts.
CREATE TABLE tombstones (
    account BYTEA   NOT NULL,
    contact BYTEA   NOT NULL,
    erased  BIGINT  NOT NULL,
    signed  BYTEA   NOT NULL,
    PRIMARY KEY (account, contact)
);
CREATE INDEX tombstones_by_age ON tombstones (account, erased);

-- The seed of the Ed25519 key with which this relay signs tombstones.
CREATE TABLE relay_key (
    id   BIGINT  NOT NULL PRIMARY KEY CHECK (id = 1),
    seed BYTEA   NOT NULL
);
