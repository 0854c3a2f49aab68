-- One-time keys of the key manager, for new contacts. One that was given away is remembered as long as
-- it is good, so that nobody can bring it back.
CREATE TABLE prekeys (
    account BLOB NOT NULL,
    id      BLOB NOT NULL,
    suite   INTEGER NOT NULL,
    until   INTEGER NOT NULL,
    taken   INTEGER NOT NULL,
    record  BLOB NOT NULL,
    PRIMARY KEY (account, id)
) WITHOUT ROWID;

CREATE INDEX prekeys_left ON prekeys (account, suite, until) WHERE taken = 0;
