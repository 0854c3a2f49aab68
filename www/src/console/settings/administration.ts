/** What an administrator's device does, as promises: a command, and the event that answers it. */

import type {
    AuditEntry,
    Command,
    Device,
    DeviceEvent,
    KeyManagerCheck,
    Role,
} from "sottovoce";
import { failure } from "../../conversation/phrases.js";

/** Something was not done. Its message is for people. */
export class Refusal extends Error {
    override readonly name = "Refusal";

    constructor(
        readonly code: string,
        message: string,
        /** The setting or field that is wrong, where it is one. */
        readonly field?: string,
    ) {
        super(message);
    }
}

export interface Approval {
    request: string;
    subject: string;
    name: string;
    role: Role;
    teams: string[];
}

/** A page of the key manager's audit log. */
export interface AuditPage {
    entries: AuditEntry[];
    more: boolean;
}

/** How long the relay may take to answer, in milliseconds. */
const PATIENCE = 30_000;
/** A key manager that hangs is waited for longer than the core does. */
const LONG_PATIENCE = 90_000;

type Answer<T> = (event: DeviceEvent) => T | undefined;

export class Administration {
    readonly #device: Device;
    /** One thing after the other: answers do not say which command they are to. */
    #last: Promise<unknown> = Promise.resolve();

    constructor(device: Device) {
        this.#device = device;
    }

    /** Signs the next version of the policy with settings as `KEY=VALUE`, and publishes it. */
    change(settings: string[]): Promise<void> {
        return this.#ask({ type: "changePolicy", settings }, PATIENCE, (event) =>
            event.type === "administered" && event.what === "policy" ? { value: undefined } : undefined,
        );
    }

    /** Lets a device in. */
    approve(approval: Approval): Promise<void> {
        return this.#ask({ type: "approve", ...approval }, PATIENCE, (event) =>
            event.type === "administered" && event.what === "credential" ? { value: undefined } : undefined,
        );
    }

    /** A request for an API token that this device signed, as base64url. */
    requestToken(name: string, scopes: string[], expires: number): Promise<string> {
        return this.#ask({ type: "requestToken", name, scopes, expires }, PATIENCE, (event) =>
            event.type === "tokenRequest" && event.name === name ? { value: event.request } : undefined,
        );
    }

    /** Asks the account's key manager a few things as this device. */
    testKeyManager(): Promise<KeyManagerCheck[]> {
        return this.#ask({ type: "testKeyManager" }, LONG_PATIENCE, (event) =>
            event.type === "keyManagerTested" ? { value: event.checks } : undefined,
        );
    }

    /** Entries of the key manager's audit log after a number. */
    readAudit(after: number): Promise<AuditPage> {
        return this.#ask({ type: "readAudit", after }, LONG_PATIENCE, (event) => {
            if (event.type !== "audit") return undefined;
            if (event.code !== "") throw new Refusal(event.code, auditFailure(event.code));
            // The last entry of all is of this reading itself, which comes with the next one.
            const last = event.entries.at(-1)?.number ?? event.head;
            return { value: { entries: event.entries, more: last + 1 < event.head } };
        });
    }

    /** Asks for the account's devices; they come as the mirror's `devices`. */
    lookUpDevices(): void {
        this.#device.command({ type: "lookUpDevices" }).catch(() => {});
    }

    #ask<T>(command: Command, patience: number, answer: Answer<{ value: T }>): Promise<T> {
        const turn = this.#last.then(() => this.#askNow(command, patience, answer));
        this.#last = turn.catch(() => {});
        return turn;
    }

    #askNow<T>(command: Command, patience: number, answer: Answer<{ value: T }>): Promise<T> {
        return new Promise((resolve, reject) => {
            const end = () => {
                clearTimeout(timer);
                unsubscribe();
            };
            const refuse = (error: Refusal) => {
                end();
                reject(error);
            };
            const timer = setTimeout(() => {
                const words = "There is no answer yet. Look here again once the console is connected.";
                refuse(new Refusal("timed-out", words));
            }, patience);
            const unsubscribe = this.#device.subscribe((event) => {
                try {
                    const found = answer(event);
                    if (found) {
                        end();
                        resolve(found.value);
                    } else if (event.type === "notAdministered") {
                        refuse(notAdministered(event.code, event.detail));
                    } else if (event.type === "failed" && event.contact === undefined) {
                        refuse(new Refusal(event.code, failure(event.code)));
                    }
                } catch (error) {
                    end();
                    reject(error);
                }
            });
            this.#device.command(command).catch((error: unknown) => {
                const code = error instanceof Error && "code" in error ? String(error.code) : "unexpected";
                refuse(new Refusal(code, failure(code)));
            });
        });
    }
}

