/** The menu that "/" opens where one writes: replies that the team keeps, by their shortcuts. */

import { html, nothing, type TemplateResult } from "lit-html";
import type { ContactId } from "sottovoce";
import type { Assistant } from "../conversation/composer.js";
import { givenName } from "./customer.js";
import type { Desk } from "./desk.js";
import { filled, ownReplies, type Reply } from "./notebook.js";
import { paneOf } from "./panes.js";

/** What is written between "/" and the cursor, at the start or after a space. */
const COMMAND = /(?:^|\s)\/([a-z0-9-]*)$/;
const MOST = 8;

export class Suggestions implements Assistant {
    readonly #desk: Desk;
    readonly #contact: ContactId;
    /** The text and place of the cursor for which the menu was put away. */
    #refused = "";
    #chosen = 0;

    constructor(desk: Desk, contact: ContactId) {
        this.#desk = desk;
        this.#contact = contact;
    }

    get id(): string {
        return `replies-${this.#contact}`;
    }

    get active(): string | undefined {
        const found = this.#found();
        return found.length === 0 ? undefined : `${this.id}-${this.#index(found)}`;
    }

    menu(): TemplateResult | typeof nothing {
        const found = this.#found();
        if (found.length === 0) return nothing;
        const chosen = this.#index(found);
        return html`<ul class="suggestions" role="listbox" id=${this.id} aria-label="Replies" data-testid="suggestions">
            ${found.map(
                (reply, index) => html`<li
                    role="option"
                    id="${this.id}-${index}"
                    aria-selected=${index === chosen}
                    data-testid="suggestion"
                    @pointerdown=${(event: PointerEvent) => {
                        // The cursor stays where it is.
                        event.preventDefault();
                        this.#take(reply);
                    }}
                >
                    <code>/${reply.shortcut}</code> <span dir="auto">${this.#filled(reply.text)}</span>
                </li>`,
            )}
        </ul>`;
    }

    /** Takes the keys that are for the menu; `true` if one was. */
    pressed(event: KeyboardEvent): boolean {
        const found = this.#found();
        if (found.length === 0 || event.isComposing || event.altKey || event.ctrlKey || event.metaKey) return false;
        const by = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
        if (by !== 0) this.#chosen = (this.#index(found) + by + found.length) % found.length;
        else if (event.key === "Enter" || event.key === "Tab") {
            const reply = found[this.#index(found)];
            if (reply) this.#take(reply);
        } else if (event.key === "Escape") this.#refused = this.#before();
        else return false;
        event.preventDefault();
        this.#desk.refresh();
        return true;
    }

    #index(found: readonly Reply[]): number {
        return Math.min(this.#chosen, found.length - 1);
    }

    #found(): Reply[] {
        const before = this.#before();
        const typed = COMMAND.exec(before)?.[1];
        if (typed === undefined) this.#refused = "";
        if (typed === undefined || (this.#refused !== "" && before.startsWith(this.#refused))) return [];
        return ownReplies(this.#desk.device.state)
            .filter(({ shortcut }) => shortcut.includes(typed))
            .sort((a, b) => Number(b.shortcut.startsWith(typed)) - Number(a.shortcut.startsWith(typed)))
            .slice(0, MOST);
    }

    /** What stands before the cursor. */
    #before(): string {
        const draft = this.#desk.drafts.get(this.#contact);
        const field = this.#field();
        return field && field.value === draft ? draft.slice(0, field.selectionStart) : draft;
    }

    #field(): HTMLTextAreaElement | undefined {
        return paneOf(document, this.#contact)?.querySelector<HTMLTextAreaElement>("[data-testid=message-input]") ?? undefined;
    }

    #filled(text: string): string {
        const { state } = this.#desk.device;
        const view = state.conversation(this.#contact)?.view;
        return filled(text, {
            name: view && givenName(view),
            agent: state.account?.own.name ?? "",
            business: view?.entryPointName ?? "",
        });
    }

    #take({ text }: Reply): void {
        const { drafts } = this.#desk;
        const before = this.#before();
        const rest = drafts.get(this.#contact).slice(before.length);
        const kept = before.replace(/\/[a-z0-9-]*$/, "") + this.#filled(text);
        drafts.set(this.#contact, kept + rest);
        this.#chosen = 0;
        this.#desk.refresh();
        // After the rendering and before the next key.
        queueMicrotask(() => {
            const field = this.#field();
            field?.focus();
            field?.setSelectionRange(kept.length, kept.length);
        });
    }
}
