/** The inbox: its shelves as tabs, and the chats on the one that is open. */

import { html, nothing, type TemplateResult } from "lit-html";
import { repeat } from "lit-html/directives/repeat.js";
import { nameOf } from "../conversation/phrases.js";
import { archiveSearch } from "./archive.js";
import type { Desk } from "./desk.js";
import { chatAvatar, chatName, entryPointName } from "./faces.js";
import { chips, labelFilter } from "./labels.js";
import { SHELVES, type Shelf } from "./place.js";
import { onShelf, waitingTime, type Chat } from "./shelves.js";

const TITLES: Record<Shelf, string> = { mine: "Mine", waiting: "Unassigned", all: "All", closed: "Closed" };

const EMPTY: Record<Shelf, string> = {
    mine: "You have no open chat. Take one under “Unassigned”.",
    waiting: "Nobody waits for an answer.",
    all: "There is no open chat.",
    closed: "Chats that you closed stay here for as long as this browser may read them.",
};

export function inbox(desk: Desk): TemplateResult {
    const { shelf } = desk.panes.place;
    const { search } = desk.loaded;
    const role = desk.device.state.account?.own.role;
    return html`<nav class="inbox" aria-label="Inbox">
        <div class="find">
            <input
                type="search"
                placeholder="Search in chats"
                aria-label="Search in the chats that this browser can read"
                data-testid="search"
                autocomplete="off"
                @input=${({ target }: InputEvent) => void desk.loaded.find((target as HTMLInputElement).value)}
            />
        </div>
        ${search?.query
            ? search.results()
            : html`<div class="tabs">
                      ${SHELVES.map((one) => tab(desk, one, one === shelf))}
                  </div>
                  ${labelFilter(desk)} ${list(desk, shelf)}
                  ${role === "auditor" || (role === "supervisor" && shelf === "closed") ? archiveSearch(desk) : nothing}`}
    </nav>`;
}

function tab(desk: Desk, shelf: Shelf, current: boolean): TemplateResult {
    const show = (event: MouseEvent) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey) return;
        // The chats beside the list stay open.
        event.preventDefault();
        desk.panes.showShelf(shelf);
    };
    return html`<a href="#inbox/${shelf}" aria-current=${current ? "true" : nothing} data-testid="tab-${shelf}" @click=${show}
        >${TITLES[shelf]} <span class="count" data-testid="count-${shelf}">${onShelf(desk.chats, shelf).length}</span></a
    >`;
}

function list(desk: Desk, shelf: Shelf): TemplateResult {
    const chats = desk.listed;
    return html`<ul class="list" data-testid="shelf-${shelf}" aria-label=${TITLES[shelf]} @keydown=${walk}>
            ${repeat(
                chats,
                ({ entry }) => entry.contact,
                (chat) => row(desk, chat),
            )}
        </ul>
        ${chats.length === 0 ? html`<p class="explain empty-shelf">${EMPTY[shelf]}</p>` : nothing}`;
}

function row(desk: Desk, chat: Chat): TemplateResult {
    const { entry, conversation, standing, waitingSince } = chat;
    const { contact } = entry;
    const { state } = desk.device;
    const name = chatName(state, contact);
    const unread = desk.unread(chat);
    const beside = desk.panes.roomBeside && desk.panes.place.panes.length > 0;
    return html`<li data-unread=${unread > 0}>
        <button
            type="button"
            class="chat"
            data-testid="inbox-item"
            data-contact=${contact}
            data-standing=${standing}
            aria-current=${desk.panes.shown.includes(contact)}
            @click=${(event: MouseEvent) => desk.panes.open(contact, { beside: event.ctrlKey || event.metaKey })}
            @keydown=${(event: KeyboardEvent) => {
                if (event.key !== "Enter" || !event.altKey) return;
                event.preventDefault();
                desk.panes.open(contact, { beside: true });
            }}
        >
            ${chatAvatar(state, contact)}
            <span class="name"
                >${name}${conversation?.view?.verifiedIdentity === undefined
                    ? nothing
                    : html` <span class="verified" title="Identity verified"><span class="hidden">, identity verified</span></span>`}</span
            >
            <span class="when">
                ${waitingSince === undefined
                    ? html`<time datetime=${new Date(chat.activity).toISOString()}>${shortTime(chat.activity)}</time>`
                    : wait(waitingSince)}
            </span>
            <span class="preview" dir="auto">${preview(chat)}</span>
            ${chips(conversation?.view)}
            ${unread > 0
                ? html`<span class="badge"><span data-testid="unread">${unread}</span><span class="hidden"> not read</span></span>`
                : nothing}
            <span class="at">${entryPointName(state, entry.entryPoint)}${standing === "others" && entry.heldBy ? `, with ${nameOf(entry.heldBy)}` : nothing}</span>
        </button>
        ${beside
            ? html`<button
                  type="button"
                  class="icon beside"
                  data-testid="beside"
                  aria-label="Open ${name} beside"
                  title="Open beside"
                  @click=${() => desk.panes.open(contact, { beside: true })}
              >
                  <svg viewBox="0 0 24 24" aria-hidden="true"><path d="M4 5h16v14H4zm9 0v14" /></svg>
              </button>`
            : nothing}
    </li>`;
}

function wait(since: number): TemplateResult {
    const { words, late } = waitingTime(since);
    return html`<span class="wait" data-late=${late} data-testid="waiting-time">${words}</span>`;
}

/** What was said last, as far as this device can read it. */
function preview({ conversation, standing }: Chat): string {
    const last = conversation?.items.findLast(({ body }) => body.type === "text");
    if (last?.body.type !== "text") return standing === "others" ? "Only who holds it can read it" : "Open to read";
    const text = last.body.text.slice(0, 120).replaceAll(/\s+/g, " ");
    return last.author?.own ? `You: ${text}` : text;
}

/** Arrows go up and down the list. */
function walk(event: KeyboardEvent): void {
    const by = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (by === 0 || event.altKey || event.ctrlKey || event.metaKey) return;
    const rows = [...(event.currentTarget as Element).querySelectorAll<HTMLElement>(".chat")];
    const next = rows[rows.findIndex((one) => one.parentElement?.contains(document.activeElement)) + by];
    if (!next) return;
    event.preventDefault();
    next.focus();
}

const TIME = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const DATE = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });

function shortTime(time: number): string {
    const today = new Date(time).toDateString() === new Date().toDateString();
    return (today ? TIME : DATE).format(time);
}