/** Why something was not signed, or not taken. */
const REFUSALS: Readonly<Record<string, string>> = {
    "bad-name": "A name has 1 to 128 bytes and no control characters.",
    "bad-request": "This is not the request of a device any more. Look again.",
    "rolled-back": "Another administrator was faster. What is shown now is theirs: look at it, and try again.",
    "device-taken": "This device’s key belongs to somebody already.",
    "change-pending": "The change before is still on its way. It goes on once the console is connected.",
    "not-signed": "This browser is not an administrator of the account any more.",
    "plan-not-allowed":
        "The service does not offer that: another plan, another level or a shorter retention may do. Its operator knows what it offers.",
    "unknown-team": "There is no such team any more.",
    "wrong-teams": "It has to belong to a team; storage servers and auditors belong to none.",
    conflict: "Another administrator was faster. What is shown now is theirs: look at it, and try again.",
};

/** Which field of an approval a code is about. */
const APPROVAL_FIELDS: Readonly<Record<string, string>> = {
    "bad-name": "name",
    "unknown-team": "teams",
    "wrong-teams": "teams",
};

/** What a policy contradicts, by the words that the core has for it. */
const CONTRADICTIONS: Readonly<Record<string, string>> = {
    "end-to-end encryption":
        "The service runs the key manager: an archive there would not be end-to-end encrypted, so clients refuse it.",
    "its own teams": "An entry point names a team that there is not.",
    "the pinned level": "The pages of this account accept no lower level.",
    "the plan": "The plan does not allow this level.",
    "the root's key manager": "The root key names no key manager.",
    "the root's lowest level": "The root key allows no lower level.",
};

function notAdministered(code: string, detail: string): Refusal {
    // `retention.days=x: it must be a whole number`: which setting, its value, what is wrong.
    const [, setting, wrong] = /^([^=\s]+)=.*?: (it must .+)$/s.exec(detail) ?? [];
    // In forms, an empty field is `none`.
    const words = wrong?.replace(/^it must be none, or /, "it must be ").replace(/[,;] or none$/, "");
    if (setting !== undefined && words !== undefined) return new Refusal(code, sentence(words), setting);
    if (code === "contradiction") {
        return new Refusal(code, CONTRADICTIONS[detail] ?? `It contradicts ${detail === "" ? "itself" : detail}.`);
    }
    const said = REFUSALS[code] ?? (detail === "" ? failure(code) : sentence(detail));
    return new Refusal(code, said, APPROVAL_FIELDS[code]);
}

/** A remark as a sentence. */
export function sentence(words: string): string {
    const whole = words.charAt(0).toUpperCase() + words.slice(1);
    return /[.!?)]$/.test(whole) ? whole : `${whole}.`;
}

const AUDIT_FAILURES: Readonly<Record<string, string>> = {
    "key-manager-missing": "The account has no key manager, so there is no log.",
    "key-manager-changed": "The key manager that answers is not the one that the account names.",
    "role-not-allowed": "The key manager’s rules do not let this device read its log.",
    "policy-stale": "The account’s settings are older than a day: sign them again under Overview.",
    "audit-fork": "The log is not the one that was shown before: somebody changed it. Nothing of it is shown.",
    "audit-rolled-back": "The log is shorter than before: somebody cut it. Nothing of it is shown.",
    "bad-signature": "An entry is not signed by the key manager. Nothing of it is shown.",
    fork: "An entry does not follow the one before: somebody changed the log. Nothing of it is shown.",
    gap: "An entry is missing. Nothing of the log is shown.",
    throttled: "That was too often. Please wait a minute.",
    unavailable: "The key manager cannot be reached now.",
};

function auditFailure(code: string): string {
    return AUDIT_FAILURES[code] ?? `The log cannot be shown (${code}).`;
}
