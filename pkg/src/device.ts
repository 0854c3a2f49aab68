/** This browser as a participant, whichever of its tabs does the work. */

import { SottovoceError, codeOf } from "./error.js";
import { TabChannel, type TabMessage, type TabRequest } from "./host/channel.js";
import { Engine } from "./host/engine.js";
import { Leadership } from "./host/leadership.js";
import type { Core } from "./init.js";
import { relayAddress, type RelayAddress } from "./host/relay.js";
import { openStore, startAnew, storeExists } from "./host/store.js";
import { Mirror } from "./mirror.js";
import type { Command, Config, Event } from "./wasm/staff/sottovoce.js";

export interface DeviceOptions extends Omit<Config, "host" | "storageKey" | "generation"> {
    /** The relay's `https` URL; plain `http` for this machine only. */
    relay: string;
    /** Calls `init`; only a tab that leads does. */
    load: () => Promise<Core>;
}

/**
 * `starting`: not known yet; `leading`: this tab runs the core; `following`: another one does;
 * `read-only`: another one does and this one cannot reach it; `failed`: see `failure`.
 */
export type TabRole = "starting" | "leading" | "following" | "read-only" | "failed";

/** Something changed: an event of the core, or this tab's role, or everything. */
export type DeviceEvent = Event | { type: "tab"; role: TabRole } | { type: "reset" };

const ANSWER_WITHIN = 700;
const REPEAT_AFTER = 2000;

export class Device {
    /** The newest views. */
    readonly state = new Mirror();
    role: TabRole = "starting";
    /** The code of why this tab cannot lead. */
    failure: string | undefined;
    readonly #options: DeviceOptions;
    readonly #name: string;
    readonly #address: RelayAddress;
    readonly #listeners = new Set<(event: DeviceEvent) => void>();
    readonly #channel: TabChannel;
    readonly #leadership: Leadership;
    readonly #requests = new Map<string, PendingRequest>();
    readonly #answered = new Set<string>();
    #answer: ((lead: boolean) => void) | undefined;
    #asked = "";
    #engine: Engine | undefined;
    #repeat: ReturnType<typeof setInterval> | undefined;
    /** Counts the times that this tab began to lead or stopped, to tell a late start. */
    #turn = 0;
    #closed = false;

    /** Whether this browser has state of such a device. Does not write anything. */
    static exists(options: Pick<DeviceOptions, "account" | "kind">): Promise<boolean> {
        return storeExists(storeName(options));
    }

    /** Forgets such a device and its contacts if there is one, also in tabs that have it open. */
    static forget(options: Pick<DeviceOptions, "account" | "kind">): Promise<void> {
        return startAnew(storeName(options));
    }

