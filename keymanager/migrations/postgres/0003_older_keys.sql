-- Keys of contacts in the older shape, wrapped by a generation of the master key.
CREATE TABLE older_keys (
    account BYTEA NOT NULL,
    contact BYTEA NOT NULL,
    generation BIGINT NOT NULL,
    wrapped BYTEA NOT NULL,
    PRIMARY KEY (account, contact)
);
