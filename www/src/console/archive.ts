/** Opens closed chats through the key manager: the request with its reason, and the answer in words. */

import { html, type TemplateResult } from "lit-html";
import type { ContactId, KeyOutcome } from "sottovoce";
import type { Desk } from "./desk.js";

export class ArchiveForm {
    readonly contact: ContactId;
    readonly #desk: Desk;

    constructor(desk: Desk, contact: ContactId) {
        this.contact = contact;
        this.#desk = desk;
    }

    form(): TemplateResult {
        return html`<form class="handing" data-testid="archive-form" @submit=${(event: SubmitEvent) => this.#submit(event)}>
            <label
                >Why do you need to read this chat?
                <input name="reason" maxlength="500" required autocomplete="off" data-testid="archive-reason" />
            </label>
            <p class="explain">
                Your name, this reason and the answer are recorded by the key manager and cannot be removed from its log.
            </p>
            <div class="end">
                <button class="primary" data-testid="archive-send">Ask for the keys</button>
                <button type="button" class="quiet" @click=${() => this.#desk.show(undefined)}>Cancel</button>
            </div>
        </form>`;
    }

    #submit(event: SubmitEvent): void {
        event.preventDefault();
        const reason = new FormData(event.target as HTMLFormElement).get("reason");
        if (typeof reason !== "string" || reason.trim() === "") return;
        const { contact } = this;
        this.#desk.notices.set(contact, "The key manager was asked. Its answer appears here.");
        this.#desk.show(undefined);
        this.#desk.command({ type: "release", contact, purpose: "transcript", reason: reason.trim() });
    }
}

const OUTCOMES: Record<KeyOutcome, string> = {
    granted: "The key manager released this chat. This browser forgets its keys when you leave it.",
    denied: "The key manager does not allow you to open this chat.",
    unknown: "The key manager does not know this chat.",
    revoked: "Nobody can open this chat any more: its releases were ended.",
    erased: "This chat was erased. Nobody can open it.",
    throttled: "That was too often. Please wait a minute.",
    unavailable: "The key manager cannot be reached now. Try again later.",
    malformed: "The key manager’s answer does not fit this chat.",
};

const REASONS: Readonly<Record<string, string>> = {
    "not-on-roster": "You were not on it, and it was not your team’s.",
    "policy-stale": "The account’s settings are older than a day: an administrator has to renew them.",
    "role-not-allowed": "Its rules do not name your role.",
};

/** What the key manager said. */
export function released(outcome: KeyOutcome, code: string): string {
    const reason = REASONS[code];
    return reason === undefined ? OUTCOMES[outcome] : `${OUTCOMES[outcome]} ${reason}`;
}

/** Finds a closed chat by its id, for those who look back at what others did. */
export function archiveSearch(desk: Desk): TemplateResult {
    const submit = (event: SubmitEvent) => {
        event.preventDefault();
        const contact = new FormData(event.target as HTMLFormElement).get("contact");
        if (typeof contact === "string" && /^[A-Za-z0-9_-]{22}$/.test(contact.trim())) desk.panes.open(contact.trim());
    };
    return html`<form class="search" data-testid="archive-search" @submit=${submit}>
        <label
            >Closed chat by its id
            <input
                name="contact"
                required
                pattern="[A-Za-z0-9_\\-]{22}"
                title="22 letters, digits, - and _"
                autocomplete="off"
                data-testid="archive-contact"
            />
        </label>
        <button class="quiet" data-testid="archive-find">Find</button>
    </form>`;
}
