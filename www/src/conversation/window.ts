/**
 * How much of a transcript is on the page: its newest lines, and more as the person goes back. A contact of ten
 * thousand messages is shown as quickly as one of fifty.
 */

import { html, type TemplateResult } from "lit-html";
import { ref } from "lit-html/directives/ref.js";
import type { Conversation } from "sottovoce";
import { words } from "./phrases.js";

/** How many lines come at once. */
const PAGE = 50;

interface Shown {
    /** How many of the newest items. */
    count: number;
    /** How many items there were then. */
    total: number;
}

const windows = new WeakMap<Conversation, Shown>();

/** The index of the first item that is shown. */
export function firstShown(conversation: Conversation): number {
    const total = conversation.items.length;
    const shown = windows.get(conversation) ?? { count: PAGE, total };
    // Who has gone back keeps what they see when something new comes.
    const grown = shown.count > PAGE ? Math.max(0, total - shown.total) : 0;
    windows.set(conversation, { count: shown.count + grown, total });
    return Math.max(0, total - shown.count - grown);
}

/** Makes sure that an item is among those that are shown. */
export function showItem(conversation: Conversation, key: string): void {
    const { items } = conversation;
    const index = items.findIndex((item) => item.key === key);
    if (index >= 0) showFrom(conversation, Math.max(0, index - PAGE / 2));
}

function showFrom(conversation: Conversation, index: number): void {
    const total = conversation.items.length;
    const count = Math.max(total - index, windows.get(conversation)?.count ?? PAGE);
    windows.set(conversation, { count, total });
}

/** Stands above the first line that is shown, and brings those before it as soon as it is seen. */
export function earlier(conversation: Conversation, first: number, refresh: () => void): TemplateResult {
    const show = (event: Event) => {
        const button = event.currentTarget as HTMLElement;
        const log = button.closest<HTMLElement>(".log");
        const focused = button.matches(":focus");
        showFrom(conversation, Math.max(0, first - PAGE));
        // What was said before is no news to read out.
        if (log) log.ariaLive = "off";
        refresh();
        setTimeout(() => {
            if (log) log.ariaLive = "polite";
            if (button.isConnected) {
                observer?.unobserve(button);
                observer?.observe(button);
            } else if (focused) {
                log?.focus();
            }
        }, QUIET);
    };
    return html`<button type="button" class="link earlier" data-testid="earlier" @click=${show} ${ref(watch)}>
        ${words().chat.earlier}
    </button>`;
}

/** Milliseconds after which a browser has told a screen reader of new lines. */
const QUIET = 300;

let observer: IntersectionObserver | undefined;

function watch(button: Element | undefined): void {
    observer ??= new IntersectionObserver((entries) => {
        for (const { isIntersecting, target } of entries) {
            if (isIntersecting) (target as HTMLElement).click();
        }
    });
    if (button) observer.observe(button);
}
