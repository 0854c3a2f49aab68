/** Where the person is: a shelf of the inbox and the chats that are open side by side, as the page's address says it. */

import type { ContactId } from "sottovoce";

/** The inbox's shelves in their order. */
export const SHELVES = ["mine", "waiting", "all", "closed"] as const;
export type Shelf = (typeof SHELVES)[number];

export interface Place {
    readonly shelf: Shelf;
    /** Open chats from the left. */
    readonly panes: readonly ContactId[];
    /** The one that keys and commands are for. */
    readonly active: ContactId | undefined;
    /** Whether details take the place of the active chat's transcript, where there is no room beside it. */
    readonly details: boolean;
}

/** Where one begins. */
export const FIRST: Place = { shelf: "waiting", panes: [], active: undefined, details: false };

const CONTACT = "[A-Za-z0-9_-]{22}";
const CHATS = new RegExp(`^#chat/(${CONTACT}(?:\\+${CONTACT})*)(/details)?$`);
const INBOX = /^#inbox\/([a-z]+)$/;
const SETTINGS = /^#(settings(?:\/[a-z]+)?)$/;

/**
 * The place that an address names, if it names one. With chats open, which shelf is beside them stands in the
 * history's state: it is nobody's business to whom one sends the address of a chat.
 */
export function placeAt(address: string, state: unknown, before: Place): Place | undefined {
    const shelf = SHELVES.find((known) => known === INBOX.exec(address)?.[1]);
    if (shelf !== undefined) return { ...FIRST, shelf };
    const chats = CHATS.exec(address);
    if (!chats) return undefined;
    const panes = [...new Set(chats[1]?.split("+"))];
    const active = before.active !== undefined && panes.includes(before.active) ? before.active : panes[0];
    return { shelf: SHELVES.find((known) => known === state) ?? before.shelf, panes, active, details: chats[2] !== undefined };
}

export function addressOf({ shelf, panes, details }: Place): string {
    return panes.length === 0 ? `#inbox/${shelf}` : `#chat/${panes.join("+")}${details ? "/details" : ""}`;
}

/** The part of the page's address that names a page of the settings, such as `settings/levels`. */
export function settingsAddress(): string | undefined {
    return SETTINGS.exec(location.hash)?.[1];
}
