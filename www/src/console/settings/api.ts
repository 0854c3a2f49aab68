/**
 * The relay's REST API, with a token that this browser's device signed for: it lives an hour, stands in
 * memory only, and is revoked when the settings close.
 */

import { type Administration, Refusal, sentence } from "./administration.js";

/** What the console does with it. */
const SCOPES = [
    "secrets:read",
    "secrets:rotate",
    "tokens:read",
    "tokens:revoke",
    "webhooks:read",
    "webhooks:write",
];
const LIFE = 60 * 60 * 1000;
/** A token that ends within this time, in milliseconds, is not used any more. */
const MARGIN = 60_000;

/** How the names of these tokens begin, so that people know them in the list. */
export const OWN_TOKEN = "Security settings";

/** An API token, without itself. */
export interface TokenView {
    id: string;
    name: string;
    scopes: string[];
    signed_by: string;
    created: number;
    expires: number;
    revoked?: number;
}

export interface IssuedToken extends TokenView {
    token: string;
}

export interface SecretToken {
    token: string;
    created: number;
    until: number | null;
}

export interface EndpointKey {
    secret: string;
    public_key: string;
    until: number | null;
}

export interface EndpointSettings {
    url: string;
    events: string[];
    header: string;
    token_use: "text" | "hex";
    shape: "current" | "older";
}

export interface Endpoint extends EndpointSettings {
    id: string;
    insecure: boolean;
    disabled: "by-account" | "gone" | "backlog" | null;
    created: number;
}

export interface Delivery {
    id: string;
    endpoint: string;
    event: string;
    kind: string;
    contact: string | null;
    state: "pending" | "delivered" | "failed";
    attempts: number;
    created: number;
    finished: number | null;
}

export interface Attempt {
    started: number;
    duration: number;
    status: number | null;
    error: string | null;
    excerpt: string | null;
}

type Method = "GET" | "POST" | "PUT" | "DELETE";

export class Api {
    readonly #base: string;
    readonly #administration: Administration;
    readonly #who: string;
    #own: Promise<IssuedToken> | undefined;

    constructor(relay: string, account: string, administration: Administration, who: string) {
        this.#base = new URL(`/v1/accounts/${account}`, relay).href;
        this.#administration = administration;
        this.#who = who;
    }

    async tokens(): Promise<TokenView[]> {
        const { tokens } = await this.#call<{ tokens: TokenView[] }>("GET", "/tokens");
        const own = await this.#own;
        return tokens.filter(({ id }) => id !== own?.id);
    }

    /** Makes a token; what it is stands in the answer this once. */
    async createToken(name: string, scopes: string[], expires: number): Promise<IssuedToken> {
        const request = await this.#administration.requestToken(name, [...scopes].sort(), expires);
        return this.#send<IssuedToken>("POST", "/tokens", { request });
    }

    revokeToken(id: string): Promise<void> {
        return this.#call("DELETE", `/tokens/${id}`);
    }

