-- When the bytes of a contact's entries were dropped because their time was over. What is left of
-- such an entry is its SHA-256; its bytes are empty.
ALTER TABLE contacts ADD COLUMN dropped INTEGER;
ALTER TABLE entries ADD COLUMN hash BLOB;
CREATE INDEX contacts_by_drop ON contacts (account, dropped) WHERE dropped IS NOT NULL;

-- What is left of erased contacts.
CREATE TABLE tombstones (
    account BLOB    NOT NULL,
    contact BLOB    NOT NULL,
    erased  INTEGER NOT NULL,
    signed  BLOB    NOT NULL,
    PRIMARY KEY (account, contact)
) WITHOUT ROWID;
CREATE INDEX tombstones_by_age ON tombstones (account, erased);

-- The seed of the Ed25519 key with which this relay signs tombstones.
CREATE TABLE relay_key (
    id   INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    seed BLOB    NOT NULL
);
