/** The whole page: the bar, warnings, and below them the inbox with its chats, or the settings. */

import { html, nothing, type TemplateResult } from "lit-html";
import { repeat } from "lit-html/directives/repeat.js";
import { connection, failure } from "../conversation/phrases.js";
import { contactPane } from "./contact.js";
import type { Desk } from "./desk.js";
import { inbox } from "./inbox.js";
import { bar } from "./menu.js";
import { settingsAddress } from "./place.js";
import { onShelf } from "./shelves.js";

export function page(desk: Desk): TemplateResult {
    const { state, role } = desk.device;
    const settings = settingsAddress();
    const title = settings === undefined ? "Sottovoce console" : "Settings · Sottovoce console";
    // The title's count is put before it by those who count.
    if (!document.title.endsWith(title) || (settings === undefined && document.title.includes("·"))) document.title = title;
    return html`<div class="desk" data-tab=${role}>
        ${bar(desk, settings, connection(state))} ${desk.warnings.list()} ${content(desk, settings)} ${desk.loaded.sheet()}
        <p class="hidden" role="status" data-testid="announcement">${desk.announcement}</p>
    </div>`;
}

function content(desk: Desk, settings: string | undefined): TemplateResult {
    const { device } = desk;
    const { state } = device;
    if (device.role === "failed") {
        return html`<main class="welcome"><p role="alert">${failure(device.failure ?? "unexpected")}</p></main>`;
    }
    if (settings !== undefined && (state.unapproved === undefined || state.settings?.administrator)) {
        return desk.loaded.settingsPage(settings);
    }
    if (state.unapproved !== undefined) return unapproved(state.unapproved, state.account?.own.device);
    const { shown } = desk.panes;
    return html`<main class="columns" data-selected=${shown.length > 0}>
        ${inbox(desk)}
        <div class="panes" data-count=${shown.length}>
            ${shown.length === 0
                ? nothingOpen(desk)
                : repeat(
                      shown,
                      (contact) => contact,
                      (contact) => contactPane(desk, contact),
                  )}
        </div>
    </main>`;
}

function nothingOpen(desk: Desk): TemplateResult {
    const waiting = onShelf(desk.chats, "waiting").length;
    const words =
        waiting === 0
            ? "Nobody waits. New chats appear under “Unassigned”, and the page’s title counts them."
            : waiting === 1
              ? "One visitor waits. Choose the chat under “Unassigned” to read it, then take it."
              : `${waiting} visitors wait. Choose a chat under “Unassigned” to read it, then take it.`;
    return html`<div class="empty" data-testid="nothing-open">
        <svg viewBox="0 0 24 24" aria-hidden="true">
            <path d="M12 4c5 0 8.500 3 8.500 7S17 18 12 18c-.8 0-1.600 0-2.400-.3L5 19.500l1-3.200C4.400 15 3.500 13.100 3.500 11 3.500 7 7 4 12 4z" />
        </svg>
        <p>${words}</p>
        <p class="hint"><kbd>?</kbd> shows what keys can do</p>
    </div>`;
}

function unapproved(request: string, device: string | undefined): TemplateResult {
    return html`<main class="welcome" data-testid="unapproved">
        <h1>Waiting for approval</h1>
        <p>
            An administrator lets this browser in. Until then it can read nothing. It waits in the security settings of
            their console${device === undefined
                ? nothing
                : html` as device <code data-testid="own-device">${device.slice(0, 12)}</code>: tell them that it is
                      yours, not through the service`}.
            Or give them this request, for <code>sottovoce agent approve</code>:
        </p>
        <textarea readonly rows="6" aria-label="Request" data-testid="request" .value=${request}></textarea>
        <button
            type="button"
            class="primary"
            @click=${() => void navigator.clipboard.writeText(request).catch(() => {})}
        >
            Copy the request
        </button>
    </main>`;
}
