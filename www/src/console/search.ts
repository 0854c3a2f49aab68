/**
 * Searches in what this browser may read. Nothing is asked of a server, which could not know. It says how many
 * chats it looked into, and which it could not, so that nobody takes "nothing found" for "never said".
 */

import { html, nothing, type TemplateResult } from "lit-html";
import type { ContactId, Conversation, Item } from "sottovoce";
import { nameOf } from "../conversation/phrases.js";
import { day, time } from "../conversation/text.js";
import { showItem } from "../conversation/window.js";
import type { Desk } from "./desk.js";
import { chatAvatar, chatName } from "./faces.js";
import { paneOf } from "./panes.js";
import type { Chat } from "./shelves.js";

interface Hit {
    readonly contact: ContactId;
    readonly key: string;
    readonly author: string;
    readonly when: number;
    readonly text: string;
    readonly at: number;
    readonly end: number;
}

/** What a search could look into, and why not into the rest. */
interface Reach {
    searched: number;
    /** Their logs still come. */
    coming: number;
    /** Held by colleagues. */
    others: number;
    /** Archived: the key manager has their keys. */
    archived: number;
    /** Their keys are gone from this browser. */
    gone: number;
}

/** How many hits are shown. */
const MOST = 50;
/** How much stands around a hit, in characters. */
const AROUND = 36;

export class Search {
    readonly #desk: Desk;
    #query = "";
    /** What was found in transcripts, for as long as neither they nor the question change. */
    #known = new WeakMap<readonly Item[], Hit[]>();

    constructor(desk: Desk) {
        this.#desk = desk;
    }

    get query(): string {
        return this.#query;
    }

    set query(query: string) {
        this.#query = query.trim();
        this.#known = new WeakMap();
        // Closed chats are read from the log for as long as somebody searches.
        this.#desk.followed.closed = this.#query !== "";
        if (this.#query === "") CSS.highlights?.delete("found");
    }

    results(): TemplateResult {
        const reach: Reach = { searched: 0, coming: 0, others: 0, archived: 0, gone: 0 };
        const hits: Hit[] = [];
        for (const chat of this.#desk.chats) {
            if (!isSearched(chat, reach)) continue;
            hits.push(...this.#hitsIn(chat.conversation));
        }
        hits.sort((a, b) => b.when - a.when);
        return html`<div class="results" data-testid="search-results">
            <p class="explain" role="status" data-testid="search-reach">${summary(hits, reach)}</p>
            <ul class="list" aria-label="Found">
                ${hits.slice(0, MOST).map((hit) => this.#hit(hit))}
            </ul>
        </div>`;
    }

    #hitsIn(conversation: Conversation): Hit[] {
        const { items } = conversation;
        const hits = this.#known.get(items) ?? hitsIn(conversation, this.#query);
        this.#known.set(items, hits);
        return hits;
    }

    #hit(hit: Hit): TemplateResult {
        const { state } = this.#desk.device;
        const { contact, text, at, end, when } = hit;
        const from = Math.max(0, at - AROUND);
        return html`<li>
            <button type="button" class="chat" data-testid="search-hit" data-contact=${contact} @click=${() => this.#open(hit)}>
                ${chatAvatar(state, contact)}
                <span class="name">${chatName(state, contact)}</span>
                <span class="when"><time datetime=${new Date(when).toISOString()}>${day(when)}, ${time(when)}</time></span>
                <span class="preview" dir="auto"
                    >${hit.author}: ${from > 0 ? "…" : nothing}${text.slice(from, at)}<mark>${text.slice(at, end)}</mark>${text.slice(end, end + AROUND * 2)}</span
                >
            </button>
        </li>`;
    }

    #open({ contact, key }: Hit): void {
        this.#desk.panes.open(contact, { focus: false });
        const query = this.#query;
        // The pane is there after the next rendering, a long transcript perhaps a little later.
        let tries = 40;
        const look = () => {
            const conversation = this.#desk.device.state.conversation(contact);
            if (conversation) showItem(conversation, key);
            this.#desk.refresh();
            const found = paneOf(document, contact)?.querySelector<HTMLElement>(`[data-key="${CSS.escape(key)}"]`);
            if (found) show(found, query);
            else if (tries-- > 0) setTimeout(look, 50);
        };
        setTimeout(look);
    }
}

