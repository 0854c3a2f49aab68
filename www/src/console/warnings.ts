/** What is wrong, in one place: what it means, and what the person can do. */

import { html, nothing, type TemplateResult } from "lit-html";
import { alarm, failure, words } from "../conversation/phrases.js";
import type { Desk } from "./desk.js";
import { chatName } from "./faces.js";

/** What to do about alarms, by their codes. */
const ADVICE: Readonly<Record<string, string>> = {
    "audit-fork": "Tell whoever runs the key manager: its log was changed afterwards.",
    "audit-rolled-back": "Tell whoever runs the key manager: its log was set back, perhaps by restoring a backup.",
    "not-signed": "Nothing was encrypted under it. Tell your administrator.",
    "bad-signature": "Do not trust this chat. Ask the visitor to begin a new one, and tell your administrator.",
    "challenge-repeated": "Tell your administrator that the relay misbehaves.",
    "level-not-allowed": "That person can read nothing here. Tell your administrator who it was.",
    "log-truncated": "What you see may not be all. Ask the visitor to repeat what matters, and tell your administrator.",
    "rolled-back": "This browser keeps the newer ones. If your administrator restored a backup of the relay, the rules have to be published again.",
    "state-rolled-back":
        "That happens when a backup was restored or the browser’s data was copied to another machine. New keys are in use. If you know of nothing like it, tell your administrator.",
    "state-unreadable": "Your browser lost this device’s keys, as it does when its data is cleared. Ask to be let in again.",
    "time-off": "Set the clock of this device, then reload the page.",
    "two-with-one-sequence": "Both are shown and marked. Ask which one counts.",
    "wrong-other-seal": "Somebody on this chat cannot read it. End it and begin anew.",
    "wrong-seal": "You cannot read what comes. Ask a colleague to take the chat.",
    conflict: "Nothing is sent until that is settled. Ask your administrator which rules are theirs.",
    fork: "The service, or somebody who controls it, showed you and others different things. Reach the visitor in another way, and tell your administrator.",
    gap: "Ask the visitor to repeat what matters.",
    "notebook-rolled-back":
        "This browser keeps the newer ones. If no backup of the relay was restored, tell your administrator.",
};
/** Alarms and failures that only staff can have. */
const ALARMS: Readonly<Record<string, string>> = {
    "notebook-rolled-back": "the service showed older replies or labels of your team than those that this browser knows",
};
const FAILURES: Readonly<Record<string, string>> = {
    "bad-name": "It has a name that is too long or has characters that it may not have.",
    "no-key": "This browser was let in a moment ago and cannot read that yet. Try again shortly.",
    "unknown-team": "There is no such team any more.",
};
const OTHERWISE = "Tell your administrator, with the word in brackets.";

interface Warning {
    readonly key: string;
    readonly grave: boolean;
    readonly id: string;
    readonly code?: string;
    readonly words: TemplateResult | string;
    readonly advice?: TemplateResult | string;
    /** Whether putting it away hides nothing that goes on. */
    readonly dismiss?: () => void;
}

/** How many are shown without asking. */
const SHOWN = 2;

export class Warnings {
    readonly #desk: Desk;
    readonly #dismissed = new Set<string>();
    #open = false;

    constructor(desk: Desk) {
        this.#desk = desk;
    }

