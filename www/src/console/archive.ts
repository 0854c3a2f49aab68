/** Closed chats that others held: found by their id; and in words what the key manager said of one. */

import { html, type TemplateResult } from "lit-html";
import type { KeyOutcome } from "sottovoce";
import type { Desk } from "./desk.js";

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
