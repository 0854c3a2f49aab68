-- The contact that a one-time key became the own of.
ALTER TABLE prekeys ADD COLUMN contact BLOB;

-- Until when a shared key exists that some of the contact's secrets were sealed to.
ALTER TABLE contacts ADD COLUMN shared INTEGER NOT NULL DEFAULT 0;

-- Epoch secrets that were sealed to another key than the contact's, under the contact's secret.
CREATE TABLE archived (
    account BLOB NOT NULL,
    contact BLOB NOT NULL,
    epoch INTEGER NOT NULL,
    wrapped BLOB NOT NULL,
    PRIMARY KEY (account, contact, epoch)
) STRICT;