    /** Makes the device if there is none. From here on things are stored. */
    constructor(options: DeviceOptions) {
        this.#options = options;
        this.#name = storeName(options);
        this.#address = relayAddress(options.relay, options.account);
        this.#channel = new TabChannel(this.#name, (message) => this.#hear(message));
        this.#leadership = new Leadership(this.#name, {
            lead: () => this.#lead(),
            retire: () => this.#retire(),
            ask: () => this.#ask(),
            readOnly: () => this.#setRole("read-only"),
        });
        this.#channel.post({ type: "hello" });
        this.#leadership.join();
    }

    /** Calls the listener after each change; returns how to stop that. */
    subscribe(listener: (event: DeviceEvent) => void): () => void {
        this.#listeners.add(listener);
        return () => this.#listeners.delete(listener);
    }

    /** Resolves when what follows from the command is durable; its outcome comes as events. */
    command(command: Command): Promise<void> {
        return this.#request({ type: "command", command });
    }

    /** Sends a text to everyone on the roster. */
    sendText(contact: string, text: string): Promise<void> {
        const body = new TextEncoder().encode(text);
        return this.command({ type: "send", contact, kind: "text", body });
    }

    /** Forgets this device and its contacts, and begins with new keys. */
    startAnew(): Promise<void> {
        return this.#request({ type: "startAnew" });
    }

    /** Stops. What is stored stays. */
    close(): void {
        this.#closed = true;
        clearInterval(this.#repeat);
        this.#leadership.stop();
        this.#channel.close();
        this.#listeners.clear();
    }

    async #lead(): Promise<void> {
        const turn = ++this.#turn;
        try {
            const core = await this.#options.load();
            if (turn === this.#turn) await this.#start(core, turn);
        } catch (error) {
            console.error("sottovoce:", error);
            this.failure = codeOf(error);
            this.#setRole("failed");
        }
    }

    async #start(core: Core, turn: number): Promise<void> {
        const followed = [...this.state.conversations].map(({ contact }) => contact);
        const store = await openStore(this.#name);
        if (turn !== this.#turn) return store.close();
        this.#reset();
        try {
            this.#engine = new Engine(core, this.#options, this.#address, store, {
                event: (event) => this.#happened(event),
                superseded: () => this.#leadership.yield(),
            });
        } catch (error) {
            store.close();
            if (codeOf(error) !== "state-unreadable" || !store.durable) throw error;
            // Losing the key is a normal fresh start, and people are told.
            await startAnew(this.#name);
            await this.#start(core, turn);
            this.#happened({ type: "alarm", code: "state-unreadable", stopsSending: false });
            return;
        }
        this.failure = undefined;
        this.#setRole("leading");
        this.#channel.post({ type: "snapshot", events: this.state.replay() });
        if (this.#options.kind.type === "staff") {
            for (const contact of followed) void this.#engine.command({ type: "open", contact }).catch(() => {});
        }
        for (const [id, { request }] of this.#requests) void this.#serve(id, request);
    }

    #retire(): void {
        this.#turn += 1;
        this.#engine?.stop();
        this.#engine = undefined;
        if (this.#closed) return;
        this.#setRole("following");
        // What was learnt after another tab took over is not what counts.
        this.#channel.post({ type: "hello" });
    }

    #happened(event: Event): void {
        this.state.apply(event);
        this.#channel.post({ type: "event", event });
        this.#tell(event);
    }

    #reset(events: Event[] = []): void {
        this.state.clear();
        for (const event of events) this.state.apply(event);
        this.#tell({ type: "reset" });
    }

    #setRole(role: TabRole): void {
        this.role = role;
        this.#tell({ type: "tab", role });
    }

    #tell(event: DeviceEvent): void {
        for (const listener of this.#listeners) listener(event);
    }

    #hear(message: TabMessage): void {
        if (this.#engine) this.#hearAsLeader(message);
        else this.#hearAsFollower(message);
    }

    #hearAsLeader(message: TabMessage): void {
        switch (message.type) {
            case "hello":
                this.#channel.post({ type: "snapshot", events: this.state.replay() });
                break;
            case "request":
                void this.#serve(message.id, message.request);
                break;
            case "mayLead": {
                const lead = "locks" in navigator && document.visibilityState === "hidden";
                if (lead) this.#leadership.yield();
                this.#channel.post({ type: "answer", id: message.id, lead });
                break;
            }
        }
    }

    #hearAsFollower(message: TabMessage): void {
        switch (message.type) {
            case "snapshot":
                this.#reset(message.events);
                if (this.role === "starting") this.#setRole("following");
                for (const [id, { request }] of this.#requests) {
                    this.#channel.post({ type: "request", id, request });
                }
                break;
            case "event":
                this.state.apply(message.event);
                this.#tell(message.event);
                break;
            case "forget":
                this.state.forget(message.contact);
                this.#tell({ type: "reset" });
                break;
            case "done":
                this.#settle(message.id, message.code);
                break;
            case "answer":
                if (message.id === this.#asked) this.#answer?.(message.lead);
                break;
        }
    }

    /** Does a request here, or asks the leader until it answers. */
    #request(request: TabRequest): Promise<void> {
        if (this.role === "read-only" || this.role === "failed") {
            const code = this.failure ?? "read-only";
            return Promise.reject(new SottovoceError(code, "This tab cannot send."));
        }
        const id = crypto.randomUUID();
        if (request.type === "command" && request.command.type === "send") {
            // Two leaders may be asked for it, when the first one ends.
            request = { ...request, command: { id: randomId(), ...request.command } };
        }
        return new Promise((resolve, reject) => {
            this.#requests.set(id, { request, resolve, reject });
            if (this.#engine) void this.#serve(id, request);
            else this.#channel.post({ type: "request", id, request });
            // A leader may have gone with the message; the next one gets it again.
            this.#repeat ??= setInterval(() => this.#repeatRequests(), REPEAT_AFTER);
        });
    }

    #repeatRequests(): void {
        if (this.#engine) return;
        for (const [id, { request }] of this.#requests) {
            this.#channel.post({ type: "request", id, request });
        }
    }

    async #serve(id: string, request: TabRequest): Promise<void> {
        if (this.#answered.has(id)) return;
        this.#answered.add(id);
        let code: string | undefined;
        try {
            await this.#perform(request);
        } catch (error) {
            code = codeOf(error);
            if (code === "stopped") {
                // The next leader is asked again.
                this.#answered.delete(id);
                return;
            }
        }
        this.#settle(id, code);
        this.#channel.post(code === undefined ? { type: "done", id } : { type: "done", id, code });
    }

    async #perform(request: TabRequest): Promise<void> {
        if (request.type === "startAnew") {
            this.#engine?.stop();
            this.#engine = undefined;
            this.state.clear();
            await startAnew(this.#name);
            // Whoever has the core already is given it at once.
            await this.#start(await this.#options.load(), this.#turn);
            return;
        }
        const { command } = request;
        const done = this.#engine?.command(command);
        if (command.type === "leave") {
            this.state.forget(command.contact);
            this.#channel.post({ type: "forget", contact: command.contact });
            this.#tell({ type: "reset" });
        }
        await (done ?? Promise.reject(new SottovoceError("stopped", "This tab does not lead.")));
    }

    #settle(id: string, code: string | undefined): void {
        const pending = this.#requests.get(id);
        this.#requests.delete(id);
        if (!pending) return;
        if (code === undefined) pending.resolve();
        else pending.reject(new SottovoceError(code, "The other tab could not do it."));
    }

    #ask(): Promise<boolean> {
        const id = crypto.randomUUID();
        this.#asked = id;
        return new Promise((resolve) => {
            this.#answer = resolve;
            setTimeout(() => resolve(true), ANSWER_WITHIN);
            this.#channel.post({ type: "mayLead", id });
        });
    }
}

interface PendingRequest {
    request: TabRequest;
    resolve: () => void;
    reject: (error: SottovoceError) => void;
}

/** 16 random bytes as base64url. */
function randomId(): string {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").slice(0, 22);
}

function storeName({ account, kind }: Pick<DeviceOptions, "account" | "kind">): string {
    return `sottovoce/${account}/${kind.type}`;
}
