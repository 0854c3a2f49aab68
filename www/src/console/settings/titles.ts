/** What the sections of the settings are called. Apart from them, since the palette knows the names before any is loaded. */

export const TITLES = {
    overview: "Overview",
    levels: "Levels",
    entries: "Entry points",
    plan: "Plan and retention",
    keys: "Key manager",
    devices: "Devices",
    teams: "Teams",
    tokens: "API tokens",
    secret: "Secret token",
    webhooks: "Webhooks",
    audit: "Audit",
} as const;

export type SectionId = keyof typeof TITLES;
