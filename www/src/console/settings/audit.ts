/** The key manager's audit log: who asked for which keys, and what became of it. */

import { html, nothing, type TemplateResult } from "lit-html";
import { repeat } from "lit-html/directives/repeat.js";
import type { AuditEntry, KeyOutcome, SettingsView } from "sottovoce";
import { Form } from "./form.js";
import type { Scene, Section } from "./settings.js";
import { count, date, short } from "./words.js";

export class AuditSection implements Section {
    readonly #scene: Scene;
    readonly #form: Form;
    #entries: AuditEntry[] = [];
    #more = false;
    #begun = false;

    constructor(scene: Scene) {
        this.#scene = scene;
        this.#form = new Form("audit", scene.refresh);
    }

    page(view: SettingsView): TemplateResult {
        if (view.keyManager === undefined) {
            return html`<p data-testid="audit-none">The account has no key manager, so there is no log of what it was asked.</p>`;
        }
        if (!this.#begun) {
            this.#begun = true;
            void this.#form.run(() => this.#read());
        }
        return html`<p class="explain">
                The key manager signs an entry for each request before it answers, and binds it to the one before. This
                browser has checked each that is shown here.
            </p>
            ${this.#form.outcome()}
            <ol class="cards" data-testid="audit-entries">
                ${repeat([...this.#entries].reverse(), ({ number }) => number, (entry) => this.#entry(entry))}
            </ol>
            <div class="end">
                <button type="button" class="plain" data-testid="audit-more" @click=${() => void this.#form.run(() => this.#read())}>
                    ${this.#more ? "Go on" : "Look for newer ones"}
                </button>
            </div>`;
    }

    async #read(): Promise<string> {
        const after = this.#entries.at(-1)?.number ?? 0;
        const { entries, more } = await this.#scene.administration.readAudit(after);
        this.#entries = [...this.#entries, ...entries];
        this.#more = more;
        if (this.#entries.length === 0) return "Nothing has been asked yet.";
        return `${count(this.#entries.length, "entry", "entries")}, newest first${more ? "; there are more" : ""}.`;
    }

    #entry({ number, time, device, operation, contact, outcome, code }: AuditEntry): TemplateResult {
        return html`<li class="card" data-testid="audit-entry" data-operation=${operation} data-outcome=${outcome}>
            <div>
                <strong>${this.#name(device)} ${OPERATIONS[operation] ?? `asked for “${operation}”`}</strong>
                <p>
                    ${OUTCOMES[outcome]}${code === "" ? "" : ` (${REASONS[code] ?? code})`}
                    <br />
                    <small>No. ${number}, ${date(time)}${contact === undefined ? nothing : html`, chat <code>${contact}</code>`}</small>
                </p>
            </div>
        </li>`;
    }

    #name(device: string): string {
        const known = this.#scene.device.state.devices?.devices.find((entry) => entry.device === device);
        if (known?.own) return "You";
        return known?.name ?? `Device ${short(device)}`;
    }
}

const OPERATIONS: Readonly<Record<string, string>> = {
    issue: "asked for a chat’s own key",
    prekeys: "fetched keys for chats to come",
    "data-key": "asked for the key that a chat is stored under",
    release: "asked to open an archived chat",
    rewrap: "brought an archived chat’s keys into their own keeping",
    revoke: "ended the releases of a chat",
    erase: "erased a chat’s keys",
    status: "asked how a chat’s keys stand",
    audit: "read this log",
};

const OUTCOMES: Readonly<Record<KeyOutcome, string>> = {
    granted: "Granted",
    denied: "Denied",
    unknown: "Not known there",
    revoked: "Refused: releases were ended",
    erased: "Refused: it was erased",
    throttled: "Refused: too often",
    unavailable: "It could not answer",
    malformed: "Refused: the request was not in order",
};

const REASONS: Readonly<Record<string, string>> = {
    "archive-missing": "the chat is not archived",
    "key-taken": "the key belongs to another chat",
    "not-on-roster": "it was not on the chat",
    "policy-stale": "the account’s rules were older than allowed",
    "reason-missing": "it gave no reason",
    "role-not-allowed": "the rules do not name its role",
    "time-off": "the request was too old",
    "unknown-contact": "there is no such chat",
    replayed: "the request came twice",
    revoked: "the device is revoked",
};
