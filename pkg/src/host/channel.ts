/** What the tabs of one device say to each other. */

import type { Command, ContactId, Event } from "../wasm/staff/sottovoce.js";

export type TabMessage =
    /** A follower wants to know everything. */
    | { type: "hello" }
    /** The leader: this replaces everything known. */
    | { type: "snapshot"; events: Event[] }
    /** The leader: this happened. */
    | { type: "event"; event: Event }
    /** The leader: a contact is no longer followed. */
    | { type: "forget"; contact: ContactId }
    /** A follower's wish, named so that it can be repeated and answered. */
    | { type: "request"; id: string; request: TabRequest }
    /** The leader has passed it on, or could not. */
    | { type: "done"; id: string; code?: string }
    /** A visible follower wants to lead. */
    | { type: "mayLead"; id: string }
    /** The leader: it may (the leader has stopped), or not. */
    | { type: "answer"; id: string; lead: boolean };

export type TabRequest = { type: "command"; command: Command } | { type: "startAnew" };

/** A broadcast channel of these messages. */
export class TabChannel {
    readonly #channel: BroadcastChannel;

    constructor(name: string, listener: (message: TabMessage) => void) {
        this.#channel = new BroadcastChannel(name);
        this.#channel.onmessage = ({ data }: MessageEvent<TabMessage>) => listener(data);
    }

    post(message: TabMessage): void {
        this.#channel.postMessage(message);
    }

    close(): void {
        this.#channel.close();
    }
}
