/** A conversation's transcript. What peers wrote becomes text nodes, never markup. */

import { html, nothing, type TemplateResult } from "lit-html";
import { guard } from "lit-html/directives/guard.js";
import { repeat } from "lit-html/directives/repeat.js";
import type { Author, Command, ContactId, ContactView, Conversation, DeviceId, Item } from "sottovoce";
import {
    itemFailure,
    mark,
    nameOf,
    placeholder,
    roleName,
    stateLabel,
    systemLine,
    words,
    type Reader,
} from "./phrases.js";
import { day, dayNumber, time, written } from "./text.js";
import { earlier, firstShown } from "./window.js";

/** A text that waits for its contact to exist. */
export interface EarlyText {
    readonly key: string;
    readonly text: string;
}

/** Everything that was said and done, oldest first. */
export function transcript(
    conversation: Conversation | undefined,
    early: readonly EarlyText[],
    reader: Reader,
    command: (command: Command) => void,
    refresh: () => void,
): TemplateResult {
    const items = conversation?.items ?? [];
    const first = conversation ? firstShown(conversation) : 0;
    const today = dayNumber(Date.now());
    const visitor = visitorOf(conversation?.view);
    return html`<div class="lines">${conversation && first > 0 ? earlier(conversation, first, refresh) : nothing}${repeat(
        first > 0 ? items.slice(first) : items,
        ({ key }) => key,
        (item, index) => {
            const before = index > 0 ? items[first + index - 1] : undefined;
            // A long transcript is not written anew for each word that is typed.
            return guard([item, before, words(), today, conversation?.contact, visitor], () => [
                separator(item, before),
                line(item, before, reader, visitor, (type, id) => {
                    if (conversation) command({ type, contact: conversation.contact, id });
                }),
            ]);
        },
    )}${repeat(early, ({ key }) => key, ({ text }) => bubble(text))}</div>`;
}

/** Shows the newest line, wherever the person has scrolled to. */
export function scrollToEnd(page: Element): void {
    // The log's lines grow upwards, so that its end stays in view by itself: 0 is the end.
    page.querySelector(".log")?.scrollTo({ top: 0 });
}

type Repair = (type: "retry" | "discard", id: string) => void;

function separator(item: Item, before: Item | undefined) {
    if (before && dayNumber(before.time) === dayNumber(item.time)) return nothing;
    return html`<p class="day" data-testid="day">${day(item.time)}</p>`;
}

function line(item: Item, before: Item | undefined, reader: Reader, visitor: DeviceId | undefined, repair: Repair) {
    const { body } = item;
    switch (body.type) {
        case "system":
            return html`<p class="system" data-testid="system" data-event=${body.event.type}>
                ${systemLine(body.event, committer(item, visitor), reader)}
            </p>`;
        case "text":
        case "note":
            return message(item, body.text, body.id, before, reader, repair);
        default:
            return html`<p class="system faint" data-testid="placeholder">${placeholder(body)}</p>`;
    }
}

/** The visitor's device. */
export function visitorOf(view: ContactView | undefined): DeviceId | undefined {
    return view?.participants.find(({ author }) => author.role === "visitor")?.author.device;
}

/** Who did something, if that is known: a device without a known credential counts as a visitor, which only one is. */
export function committer({ author }: Item, visitor: DeviceId | undefined): Author | undefined {
    const isStranger = author?.role === "visitor" && !author.own && visitor !== undefined && author.device !== visitor;
    return isStranger ? undefined : author;
}

function message(
    item: Item,
    text: string,
    id: string,
    before: Item | undefined,
    reader: Reader,
    repair: Repair,
) {
    const own = item.author?.own ?? false;
    const note = item.body.type === "note";
    const sameAuthor =
        before?.author?.device === item.author?.device && before?.body.type === item.body.type;
    return html`<article
        class="message ${own ? "own" : "other"} ${note ? "note" : ""} ${sameAuthor ? "follows" : ""}"
        data-key=${item.key}
        data-testid=${note ? "private-note" : "message"}
        data-author=${item.author?.role ?? "nobody"}
        data-own=${own}
        data-state=${item.state}
    >
        ${sameAuthor || (own && !note) ? nothing : byline(item, note, reader)}
        ${written(text)}
        ${item.marks.map((code) => html`<small class="mark">${mark(code)}</small>`)}
        <small class="state">
            <time datetime=${iso(item.time)}>${time(item.time)}</time>
            ${own ? html` · <span data-testid="state">${stateLabel(item.state)}</span>` : nothing}
        </small>
        ${item.state === "failed" ? repairs(item, id, repair) : nothing}
    </article>`;
}

function byline(item: Item, note: boolean, reader: Reader) {
    const { author } = item;
    const role =
        author && reader === "visitor" && author.role !== "agent" ? ` (${roleName(author.role)})` : "";
    const name = `${nameOf(author)}${author?.role === "bot" ? "" : role}`;
    return html`<small class="author">${note ? words().note(author?.own ? undefined : name) : name}</small>`;
}

function repairs(item: Item, id: string, repair: Repair) {
    const { retry, discard } = words().chat;
    return html`<p class="repair" role="alert">
        ${itemFailure(item)}
        ${item.failure === "closed"
            ? nothing
            : html`<button type="button" class="link" data-testid="retry" @click=${() => repair("retry", id)}>
                  ${retry}
              </button>`}
        <button type="button" class="link" data-testid="discard" @click=${() => repair("discard", id)}>
            ${discard}
        </button>
    </p>`;
}

function bubble(text: string) {
    return html`<article
        class="message own"
        data-testid="message"
        data-author="visitor"
        data-own="true"
        data-state="sending"
    >
        ${written(text)}
        <small class="state"><span data-testid="state">${stateLabel("sending")}</span></small>
    </article>`;
}

/** For machines; a peer may have written a time that no calendar has. */
function iso(time: number): string {
    const date = new Date(time);
    return Number.isNaN(date.getTime()) ? "" : date.toISOString();
}

/** The last position that somebody else wrote, for `read`: what is one's own needs no receipt. */
export function lastPosition({ items }: Conversation): number {
    return items.findLast(({ author }) => !author?.own)?.position ?? 0;
}

/** How many texts of others came after a position. */
export function unreadAfter(conversation: Conversation, position: number): number {
    return conversation.items.filter(
        (item) =>
            (item.position ?? 0) > position && item.body.type === "text" && !item.author?.own,
    ).length;
}

/** Who is typing in which contact; each sign is good for six seconds. */
export class TypingSigns {
    readonly #signs = new Map<ContactId, { name: string; until: number }>();
    readonly #timers = new Set<ReturnType<typeof setTimeout>>();
    readonly #changed: () => void;

    constructor(changed: () => void) {
        this.#changed = changed;
    }

    add(contact: ContactId, name: string): void {
        const until = Date.now() + GOOD_FOR;
        this.#signs.set(contact, { name, until });
        const timer = setTimeout(() => {
            this.#timers.delete(timer);
            if (this.#signs.get(contact)?.until === until) this.remove(contact);
        }, GOOD_FOR);
        this.#timers.add(timer);
    }

    /** Nobody looks any longer. */
    stop(): void {
        for (const timer of this.#timers) clearTimeout(timer);
        this.#timers.clear();
    }

    /** A message has come: its author stopped typing. */
    remove(contact: ContactId): void {
        if (this.#signs.delete(contact)) this.#changed();
    }

    who(contact: ContactId | undefined): string | undefined {
        return contact === undefined ? undefined : this.#signs.get(contact)?.name;
    }
}

const GOOD_FOR = 6000;
