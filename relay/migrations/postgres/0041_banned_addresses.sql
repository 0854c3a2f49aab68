-- Of an address: the device whose ban it shares, so that both are lifted together. Nothing says it of
-- those that an older relay wrote, but that they end when the device's ban does.
ALTER TABLE bans ADD COLUMN device BYTEA;
UPDATE bans SET device = (
    SELECT d.name FROM bans d WHERE d.kind = 0 AND d.account = bans.account
    AND d.until = bans.until AND d.banned_by = bans.banned_by
    ORDER BY d.name LIMIT 1
) WHERE kind = 1;
