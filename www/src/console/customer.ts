/** What the page said about its visitor, encrypted like a message: for staff on the chat, beside the transcript. */

import { html, nothing, type TemplateResult } from "lit-html";
import type { ContactView, Detail } from "sottovoce";
import { linked } from "../conversation/text.js";

/** The visitor's name, as the page gave it. */
export function givenName({ details }: ContactView): string | undefined {
    return details.find(({ name }) => name.toLowerCase() === "name")?.value.trim() || undefined;
}

export function customer(view: ContactView): TemplateResult | typeof nothing {
    if (view.details.length === 0) return nothing;
    return html`<h3>What the page says of the visitor</h3>
        <dl class="customer" data-testid="customer">${view.details.map(pair)}</dl>
        <p class="explain">Sent encrypted by the page; nobody has checked it.</p>`;
}

function pair({ name, value }: Detail): TemplateResult {
    return html`<div data-testid="customer-detail">
        <dt>${name.slice(0, 1).toUpperCase() + name.slice(1)}</dt>
        <dd>
            <span dir="auto">${valueOf(value)}</span>
            <button
                type="button"
                class="quiet"
                aria-label="Copy ${name}"
                data-testid="customer-copy"
                @click=${(event: MouseEvent) => void copy(event, name, value)}
            >
                Copy
            </button>
        </dd>
    </div>`;
}

const MAIL = /^[^\s@<>"]+@[^\s@<>"]+\.[^\s@<>"]+$/;

/** Addresses as links that lead away safely. */
function valueOf(value: string): unknown {
    return MAIL.test(value) ? html`<a href="mailto:${value}" rel="noopener noreferrer">${value}</a>` : linked(value);
}

async function copy(event: MouseEvent, name: string, value: string): Promise<void> {
    const button = event.currentTarget as HTMLElement;
    const say = (words: string) => {
        button.textContent = words;
        button.ariaLabel = `${words} ${name}`;
    };
    try {
        await navigator.clipboard.writeText(value);
        say("Copied");
    } catch {
        say("Not allowed:");
    }
    setTimeout(() => say("Copy"), 2000);
}
