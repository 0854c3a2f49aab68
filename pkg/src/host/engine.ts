/** Runs the core in this tab: carries out its outputs and tells it what happened. */

import { SottovoceError, codeOf } from "../error.js";
import type { Core } from "../init.js";
import type {
    Batch,
    Client,
    Command,
    Config,
    Event,
    Input,
} from "../wasm/staff/sottovoce.js";
import { RelayConnection, type RelayAddress } from "./relay.js";
import type { Store } from "./store.js";

/** What an engine tells its owner. */
export interface EngineEvents {
    event(event: Event): void;
    /** Another tab took the store; this engine has stopped and sends nothing more. */
    superseded(): void;
}

/** Longest delay that `setTimeout` takes, in milliseconds. */
const LONGEST_TIMEOUT = 2 ** 31 - 1;

/** A client, its store and its connection. */
export class Engine {
    readonly #client: Client;
    readonly #store: Store;
    readonly #events: EngineEvents;
    readonly #relay: RelayConnection;
    readonly #waiting: Input[] = [];
    /** The newest batch that is being written; `undefined` when all is durable. */
    #writing: number | undefined;
    /** Who waits until a batch is durable, or all is. */
    #unsettled: Unsettled[] = [];
    #wake: ReturnType<typeof setTimeout> | undefined;
    #running = false;
    #stopped = false;

    /** Starts from what is stored. Throws what `Client.open` throws. */
    constructor(
        core: Core,
        config: Omit<Config, "host" | "storageKey" | "generation">,
        address: RelayAddress,
        store: Store,
        events: EngineEvents,
    ) {
        const { storageKey, generation, records } = store;
        this.#store = store;
        this.#events = events;
        this.#client = core.open(
            { ...config, host: address.host, storageKey, generation },
            records,
            Date.now(),
        );
        storageKey.fill(0);
        if (!store.durable) events.event({ type: "storage", working: false });
        this.#relay = new RelayConnection(address, {
            connected: () => this.#take({ type: "connected" }),
            frame: (bytes) => this.#take({ type: "frame", bytes }),
            disconnected: () => this.#take({ type: "disconnected" }),
        });
        this.#take({ type: "tick" });
    }

    /**
     * Passes a wish on. Its outcome comes as events.
     *
     * Resolves when what follows from it is durable, so that it is not lost with this tab.
     *
     * @throws SottovoceError `stopped` when the engine stopped before that: it may be said to the next one.
     */
    command(command: Command): Promise<void> {
        if (this.#stopped) return Promise.reject(stopped());
        return new Promise((resolve, reject) => {
            this.#unsettled.push({ resolve, reject, batch: undefined });
            this.#take({ type: "command", command });
        });
    }

    /** Stops at once. What was not yet durable was not sent either. */
    stop(): void {
        if (this.#stopped) return;
        this.#stopped = true;
        clearTimeout(this.#wake);
        this.#relay.stop();
        this.#store.close();
        this.#client.free();
        for (const { reject } of this.#unsettled.splice(0)) reject(stopped());
    }

    /** A listener may give a command while outputs are carried out, so inputs queue. */
    #take(input: Input): void {
        this.#waiting.push(input);
        if (this.#running) return;
        this.#running = true;
        try {
            for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) {
                if (this.#stopped) return;
                this.#handle(next);
                this.#carryOut();
            }
        } finally {
            this.#running = false;
        }
        this.#settle(0);
    }

    /** What was begun before a batch was taken in is in the next one, if there is one. */
    #settle(durable: number): void {
        this.#unsettled = this.#unsettled.filter((one) => {
            one.batch ??= (this.#writing ?? 0) + 1;
            const done = this.#writing === undefined || one.batch <= durable;
            if (done) one.resolve();
            return !done;
        });
    }

    #handle(input: Input): void {
        try {
            this.#client.handle(Date.now(), input);
        } catch (error) {
            // A command of a wrong form is the page's mistake and must not hold up the rest.
            if (input.type !== "command") throw error;
            this.#events.event({ type: "failed", code: codeOf(error) });
        }
    }

    #carryOut(): void {
        while (!this.#stopped) {
            const output = this.#client.poll(Date.now());
            switch (output?.type) {
                case undefined:
                    return;
                case "transmit":
                    this.#relay.send(output.bytes);
                    break;
                case "store":
                    void this.#keep(output.batch);
                    break;
                case "event":
                    this.#events.event(output.event);
                    break;
                case "wakeAt":
                    this.#wakeAt(output.time);
                    break;
            }
        }
    }

    async #keep(batch: Batch): Promise<void> {
        this.#writing = batch.id;
        try {
            await this.#store.write(batch);
        } catch (error) {
            if (codeOf(error) === "superseded") {
                this.stop();
                this.#events.superseded();
                return;
            }
            if (!this.#stopped) this.#take({ type: "storeFailed", batch: batch.id });
            return;
        }
        if (this.#stopped) return;
        this.#writing = undefined;
        this.#take({ type: "stored", batch: batch.id });
        this.#settle(batch.id);
    }

    #wakeAt(time: number): void {
        clearTimeout(this.#wake);
        const delay = Math.min(Math.max(0, time - Date.now()), LONGEST_TIMEOUT);
        this.#wake = setTimeout(() => this.#take({ type: "tick" }), delay);
    }
}

interface Unsettled {
    resolve: () => void;
    reject: (error: SottovoceError) => void;
    batch: number | undefined;
}

function stopped(): SottovoceError {
    return new SottovoceError("stopped", "This tab no longer leads.");
}