/** Whether a chat can be searched; counts it either way. */
function isSearched(chat: Chat, reach: Reach): chat is Chat & { conversation: Conversation } {
    const { conversation, standing } = chat;
    if (standing === "others") reach.others += 1;
    else if (standing === "closed" && !chat.entry.mine) reach.others += 1;
    else if (!conversation?.view?.caughtUp) reach.coming += 1;
    else if (isUnreadable(conversation)) {
        if (conversation.view.archived) reach.archived += 1;
        else reach.gone += 1;
    } else {
        reach.searched += 1;
        return true;
    }
    return false;
}

function isUnreadable({ items }: Conversation): boolean {
    return (
        items.some(({ body }) => body.type === "beforeJoining") &&
        !items.some(({ body }) => body.type === "text" || body.type === "note")
    );
}

function hitsIn(conversation: Conversation, query: string): Hit[] {
    return conversation.items.flatMap(({ key, body, author, time: when }) => {
        if (body.type !== "text" && body.type !== "note") return [];
        const found = find(body.text, query);
        return found === undefined ? [] : [{ contact: conversation.contact, key, author: nameOf(author), when, text: body.text, ...found }];
    });
}

/** Where a text says something, whatever its case and accents. */
export function find(text: string, query: string): { at: number; end: number } | undefined {
    let folded = "";
    /** Where each folded letter stands in the text. */
    const places: number[] = [];
    let place = 0;
    for (const letter of text) {
        const plain = fold(letter);
        for (let index = 0; index < plain.length; index += 1) places.push(place);
        folded += plain;
        place += letter.length;
    }
    const wanted = fold(query);
    const index = wanted === "" ? -1 : folded.indexOf(wanted);
    const at = places[index];
    if (at === undefined) return undefined;
    return { at, end: places[index + wanted.length] ?? text.length };
}

function fold(text: string): string {
    return text.normalize("NFKD").replaceAll(/\p{M}/gu, "").toLowerCase();
}

function summary(hits: readonly Hit[], { searched, coming, others, archived, gone }: Reach): string {
    const chats = (number: number) => (number === 1 ? "1 chat" : `${number} chats`);
    const found = hits.length === 0 ? "Nothing" : hits.length > MOST ? `The newest ${MOST} of ${hits.length} messages` : hits.length === 1 ? "1 message" : `${hits.length} messages`;
    const not = [
        ...(others > 0 ? [`${others} with colleagues`] : []),
        ...(archived > 0 ? [`${archived} only in the archive`] : []),
        ...(gone > 0 ? [`${gone} whose keys this browser no longer has`] : []),
    ];
    return `${found} in the ${chats(searched)} that this browser can read${coming > 0 ? `; ${chats(coming)} still being read` : ""}. Not searched: ${
        not.length === 0 ? "chats of colleagues that closed or that this browser never had" : `${not.join(", ")}; nor chats that this browser never had`
    }.`;
}

/** Brings a message into view and marks what was looked for. */
function show(message: HTMLElement, query: string): void {
    message.tabIndex = -1;
    message.focus({ preventScroll: true });
    message.scrollIntoView({ block: "center" });
    const node = message.querySelector(".bubble");
    if (!node || !("highlights" in CSS)) return;
    const ranges: Range[] = [];
    const walker = document.createTreeWalker(node, NodeFilter.SHOW_TEXT);
    for (let text = walker.nextNode(); text; text = walker.nextNode()) {
        const found = find(text.nodeValue ?? "", query);
        if (!found) continue;
        const range = new Range();
        range.setStart(text, found.at);
        range.setEnd(text, found.end);
        ranges.push(range);
    }
    CSS.highlights.set("found", new Highlight(...ranges));
}
