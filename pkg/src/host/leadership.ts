/**
 * Which tab leads: the one that holds a Web Lock. A tab that becomes visible takes over from a
 * hidden one, also from one that the browser has frozen; a page in the back/forward cache leads
 * nothing.
 */

/** What a tab does when it is told to lead or to stop. */
export interface LeadershipEvents {
    lead(): Promise<void>;
    retire(): void;
    /** Asks the leader to stop in favour of this tab; `true` if it did or does not answer. */
    ask(): Promise<boolean>;
    /** There are no Web Locks and another tab leads. */
    readOnly(): void;
}

export class Leadership {
    readonly #name: string;
    readonly #events: LeadershipEvents;
    readonly #listeners = new AbortController();
    #request: AbortController | undefined;
    #release: (() => void) | undefined;
    #asking = false;

    constructor(name: string, events: LeadershipEvents) {
        this.#name = name;
        this.#events = events;
        const { signal } = this.#listeners;
        addEventListener("pagehide", () => this.leave(), { signal });
        addEventListener("pageshow", ({ persisted }) => persisted && this.join(), { signal });
        document.addEventListener("visibilitychange", () => void this.#takeOver(), { signal });
    }

    /** Leads when no other tab does, or after it. */
    join(): void {
        if (!("locks" in navigator)) {
            void this.#joinWithoutLocks();
            return;
        }
        if (this.#request) return;
        this.#request = new AbortController();
        void this.#hold({ signal: this.#request.signal });
        void this.#takeOver();
    }

    /** Stops leading, or waiting for it. */
    leave(): void {
        this.#request?.abort();
        this.#request = undefined;
        this.#giveUp();
    }

    /** Stops leading in favour of another tab, and waits for the next chance. */
    yield(): void {
        this.leave();
        // The tab that asked takes the lock first: it steals it.
        setTimeout(() => !this.#listeners.signal.aborted && this.join(), 1000);
    }

    /** Leaves for good. */
    stop(): void {
        this.#listeners.abort();
        this.leave();
    }

    #giveUp(): void {
        const release = this.#release;
        this.#release = undefined;
        if (!release) return;
        this.#events.retire();
        release();
    }

    async #hold(options: LockOptions): Promise<void> {
        const request = this.#request;
        try {
            await navigator.locks.request(this.#name, options, async () => {
                if (this.#request !== request || !request) return;
                const released = new Promise<void>((resolve) => (this.#release = resolve));
                await this.#events.lead();
                await released;
            });
        } catch (error) {
            // Aborted by `leave`, or stolen by a visible tab.
            if (this.#request !== request) return;
            if (this.#release === undefined) {
                // A page without an origin, as in a sandboxed frame, is not given any.
                const refused = error instanceof DOMException && error.name === "SecurityError";
                if (refused) await this.#joinWithoutLocks();
                return;
            }
            this.#request = undefined;
            this.#giveUp();
            this.join();
        }
    }

    async #takeOver(): Promise<void> {
        if (document.visibilityState !== "visible" || this.#asking) return;
        if (!this.#request || this.#release) return;
        this.#asking = true;
        try {
            const { held } = await navigator.locks.query().catch(() => ({ held: [] }));
            const led = held?.some((lock) => lock.name === this.#name) ?? false;
            if (!led || this.#release || !(await this.#events.ask())) return;
            if (!this.#request || this.#release) return;
            this.#request.abort();
            this.#request = new AbortController();
            void this.#hold({ steal: true });
        } finally {
            this.#asking = false;
        }
    }

    async #joinWithoutLocks(): Promise<void> {
        this.#request = new AbortController();
        // Whoever leads says so; silence means that nobody does.
        if (!(await this.#events.ask())) return this.#events.readOnly();
        this.#release = () => {};
        await this.#events.lead();
    }
}