    /** All of them, the gravest first; of many some only when they are asked for. */
    list(): TemplateResult | typeof nothing {
        const all = this.#all().sort((a, b) => Number(b.grave) - Number(a.grave));
        if (all.length === 0) return nothing;
        const shown = this.#open ? all : all.slice(0, SHOWN);
        return html`<section class="warnings" aria-label="Warnings">
            ${shown.map(line)}
            ${all.length > SHOWN
                ? html`<button
                      type="button"
                      class="quiet more"
                      aria-expanded=${this.#open}
                      data-testid="warnings-more"
                      @click=${() => {
                          this.#open = !this.#open;
                          this.#desk.refresh();
                      }}
                  >
                      ${this.#open ? "Show fewer warnings" : `Show all ${all.length} warnings`}
                  </button>`
                : nothing}
        </section>`;
    }

    #all(): Warning[] {
        const { device, notices } = this.#desk;
        const { state, role } = device;
        const warnings = this.#alarms();
        if (state.account?.expiresSoon) warnings.push(policyEnd(state.account.expires, state.settings?.administrator ?? false));
        if (!state.storageWorking) {
            warnings.push({
                key: "storage",
                id: "storage-warning",
                grave: true,
                words: "This browser stores nothing: after a reload it must be approved again.",
                advice: "Leave the private window, or make room on the disk, then reload. Messages that were sent are safe; drafts are not.",
            });
        }
        if (role === "read-only") {
            warnings.push({
                key: "read-only",
                id: "read-only",
                grave: false,
                words: failure("read-only"),
                advice: "Go on in the other tab, or close it and reload this one.",
            });
        }
        const general = notices.get("");
        if (general !== undefined) {
            const dismiss = () => {
                notices.delete("");
                this.#desk.refresh();
            };
            warnings.push({ key: "notice", id: "notice", grave: false, words: general, dismiss });
        }
        return warnings;
    }

    /** Alarms of the account and of chats. One that stops sending stays. */
    #alarms(): Warning[] {
        const { state } = this.#desk.device;
        const warnings = new Map<string, Warning>();
        for (const { contact, code, stopsSending } of state.alarms) {
            const key = `${contact ?? ""} ${code}`;
            if (this.#dismissed.has(key)) continue;
            const what = Object.hasOwn(ALARMS, code) ? ALARMS[code] : undefined;
            const said = what === undefined ? alarm(code, stopsSending) : words().alarm.whole(what, stopsSending, code);
            warnings.set(key, {
                key,
                id: contact === undefined ? "alarm" : "chat-alarm",
                code,
                grave: stopsSending,
                words: contact === undefined ? said : html`${this.#chat(contact)} ${said}`,
                advice: Object.hasOwn(ADVICE, code) ? (ADVICE[code] ?? OTHERWISE) : OTHERWISE,
                ...(stopsSending ? {} : { dismiss: () => this.#dismiss(key) }),
            });
        }
        return [...warnings.values()];
    }

    #chat(contact: string): TemplateResult {
        return html`<button type="button" class="link" @click=${() => this.#desk.panes.open(contact)}>
            ${chatName(this.#desk.device.state, contact)}</button
        >:`;
    }

    #dismiss(key: string): void {
        this.#dismissed.add(key);
        this.#desk.refresh();
    }
}

/** Why something could not be done, of a chat or of the account. */
export function wrong(code: string, contact: string | undefined): string {
    return contact === undefined && Object.hasOwn(FAILURES, code) ? (FAILURES[code] ?? failure(code)) : failure(code);
}

function line({ id, code, grave, words, advice, dismiss }: Warning): TemplateResult {
    return html`<div class=${grave ? "alarm" : "warning"} role="alert" data-testid=${id} data-code=${code ?? nothing}>
        <p>${words} ${advice === undefined ? nothing : html`<span class="advice">${advice}</span>`}</p>
        ${dismiss === undefined
            ? nothing
            : html`<button type="button" class="link" data-testid="dismiss" @click=${dismiss}>Dismiss</button>`}
    </div>`;
}

/** Says when the policy ends, or that nobody can send anything because it has ended. */
function policyEnd(expires: number, administrator: boolean): Warning {
    const date = new Date(expires).toLocaleString();
    const renew = administrator
        ? html`<a href="#settings">Renew them in the security settings.</a>`
        : html`An administrator renews them: in the security settings, or with <code>sottovoce policy renew</code> and
              <code>sottovoce policy publish</code>.`;
    return expires <= Date.now()
        ? {
              key: "policy",
              id: "policy-ended",
              grave: true,
              words: `The account’s settings expired on ${date}. Nobody can send anything until they are renewed.`,
              advice: renew,
          }
        : {
              key: "policy",
              id: "policy-ends",
              grave: false,
              words: `The account’s settings expire on ${date}. Afterwards nobody can send anything.`,
              advice: renew,
          };
}
