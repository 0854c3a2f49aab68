-- Account objects in force. What a slot is depends on the kind; a newer object replaces the one
-- in its slot.
CREATE TABLE objects (
    account BLOB    NOT NULL,
    kind    INTEGER NOT NULL,
    slot    BLOB    NOT NULL,
    bytes   BLOB    NOT NULL,
    PRIMARY KEY (account, kind, slot)
) WITHOUT ROWID;

-- One row per contact: what consoles are shown of it, as it travels (ContactSummary).
CREATE TABLE contacts (
    account BLOB    NOT NULL,
    contact BLOB    NOT NULL,
    closed  INTEGER NOT NULL,
    changed INTEGER NOT NULL,
    summary BLOB    NOT NULL,
    PRIMARY KEY (account, contact)
) WITHOUT ROWID;

-- Contacts' logs. Positions count from 1 without gaps. The append id makes resending harmless.
CREATE TABLE entries (
    account   BLOB    NOT NULL,
    contact   BLOB    NOT NULL,
    position  INTEGER NOT NULL,
    device    BLOB    NOT NULL,
    append_id BLOB    NOT NULL,
    is_commit INTEGER NOT NULL,
    received  INTEGER NOT NULL,
    bytes     BLOB    NOT NULL
);
CREATE UNIQUE INDEX entries_by_position ON entries (account, contact, position);
CREATE UNIQUE INDEX entries_by_append_id ON entries (account, device, append_id);
CREATE INDEX commits_by_position ON entries (account, contact, position) WHERE is_commit = 1;

-- Who was on a contact's roster from which commit's position to which: devices (kind 0, their
-- key) and teams (kind 1, their id in UTF-8).
CREATE TABLE roster (
    account BLOB    NOT NULL,
    contact BLOB    NOT NULL,
    kind    INTEGER NOT NULL,
    name    BLOB    NOT NULL,
    joined  INTEGER NOT NULL,
    left_at INTEGER,
    PRIMARY KEY (account, contact, kind, name, joined)
) WITHOUT ROWID;
CREATE INDEX roster_by_name ON roster (account, kind, name, left_at);
