-- The version of what an account has published: every change of its objects counts it up.
CREATE TABLE accounts (
    account BYTEA  PRIMARY KEY,
    version BIGINT NOT NULL
);

-- Account objects in force. What a slot is depends on the kind; a newer object replaces the one
-- in its slot.
CREATE TABLE objects (
    account BYTEA    NOT NULL,
    kind    SMALLINT NOT NULL,
    slot    BYTEA    NOT NULL,
    bytes   BYTEA    NOT NULL,
    PRIMARY KEY (account, kind, slot)
);

-- One row per contact: its last position, and what consoles are shown of it, as it travels
-- (ContactSummary). Rows change with every append, so pages keep room for their next version.
CREATE TABLE contacts (
    account BYTEA   NOT NULL,
    contact BYTEA   NOT NULL,
    head    BIGINT  NOT NULL,
    closed  BOOLEAN NOT NULL,
    changed BIGINT  NOT NULL,
    summary BYTEA   NOT NULL,
    PRIMARY KEY (account, contact)
) WITH (fillfactor = 50);

-- Contacts' logs. Positions count from 1 without gaps. The append id makes resending harmless.
-- The transaction lets nodes find what others have committed since they last looked.
CREATE TABLE entries (
    account     BYTEA   NOT NULL,
    contact     BYTEA   NOT NULL,
    position    BIGINT  NOT NULL,
    device      BYTEA   NOT NULL,
    append_id   BYTEA   NOT NULL,
    is_commit   BOOLEAN NOT NULL,
    received    BIGINT  NOT NULL,
    transaction XID8    NOT NULL DEFAULT pg_current_xact_id(),
    bytes       BYTEA   NOT NULL,
    PRIMARY KEY (account, contact, position)
);
-- Ciphertext does not get smaller.
ALTER TABLE entries ALTER COLUMN bytes SET STORAGE EXTERNAL;
CREATE UNIQUE INDEX entries_by_append_id ON entries (account, device, append_id);
CREATE INDEX entries_by_transaction ON entries (transaction);
CREATE INDEX commits_by_position ON entries (account, contact, position) WHERE is_commit;

-- Who was on a contact's roster from which commit's position to which: devices (kind 0, their
-- key) and teams (kind 1, their id in UTF-8).
CREATE TABLE roster (
    account BYTEA    NOT NULL,
    contact BYTEA    NOT NULL,
    kind    SMALLINT NOT NULL,
    name    BYTEA    NOT NULL,
    joined  BIGINT   NOT NULL,
    left_at BIGINT,
    PRIMARY KEY (account, contact, kind, name, joined)
);
CREATE INDEX roster_by_name ON roster (account, kind, name) WHERE left_at IS NULL;
