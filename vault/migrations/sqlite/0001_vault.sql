-- Contacts that the vault is, or was, on. Times are milliseconds since 1970.
CREATE TABLE contacts (
    account BLOB NOT NULL,
    contact BLOB NOT NULL,
    level INTEGER NOT NULL,
    entry_point TEXT NOT NULL,
    created INTEGER NOT NULL,
    closed INTEGER,
    -- The last position that is stored.
    head INTEGER NOT NULL,
    -- Whether everything up to its close is stored.
    complete INTEGER NOT NULL,
    -- The data key: 0 none, 1 in use, 2 to be erased, 3 erased.
    data_key INTEGER NOT NULL,
    erased INTEGER,
    -- Who took part, as JSON; at level storage encrypted, with its nonce.
    nonce BLOB,
    about BLOB,
    PRIMARY KEY (account, contact)
) STRICT;
CREATE INDEX contacts_by_age ON contacts (account, created, contact);

-- One for each entry of a contact that people see. At level storage encrypted, with its nonce.
CREATE TABLE records (
    account BLOB NOT NULL,
    contact BLOB NOT NULL,
    position INTEGER NOT NULL,
    time INTEGER NOT NULL,
    nonce BLOB,
    body BLOB NOT NULL,
    -- Whether webhooks are still to be told of it.
    untold INTEGER NOT NULL,
    PRIMARY KEY (account, contact, position)
) STRICT;
CREATE INDEX records_untold ON records (account, contact, position) WHERE untold = 1;
