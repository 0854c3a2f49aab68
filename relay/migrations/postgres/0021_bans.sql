-- Who is kept away until when: a visitor's device (kind 0, its key) or its network address (kind 1,
-- 4 or 16 bytes). A row whose time is over means nothing.
CREATE TABLE bans (
    account BYTEA    NOT NULL,
    kind    SMALLINT NOT NULL,
    name    BYTEA    NOT NULL,
    until   BIGINT   NOT NULL,
    banned_by BYTEA  NOT NULL,
    PRIMARY KEY (account, kind, name)
);
CREATE INDEX bans_by_end ON bans (until);