    async secretTokens(): Promise<SecretToken[]> {
        return (await this.#call<SecretTokens>("GET", "/secret-token")).secret_tokens;
    }

    /** The former one stays valid for the overlap, in seconds. */
    async rotateSecretToken(overlap: number): Promise<SecretToken[]> {
        return (await this.#call<SecretTokens>("POST", "/secret-token", { overlap })).secret_tokens;
    }

    async endpoints(): Promise<Endpoint[]> {
        return (await this.#call<{ endpoints: Endpoint[] }>("GET", "/webhooks")).endpoints;
    }

    createEndpoint(settings: EndpointSettings): Promise<Endpoint> {
        return this.#call("POST", "/webhooks", settings);
    }

    changeEndpoint(id: string, settings: EndpointSettings, enabled: boolean): Promise<Endpoint> {
        return this.#call("PUT", `/webhooks/${id}`, { ...settings, enabled });
    }

    deleteEndpoint(id: string): Promise<void> {
        return this.#call("DELETE", `/webhooks/${id}`);
    }

    async endpointKeys(id: string): Promise<EndpointKey[]> {
        return (await this.#call<{ keys: EndpointKey[] }>("GET", `/webhooks/${id}/keys`)).keys;
    }

    async rotateEndpointKeys(id: string, overlap: number): Promise<EndpointKey[]> {
        return (await this.#call<{ keys: EndpointKey[] }>("POST", `/webhooks/${id}/keys`, { overlap })).keys;
    }

    deliveries(endpoint: string, state: string, cursor: string | undefined): Promise<DeliveryPage> {
        const query = new URLSearchParams({ endpoint, limit: "20" });
        if (state !== "") query.set("state", state);
        if (cursor !== undefined) query.set("cursor", cursor);
        return this.#call("GET", `/deliveries?${query.toString()}`);
    }

    async attempts(delivery: string): Promise<Attempt[]> {
        return (await this.#call<{ tries: Attempt[] }>("GET", `/deliveries/${delivery}`)).tries;
    }

    replay(delivery: string): Promise<unknown> {
        return this.#call("POST", `/deliveries/${delivery}/replay`);
    }

    async replayFailed(endpoint: string): Promise<number> {
        const path = `/webhooks/${endpoint}/replay`;
        return (await this.#call<{ replayed: number }>("POST", path, { since: 0 })).replayed;
    }

    /** Revokes the own token. The page may be about to go: nobody waits for the answer. */
    close(): void {
        const own = this.#own;
        this.#own = undefined;
        void own
            ?.then(({ id, token }) =>
                fetch(`${this.#base}/tokens/${id}`, {
                    method: "DELETE",
                    headers: { authorization: `Bearer ${token}` },
                    keepalive: true,
                }),
            )
            .catch(() => {});
    }

    async #call<T>(method: Method, path: string, body?: unknown): Promise<T> {
        let used: Promise<IssuedToken> | undefined;
        try {
            const { token } = await this.#token();
            used = this.#own;
            return await this.#send<T>(method, path, body, token);
        } catch (error) {
            const ended = error instanceof Refusal && ["token-expired", "token-revoked", "token-unknown"].includes(error.code);
            if (!ended) throw error;
            if (this.#own === used) this.#own = undefined;
            return this.#send<T>(method, path, body, (await this.#token()).token);
        }
    }

    async #token(): Promise<IssuedToken> {
        const known = this.#own;
        const token = await known?.catch(() => undefined);
        if (token && token.expires > Date.now() + MARGIN) return token;
        // Whoever asked at the same time may have been first.
        if (this.#own === known) {
            this.#own = this.createToken(`${OWN_TOKEN} (${this.#who})`.slice(0, 64), SCOPES, Date.now() + LIFE);
        }
        return this.#own ?? this.#token();
    }

    async #send<T>(method: Method, path: string, body?: unknown, token?: string): Promise<T> {
        const headers: Record<string, string> = {};
        if (token !== undefined) headers["authorization"] = `Bearer ${token}`;
        if (body !== undefined) headers["content-type"] = "application/json";
        const sent = body === undefined ? {} : { body: JSON.stringify(body) };
        const options: RequestInit = { method, headers, cache: "no-store", credentials: "omit", ...sent };
        const answer = await fetch(this.#base + path, options).catch(() => {
            throw new Refusal("unreachable", "The relay cannot be reached. Are you connected?");
        });
        const text = await answer.text();
        if (!answer.ok) throw problem(answer.status, text);
        return (text === "" ? undefined : JSON.parse(text)) as T;
    }
}

interface SecretTokens {
    secret_tokens: SecretToken[];
}

export interface DeliveryPage {
    deliveries: Delivery[];
    next: string | null;
}

const PROBLEMS: Readonly<Record<string, string>> = {
    "delivery-pending": "It still waits for its first time.",
    "name-invalid": "A name has 1 to 128 bytes and no control characters.",
    "rotation-under-way":
        "The token before is still valid, and only one can be beside the newest. Wait until it ends, or void it at once.",
    "not-signed": "This browser is not an administrator of the account any more.",
    "scopes-invalid": "Choose what it may do.",
    "time-off": "This device’s clock is wrong by more than five minutes.",
    "too-many-endpoints": "The account has as many webhooks as it may.",
    "unknown-account": "The relay does not serve this account.",
    "wrong-host": "The relay goes by another name than the one that this console uses.",
    throttled: "That was too much at once. Please wait a moment.",
    unavailable: "The relay cannot do that now. Please try again in a moment.",
};

/** Which field of a form a code is about. */
const FIELDS: readonly [RegExp, string][] = [
    [/^url-/, "url"],
    [/^events-/, "events"],
    [/^header-/, "header"],
    [/^name-/, "name"],
    [/^scopes-/, "scopes"],
    [/^(expired|lives-too-long)$/, "life"],
];

function problem(status: number, text: string): Refusal {
    let document: { code?: unknown; title?: unknown; detail?: unknown } = {};
    try {
        document = JSON.parse(text) as typeof document;
    } catch {
        // Somebody between here and the relay answered.
    }
    const code = typeof document.code === "string" ? document.code : `http-${status}`;
    const said = [document.title, document.detail].filter((part) => typeof part === "string").join(": ");
    const words = PROBLEMS[code] ?? (said === "" ? `The relay answered ${status}.` : sentence(said));
    return new Refusal(code, words, FIELDS.find(([pattern]) => pattern.test(code))?.[1]);
}
