//! The declarations of what administrators say and are told. The build for visitors has them as well: its own
//! name them, and declarations that are not whole do not compile.

use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen(typescript_custom_section)]
const ADMINISTRATION: &str = r#"
/** What the account has decided, as its own staff see it. */
export interface SettingsView {
    /** Whether this device may change it. */
    administrator: boolean;
    /** The policy's version. */
    version: number;
    issued: Time;
    /** Until when it is valid, renewals included. */
    expires: Time;
    plan: "solo" | "starter" | "plus" | "enterprise";
    entryPoints: EntryPointSettings[];
    teams: TeamSettings[];
    archive: "none" | "keyManager";
    keyManagerUrl?: string;
    /** The key manager that the root statement names. */
    keyManager?: { identity: string; operator: "customer" | "platform" };
    /** Whether contacts may begin on a last-resort key. */
    lastResort: boolean;
    /** Number of the lowest suite. */
    lowestSuite: number;
    /** No entry point may be below it, by the root statement. */
    lowestLevel: Level;
    /** Who may be on a roster besides visitors and agents. */
    roles: Role[];
    /** Devices that are no longer believed. */
    revoked: DeviceId[];
    /** Who proves who a visitor is. */
    issuers: { issuer: string; algorithm: string }[];
    /** Devices that may extend the policy's dates. */
    renewers: DeviceId[];
    administrators: DeviceId[];
    /** How many administrators must sign a policy. */
    policySignatures: number;
    /** Days that servers keep entries; seconds that staff devices and team keys last. */
    retention: { days: number; deviceHistory: number; draining: number };
    /** Bytes of the longest text and the largest attachment. */
    limits: { text: number; attachment: number };
    fallbackLink?: string;
}

/** An entry point with everything that is decided for it. */
export interface EntryPointSettings {
    id: string;
    name: string;
    level: Level;
    teams: string[];
    botClaims: boolean;
    botTransfers: boolean;
}

/** A team, and the generation of its keys below which none counts. */
export interface TeamSettings {
    id: string;
    name: string;
    lowestGeneration: number;
}

/** A device that was let in at some time. */
export interface DeviceEntry {
    device: DeviceId;
    /** Whether it is this one. */
    own: boolean;
    name: string;
    /** The account's own name for the person. */
    subject: string;
    role: Role;
    teams: string[];
    /** Until when its credential is valid. */
    expires: Time;
    available: boolean;
    /** `valid`, or the stable code of why nobody believes it. */
    state: string;
}

/** A device that asks to be let in. */
export interface EnrolmentEntry {
    device: DeviceId;
    /** The name that the person proposes. */
    name: string;
    /** When it asked, by its own clock. */
    time: Time;
    /** For the command `approve`. */
    request: string;
}

/** One thing that a key manager has to do. */
export interface KeyManagerCheck {
    /** A contact that there is not; the same request twice; an old one; keys to seal to; 250 ms. */
    name: "unknown" | "replay" | "late" | "keys" | "speed";
    passed: boolean;
    /** What it did instead: an outcome or a stable code; empty if it passed. */
    detail: string;
    /** How long its answer took. */
    millis: number;
}

/** What a key manager was asked, and what became of it. */
export interface AuditEntry {
    number: number;
    time: Time;
    device: DeviceId;
    operation: string;
    contact?: ContactId;
    outcome: KeyOutcome;
    /** Why, as a stable code; empty if it was granted. */
    code: string;
}
"#;
