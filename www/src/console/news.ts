/** What came since the last look: chats that wait, and messages in own chats. */

import type { ContactId } from "sottovoce";
import type { Chat } from "./shelves.js";

export interface Came {
    /** Chats that wait and did not before. */
    readonly waiting: readonly ContactId[];
    /** Own chats with more unread messages than before. */
    readonly messages: readonly ContactId[];
}

export class News {
    #waiting: ReadonlySet<ContactId> | undefined;
    readonly #unread = new Map<ContactId, number>();

    /** Everything is read anew, and nothing of it is news. */
    clear(): void {
        this.#waiting = undefined;
        this.#unread.clear();
    }

    look(chats: readonly Chat[], unread: (chat: Chat) => number, complete: boolean): Came {
        const waiting = chats.filter(({ standing }) => standing === "waiting").map(({ entry }) => entry.contact);
        const before = this.#waiting;
        // Before the inbox has come once, all of it is news, and none.
        if (complete || before) this.#waiting = new Set(waiting);
        return {
            waiting: before ? waiting.filter((contact) => !before.has(contact)) : [],
            messages: chats.filter((chat) => this.#hasMore(chat, unread)).map(({ entry }) => entry.contact),
        };
    }

    #hasMore(chat: Chat, unread: (chat: Chat) => number): boolean {
        const { contact } = chat.entry;
        if (chat.standing !== "mine" || !chat.conversation?.view?.caughtUp) return false;
        const before = this.#unread.get(contact);
        const now = unread(chat);
        this.#unread.set(contact, now);
        return before !== undefined && now > before;
    }
}
