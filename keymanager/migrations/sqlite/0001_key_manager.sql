-- One secret for each contact, wrapped by a generation of the master key. An erased one has none.
CREATE TABLE contacts (
    account BLOB NOT NULL,
    contact BLOB NOT NULL,
    generation INTEGER,
    wrapped BLOB,
    state INTEGER NOT NULL,
    created INTEGER NOT NULL,
    releases INTEGER NOT NULL,
    PRIMARY KEY (account, contact)
) STRICT;

-- Keys that were issued before there was a contact, by their id.
CREATE TABLE prekeys (
    account BLOB NOT NULL,
    id BLOB NOT NULL,
    kind INTEGER NOT NULL,
    suite INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    wrapped BLOB NOT NULL,
    until INTEGER NOT NULL,
    PRIMARY KEY (account, id)
) STRICT;

-- Requests that were answered, for as long as their time would be accepted.
CREATE TABLE requests (
    account BLOB NOT NULL,
    id BLOB NOT NULL,
    forgotten INTEGER NOT NULL,
    PRIMARY KEY (account, id)
) STRICT;

-- Root statement, policy and renewals of each account: nobody can show older ones again.
CREATE TABLE objects (
    account BLOB NOT NULL,
    place INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (account, place)
) STRICT;

-- Who asked what, and what became of it.
CREATE TABLE audit (
    account BLOB NOT NULL,
    number INTEGER NOT NULL,
    hash BLOB NOT NULL,
    entry BLOB NOT NULL,
    PRIMARY KEY (account, number)
) STRICT;
