/** Where people write. Enter sends, Shift+Enter begins a line; the draft survives a reload. */

import { html, nothing, type TemplateResult } from "lit-html";
import { live } from "lit-html/directives/live.js";
import { words } from "./phrases.js";

/** Longest text in bytes of UTF-8. */
const LONGEST = 64 * 1024;

/** Something that helps to write: a menu above the field, which gets keys first. */
export interface Assistant {
    /** The id of its list, and of what is chosen there while it is open. */
    readonly id: string;
    readonly active: string | undefined;
    menu(): TemplateResult | typeof nothing;
    pressed(event: KeyboardEvent): boolean;
}

export interface ComposerOptions {
    label: string;
    placeholder: string;
    /** Why nothing can be sent now. */
    blocked: string | undefined;
    /** Marks texts that only staff reads. */
    note?: boolean;
    send(text: string): void;
    typing(): void;
    assistant?: Assistant;
}

/** Drafts by contact. */
export class Drafts {
    readonly #prefix: string;
    readonly #texts = new Map<string, string>();

    constructor(prefix: string) {
        this.#prefix = prefix;
    }

    get(name: string): string {
        return this.#texts.get(name) ?? readSession(this.#prefix + name) ?? "";
    }

    set(name: string, text: string): void {
        this.#texts.set(name, text);
        writeSession(this.#prefix + name, text);
    }

    /** Puts a text that was not sent back before what is being written. */
    giveBack(name: string, text: string): void {
        const now = this.get(name);
        this.set(name, now === "" ? text : `${text}\n${now}`);
    }
}

/** The form for a draft. */
export function composer(
    drafts: Drafts,
    name: string,
    options: ComposerOptions,
    changed: () => void,
): TemplateResult {
    const { tooLong: tooLongText, send } = words().chat;
    const { assistant } = options;
    const draft = drafts.get(name);
    const tooLong = isTooLong(draft);
    const isReady = (text: string) => text.trim() !== "" && !isTooLong(text) && options.blocked === undefined;
    const submit = (event: globalThis.Event) => {
        event.preventDefault();
        // A hand is quicker than the next frame: what was typed since this was drawn counts as well.
        const text = drafts.get(name);
        if (!isReady(text)) return;
        drafts.set(name, "");
        const input = (event.currentTarget as Element).closest("form")?.querySelector("textarea");
        if (input) input.value = "";
        options.send(text);
        changed();
    };
    return html`<form class="composer ${options.note ? "note" : ""}" @submit=${submit}>
        ${options.blocked ?  html`<p class="blocked">${options.blocked}</p>` : nothing}
        ${tooLong ? html`<p class="blocked" role="alert">${tooLongText}</p>` : nothing}
        ${assistant?.menu() ?? nothing}
        <label>
            <span class="hidden">${options.label}</span>
            <textarea
                rows="1"
                dir="auto"
                data-testid="message-input"
                placeholder=${options.placeholder}
                aria-controls=${assistant?.active === undefined ? nothing : assistant.id}
                aria-activedescendant=${assistant?.active ?? nothing}
                .value=${live(draft)}
                @input=${({ target }: InputEvent) => {
                    drafts.set(name, (target as HTMLTextAreaElement).value);
                    options.typing();
                    changed();
                }}
                @keydown=${(event: KeyboardEvent) => {
                    if (assistant?.pressed(event)) return;
                    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) submit(event);
                }}
            ></textarea>
        </label>
        <button class="send" data-testid="send" aria-disabled=${!isReady(draft)} aria-label=${send}>
            <svg viewBox="0 0 24 24" aria-hidden="true"><path d="M4 12 20 4l-5 16-3.5-6.5z" /></svg>
        </button>
    </form>`;
}

function isTooLong(text: string): boolean {
    return new TextEncoder().encode(text).length > LONGEST;
}

function readSession(key: string): string | undefined {
    try {
        return sessionStorage.getItem(key) ?? undefined;
    } catch {
        return undefined;
    }
}

function writeSession(key: string, text: string): void {
    try {
        if (text === "") sessionStorage.removeItem(key);
        else sessionStorage.setItem(key, text);
    } catch {
        // Without storage the draft lives as long as the page.
    }
}
