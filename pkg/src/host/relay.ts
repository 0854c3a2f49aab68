/** The WebSocket to the relay: opened again whenever it is lost, with jitter. */

import { SottovoceError } from "../error.js";

const SUBPROTOCOL = "sottovoce.0";
const FIRST_DELAY = 500;
const LONGEST_DELAY = 30_000;
/** A connection that lasted this long (in milliseconds) was a good one. */
const STABLE_AFTER = 10_000;

/** Where a relay listens for one account. */
export interface RelayAddress {
    /** What the WebSocket dials. */
    readonly url: string;
    /** What the core signs when it authenticates: the HTTP `Host` header. */
    readonly host: string;
}

/**
 * The address of a relay, given as the `https` (or `wss`) URL of its host.
 *
 * @throws SottovoceError `insecure-relay` for a plain connection to anything but this machine.
 */
export function relayAddress(relay: string, account: string): RelayAddress {
    let url: URL;
    try {
        url = new URL("/v1/connect", relay);
    } catch (cause) {
        throw new SottovoceError("invalid-relay", "The relay's address is not a URL.", { cause });
    }
    const secure = url.protocol === "https:" || url.protocol === "wss:";
    if (!secure && !isLoopback(url.hostname)) {
        throw new SottovoceError(
            "insecure-relay",
            "A relay is reached over TLS only, except on this machine.",
        );
    }
    url.protocol = secure ? "wss:" : "ws:";
    url.searchParams.set("account", account);
    return { url: url.href, host: url.host };
}

function isLoopback(hostname: string): boolean {
    return (
        hostname === "localhost" ||
        hostname.endsWith(".localhost") ||
        hostname === "[::1]" ||
        /^127(\.\d{1,3}){3}$/.test(hostname)
    );
}

/** What a connection tells its owner. */
export interface RelayEvents {
    connected(): void;
    frame(bytes: Uint8Array): void;
    disconnected(): void;
}

/** A connection that is kept until `stop`. */
export class RelayConnection {
    readonly #address: RelayAddress;
    readonly #events: RelayEvents;
    readonly #listeners = new AbortController();
    #socket: WebSocket | undefined;
    /** When it opened; 0 until then. */
    #opened = 0;
    #retry: ReturnType<typeof setTimeout> | undefined;
    #failures = 0;

    constructor(address: RelayAddress, events: RelayEvents) {
        this.#address = address;
        this.#events = events;
        const { signal } = this.#listeners;
        addEventListener("online", () => this.#dialAnew(), { signal });
        // The browser knows at once what the connection would learn in minutes.
        addEventListener("offline", () => this.#lose(), { signal });
        document.addEventListener(
            "visibilitychange",
            () => document.visibilityState === "visible" && !this.#socket && this.#dialAnew(),
            { signal },
        );
        this.#dial();
    }

    /** Sends a message, or drops it when there is no connection: the core sends it again. */
    send(bytes: Uint8Array): void {
        if (this.#socket?.readyState === WebSocket.OPEN) {
            // The core's memory is never shared between threads.
            this.#socket.send(bytes as Uint8Array<ArrayBuffer>);
        }
    }

    /** Ends the connection for good. */
    stop(): void {
        this.#listeners.abort();
        clearTimeout(this.#retry);
        const socket = this.#socket;
        this.#socket = undefined;
        socket?.close(1000);
    }

    #dial(): void {
        const socket = new WebSocket(this.#address.url, SUBPROTOCOL);
        socket.binaryType = "arraybuffer";
        this.#socket = socket;
        this.#opened = 0;
        const current = () => this.#socket === socket;
        socket.onopen = () => {
            if (!current()) return;
            this.#opened = Date.now();
            this.#events.connected();
        };
        socket.onmessage = ({ data }: MessageEvent<unknown>) => {
            if (current() && data instanceof ArrayBuffer) this.#events.frame(new Uint8Array(data));
        };
        socket.onclose = () => current() && this.#lose();
    }

    /** The connection is gone, or is given up; another one follows. */
    #lose(): void {
        const socket = this.#socket;
        if (!socket) return;
        this.#socket = undefined;
        socket.close();
        const stable = this.#opened > 0 && Date.now() - this.#opened >= STABLE_AFTER;
        this.#failures = stable ? 0 : this.#failures + 1;
        this.#retry = setTimeout(() => this.#dial(), retryDelay(this.#failures));
        if (this.#opened > 0) this.#events.disconnected();
    }

    #dialAnew(): void {
        if (this.#opened > 0 && this.#socket) return;
        clearTimeout(this.#retry);
        // One that does not open may wait for a network that is gone.
        const waiting = this.#socket;
        this.#socket = undefined;
        waiting?.close();
        this.#failures = 0;
        this.#dial();
    }
}

/** Doubles with each failure; half of it is random, so that clients do not return together. */
function retryDelay(failures: number): number {
    const whole = Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** failures);
    return whole / 2 + (Math.random() * whole) / 2;
}
