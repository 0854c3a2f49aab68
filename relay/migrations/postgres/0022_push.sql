-- Where a device that is not connected is told that there is news. The token is the push service's.
CREATE TABLE push_targets (
    account BYTEA    NOT NULL,
    device  BYTEA    NOT NULL,
    kind    SMALLINT NOT NULL,
    token   TEXT     NOT NULL,
    PRIMARY KEY (account, device)
);
