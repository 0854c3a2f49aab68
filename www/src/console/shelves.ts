/** Which chats stand on which shelf of the inbox, in which order, and how long their visitors have waited. */

import type { Conversation, InboxEntry, Mirror } from "sottovoce";
import type { Shelf } from "./place.js";

/** Where a chat stands: with this agent, with nobody yet, with a colleague, or at its end. */
export type Standing = "mine" | "waiting" | "others" | "closed";

export interface Chat {
    readonly entry: InboxEntry;
    readonly conversation: Conversation | undefined;
    readonly standing: Standing;
    /** Since when its visitor waits for an answer. */
    readonly waitingSince: number | undefined;
    /** When something was said last. */
    readonly activity: number;
}

/** All chats that this device knows of. */
export function chatsOf(state: Mirror): Chat[] {
    return state.inbox.map((entry) => {
        const conversation = state.conversation(entry.contact);
        const standing = standingOf(entry, conversation);
        return {
            entry,
            conversation,
            standing,
            waitingSince: waitingSince(entry, conversation, standing),
            activity: Math.max(entry.created, conversation?.items.findLast(isSaid)?.time ?? 0),
        };
    });
}

/** What stands on a shelf: who waits longest first among the waiting, else the newest first. */
export function onShelf(chats: readonly Chat[], shelf: Shelf): Chat[] {
    const chosen = chats.filter(({ standing, entry }) => {
        if (shelf === "all") return standing !== "closed";
        return standing === shelf && (shelf !== "closed" || entry.mine);
    });
    return chosen.sort((a, b) =>
        shelf === "waiting" ? (a.waitingSince ?? 0) - (b.waitingSince ?? 0) : b.activity - a.activity,
    );
}

function standingOf(entry: InboxEntry, conversation: Conversation | undefined): Standing {
    if (entry.closed) return "closed";
    // That a contact was handed to this device stands in its log, which only clients read.
    if (entry.canClaim || conversation?.view?.canClaim) return "waiting";
    return entry.mine ? "mine" : "others";
}

function isSaid({ body }: Conversation["items"][number]): boolean {
    return body.type === "text" || body.type === "note";
}

/** Of own chats: since the first text of the visitor that nobody has answered. */
function waitingSince(entry: InboxEntry, conversation: Conversation | undefined, standing: Standing) {
    if (standing === "waiting") return entry.waitingSince ?? entry.created;
    if (standing !== "mine") return undefined;
    const items = conversation?.items ?? [];
    const answered = items.findLastIndex(({ body, author }) => body.type === "text" && author?.role !== "visitor");
    // Only what came after the last answer is looked at: a long chat is not read through for each word.
    for (let index = answered + 1; index < items.length; index += 1) {
        const item = items[index];
        if (item?.body.type === "text") return item.time;
    }
    return undefined;
}

const MINUTE = 60_000;

/** A time that somebody has waited in words, and how bad that is: 1 after two minutes, 2 after five. */
export function waitingTime(since: number, now = Date.now()): { words: string; late: 0 | 1 | 2 } {
    const minutes = Math.max(0, Math.floor((now - since) / MINUTE));
    const words =
        minutes < 1
            ? "just now"
            : minutes < 60
              ? `${minutes} min`
              : minutes < 48 * 60
                ? `${Math.floor(minutes / 60)} h`
                : `${Math.floor(minutes / (24 * 60))} d`;
    return minutes < 2
        ? { words, late: 0 }
        : minutes < 5
          ? { words: `waits ${words}`, late: 1 }
          : { words: `overdue, ${words}`, late: 2 };
}
