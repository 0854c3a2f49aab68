/** Which chats this device follows, and how far the person has seen them. */

import type { Command, ContactId, ContactView, Conversation, Device, Participant } from "sottovoce";
import { lastPosition, unreadAfter } from "../conversation/transcript.js";
import type { Preferences } from "./preferences.js";
import { chatsOf, onShelf } from "./shelves.js";

/** How many of those that wait are read ahead, so that the list says what they are about. */
const AHEAD = 20;
/** How many closed chats a search looks into. */
const CLOSED = 100;

export class Followed {
    /** Whether closed chats are wanted as well. */
    closed = false;
    readonly #device: Device;
    readonly #command: (command: Command) => void;
    readonly #preferences: Preferences;
    readonly #contacts = new Set<ContactId>();
    readonly #seen: Map<ContactId, number>;

    constructor(device: Device, command: (command: Command) => void, preferences: Preferences) {
        this.#device = device;
        this.#command = command;
        this.#preferences = preferences;
        this.#seen = preferences.seen;
    }

    /** The core has begun anew and follows nothing. */
    clear(): void {
        this.#contacts.clear();
    }

    /** Own chats are followed all the time, those that wait longest too, others while they are looked at. */
    update(shown: readonly ContactId[]): void {
        if (this.#device.role !== "leading" && this.#device.role !== "following") return;
        const chats = chatsOf(this.#device.state);
        const wanted = new Set(shown);
        for (const { entry, standing } of chats) if (standing === "mine") wanted.add(entry.contact);
        for (const { entry } of onShelf(chats, "waiting").slice(0, AHEAD)) wanted.add(entry.contact);
        if (this.closed) for (const { entry } of onShelf(chats, "closed").slice(0, CLOSED)) wanted.add(entry.contact);
        for (const contact of wanted) {
            if (this.#contacts.has(contact)) continue;
            this.#contacts.add(contact);
            this.#command({ type: "open", contact });
        }
        for (const contact of this.#contacts) {
            if (wanted.has(contact)) continue;
            this.#contacts.delete(contact);
            this.#command({ type: "leave", contact });
        }
    }

    /** Says that the person has seen what is shown. */
    report(shown: readonly ContactId[]): void {
        if (document.visibilityState !== "visible") return;
        for (const contact of shown) {
            const conversation = this.#device.state.conversation(contact);
            if (!conversation?.view?.caughtUp || !isMember(conversation.view)) continue;
            const position = lastPosition(conversation);
            if (position <= (this.#seen.get(contact) ?? 0)) continue;
            this.#seen.set(contact, position);
            this.#remember();
            this.#command({ type: "read", contact, position });
        }
    }

    /** How many texts of others the person has not seen. What was answered was seen. */
    unread(conversation: Conversation): number {
        const answered = conversation.items.findLast(({ author }) => author?.own)?.position ?? 0;
        return unreadAfter(conversation, Math.max(answered, this.#seen.get(conversation.contact) ?? 0));
    }

    #remember(): void {
        const known = new Set(this.#device.state.inbox.map(({ contact }) => contact));
        this.#preferences.seen = new Map([...this.#seen].filter(([contact]) => known.has(contact)));
    }
}

/** Whether this device is on a chat and has taken it. */
export function isMember({ participants }: ContactView): boolean {
    return participants.some(({ author, pending }) => author.own && !pending);
}

/** Whether somebody on a chat is its visitor. */
export function isVisitor({ author }: Participant): boolean {
    return author.role === "visitor";
}
