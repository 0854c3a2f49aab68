/** The form that asks the key manager for a closed chat's keys, with a reason. */

import { html, type TemplateResult } from "lit-html";
import type { ContactId, ContactView } from "sottovoce";
import type { Desk } from "./desk.js";

export class ArchiveForm {
    readonly name = "archive";
    readonly contact: ContactId;
    readonly #desk: Desk;

    constructor(desk: Desk, { contact }: ContactView) {
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
