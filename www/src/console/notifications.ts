/**
 * Desktop notifications and sounds. They say that something came, never what: what stands in a notification
 * leaves the browser for the system, its log and its lock screen.
 */

import type { ContactId } from "sottovoce";
import { Attention } from "../conversation/attention.js";
import type { Came } from "./news.js";
import type { Preferences } from "./preferences.js";

export class Notifications {
    readonly #preferences: Preferences;
    readonly #open: (contact: ContactId) => void;
    readonly #attention: Attention;

    constructor(preferences: Preferences, open: (contact: ContactId) => void, leads: () => boolean) {
        this.#preferences = preferences;
        this.#open = open;
        this.#attention = new Attention(() => preferences.sounds && leads());
    }

    /** Whether the browser can show any. */
    static get possible(): boolean {
        return "Notification" in window;
    }

    /** Whether they are wanted and allowed. */
    get on(): boolean {
        return Notifications.possible && this.#preferences.notifications && Notification.permission === "granted";
    }

    /** Asks the browser for leave; only ever called from a button. `false`: it said no. */
    async turnOn(): Promise<boolean> {
        const leave = await Notification.requestPermission();
        this.#preferences.notifications = leave === "granted";
        return leave === "granted";
    }

    turnOff(): void {
        this.#preferences.notifications = false;
    }

    /** Counts in the page's title what waits and what was not read. */
    count(number: number): void {
        this.#attention.show(number);
    }

    /** Tells of what came, save of chats that the person looks at. */
    tell({ waiting, messages }: Came, isSeen: (contact: ContactId) => boolean): void {
        if (!this.on) return;
        for (const contact of waiting) if (!isSeen(contact)) this.#show("A visitor waits", contact);
        for (const contact of messages) if (!isSeen(contact)) this.#show("New message", contact);
    }

    #show(title: string, contact: ContactId): void {
        try {
            const shown = new Notification(title, { tag: contact, silent: true });
            shown.onclick = () => {
                window.focus();
                shown.close();
                this.#open(contact);
            };
        } catch {
            // Some phones show none from a page; the title and the list count what came.
        }
    }
}
