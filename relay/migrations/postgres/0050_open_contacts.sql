-- Open contacts of an account: what others of one's teams hold is found among them.
CREATE INDEX open_contacts ON contacts (account, contact) WHERE NOT closed;
