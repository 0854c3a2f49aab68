-- Keys of contacts in the older shape, wrapped by a generation of the master key.
CREATE TABLE older_keys (
    account BLOB NOT NULL,
    contact BLOB NOT NULL,
    generation INTEGER NOT NULL,
    wrapped BLOB NOT NULL,
    PRIMARY KEY (account, contact)
) STRICT;
