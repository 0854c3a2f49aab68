-- Where a device that is not connected is told that there is news. The token is the push service's.
CREATE TABLE push_targets (
    account BLOB    NOT NULL,
    device  BLOB    NOT NULL,
    kind    INTEGER NOT NULL,
    token   TEXT    NOT NULL,
    PRIMARY KEY (account, device)
) WITHOUT ROWID;
