/** `window.sottovoce`: commands by name, also those that were called before the loader had come. */

import type { ChatCommands, ChatQueue } from "sottovoce/widget";

const COMMANDS = new Set<string>([
    "open",
    "close",
    "toggle",
    "show",
    "hide",
    "identify",
    "setDetails",
    "logout",
    "setLocale",
    "setTheme",
    "on",
    "off",
    "destroy",
] satisfies (keyof ChatCommands)[]);

type Commands = Record<string, (...values: unknown[]) => unknown>;

export class Queue {
    #waiting: unknown[][] = [];
    /** Handlers are those of the page, whichever element is on it. */
    #handlers: unknown[][] = [];
    #element: (ChatCommands & Element) | undefined;

    constructor() {
        const before = window.sottovoce;
        // Another loader was here first.
        if (before?.live) return;
        const queue = (...call: unknown[]) => this.#call(call);
        window.sottovoce = Object.assign(queue as ChatQueue, { live: true as const });
        for (const call of before?.q ?? []) this.#call(call);
    }

    /** An element has begun: what waited for one is done. */
    begun(element: ChatCommands): void {
        this.#element = element as ChatCommands & Element;
        const calls = [...this.#handlers, ...this.#waiting.splice(0)];
        for (const call of calls) this.#perform(call);
    }

    #call(call: unknown[]): unknown {
        const [name, ...values] = call;
        if (typeof name !== "string" || !COMMANDS.has(name)) {
            console.warn(`sottovoce: there is no command “${String(name)}”`);
            return undefined;
        }
        const same = ([event, handler]: unknown[]) => event === values[0] && handler === values[1];
        if (name === "on" || name === "off") this.#handlers = this.#handlers.filter(([, ...one]) => !same(one));
        if (name === "destroy") this.#handlers = [];
        const ready = this.#element?.isConnected ?? false;
        if (name === "on") this.#handlers.push(call);
        else if (!ready) this.#waiting.push(call);
        return ready ? this.#perform(call) : undefined;
    }

    #perform([name, ...values]: unknown[]): unknown {
        return (this.#element as unknown as Commands)[String(name)]?.(...values);
    }
}
