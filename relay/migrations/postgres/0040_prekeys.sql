-- One-time keys of the key manager, for new contacts. One that was given away is remembered as long as
-- it is good, so that nobody can bring it back.
CREATE TABLE prekeys (
    account BYTEA NOT NULL,
    id      BYTEA NOT NULL,
    suite   SMALLINT NOT NULL,
    until   BIGINT NOT NULL,
    taken   SMALLINT NOT NULL,
    record  BYTEA NOT NULL,
    PRIMARY KEY (account, id)
);

CREATE INDEX prekeys_left ON prekeys (account, suite, until) WHERE taken = 0;
