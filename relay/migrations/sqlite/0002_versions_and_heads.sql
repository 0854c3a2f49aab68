-- The version of what an account has published: every change of its objects counts it up.
CREATE TABLE accounts (
    account BLOB    PRIMARY KEY,
    version INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO accounts (account, version) SELECT DISTINCT account, 1 FROM objects;

-- The last position, to be compared before more is added.
ALTER TABLE contacts ADD COLUMN head INTEGER NOT NULL DEFAULT 0;
UPDATE contacts SET head = (
    SELECT max(position) FROM entries
    WHERE entries.account = contacts.account AND entries.contact = contacts.contact
);
