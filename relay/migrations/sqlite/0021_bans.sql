-- Who is kept away until when: a visitor's device (kind 0, its key) or its network address (kind 1,
-- 4 or 16 bytes). A row whose time is over means nothing.
CREATE TABLE bans (
    account BLOB    NOT NULL,
    kind    INTEGER NOT NULL,
    name    BLOB    NOT NULL,
    until   INTEGER NOT NULL,
    banned_by BLOB  NOT NULL,
    PRIMARY KEY (account, kind, name)
) WITHOUT ROWID;
CREATE INDEX bans_by_end ON bans (until);
