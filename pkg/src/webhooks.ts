/**
 * For servers that receive Sottovoce's webhooks: whether a call is to be believed. Nothing here
 * needs the rest of the package. It runs wherever there is Web Crypto: Node.js 20, Deno, Bun, workers.
 *
 * Give these functions the body as it came, byte for byte, and not what `JSON.parse` makes of it.
 */

/** How far the sender's clock and the receiver's may differ, in seconds. */
export const TOLERANCE = 300;

/** The header that carries HMAC-SHA1, unless the endpoint names another. */
export const HMAC_HEADER = "x-sottovoce-hmac-sha1";

export type WebhookErrorCode = "malformed-header" | "stale-timestamp" | "bad-signature" | "malformed-key";

/** A call that is not to be believed, or a key that is none. */
export class WebhookError extends Error {
    override readonly name = "WebhookError";

    constructor(
        /** Stable, for programs. */
        readonly code: WebhookErrorCode,
        message: string,
    ) {
        super(message);
    }
}

/** The body as it came; a string stands for its UTF-8. */
export type Body = string | Uint8Array | ArrayBuffer;

/** How the account's secret token is the key: its 96 characters, or the 48 bytes that they spell. */
export type TokenUse = "text" | "hex";

/** The Standard Webhooks headers as they came. */
export interface StandardHeaders {
    /** `webhook-id` */
    readonly id: string | null | undefined;
    /** `webhook-timestamp` */
    readonly timestamp: string | null | undefined;
    /** `webhook-signature`: one or more, separated by spaces. */
    readonly signature: string | null | undefined;
}

/**
 * Verifies the HMAC-SHA1 header, in either letter case, under any of the tokens that are valid: two
 * while the account changes its token.
 *
 * It proves who sent the body but not when: a call that was recorded can be sent again. Prefer
 * {@link verifyStandard} where that matters.
 *
 * @throws {WebhookError}
 */
export async function verifyHmacSha1(
    header: string | null | undefined,
    body: Body,
    tokens: readonly string[],
    tokenUse: TokenUse = "text",
): Promise<void> {
    const keys = tokens.map((token) => tokenKey(token, tokenUse));
    const given = fromHex(header ?? "");
    if (given === undefined || given.length !== 20) {
        throw malformed();
    }
    const message = toBytes(body);
    for (const key of keys) {
        if (await isHmac("SHA-1", key, given, message)) {
            return;
        }
    }
    throw bad();
}

/**
 * Verifies that one of the signatures was made by one of the keys (`whsec_…` or `whpk_…`), within
 * five minutes of `now` (seconds since 1970). Signatures of versions that none of the keys is for
 * are passed over.
 *
 * @throws {WebhookError}
 */
export async function verifyStandard(
    headers: StandardHeaders,
    body: Body,
    keys: readonly string[],
    now: number = Math.floor(Date.now() / 1000),
): Promise<void> {
    const usable = keys.map(readKey);
    const { id, timestamp, signature } = headers;
    if (!id || !timestamp || !/^[0-9]{1,12}$/.test(timestamp) || !signature) {
        throw malformed();
    }
    if (Math.abs(Number(timestamp) - now) > TOLERANCE) {
        throw new WebhookError("stale-timestamp", "the timestamp is more than five minutes off");
    }
    const message = joined(toBytes(`${id}.${timestamp}.`), toBytes(body));
    for (const one of signature.split(" ")) {
        const comma = one.indexOf(",");
        const version = one.slice(0, Math.max(comma, 0));
        const given = fromBase64(one.slice(comma + 1));
        if (given === undefined) {
            continue;
        }
        for (const key of usable) {
            if (key.version === version && (await isSigned(key, given, message))) {
                return;
            }
        }
    }
    throw bad();
}

/**
 * Remembers the ids of events that were taken in, so that one that comes again is known: an answer
 * may be lost on its way, and then the sender must send once more. Answer 2xx to those, and do
 * nothing.
 *
 * It lives in memory and forgets after `keep` seconds; a receiver with a database keeps the ids there,
 * in the transaction that takes the event in.
 */
export class SeenIds {
    readonly #keep: number;
    /** In the order in which they came. */
    readonly #seen = new Map<string, number>();

    /** Remembers each id for `keep` seconds. Retries go on for about three days. */
    constructor(keep: number) {
        this.#keep = keep;
    }

    /** Whether this id is new at `now` (seconds since 1970). Ask only after the signature verified. */
    isNew(id: string, now: number = Math.floor(Date.now() / 1000)): boolean {
        for (const [old, at] of this.#seen) {
            if (now - at <= this.#keep) {
                break;
            }
            this.#seen.delete(old);
        }
        if (this.#seen.has(id)) {
            return false;
        }
        this.#seen.set(id, now);
        return true;
    }
}

interface Key {
    readonly version: "v1" | "v1a";
    readonly bytes: Bytes;
}

type Bytes = Uint8Array<ArrayBuffer>;

function readKey(text: string): Key {
    const isPublic = text.startsWith("whpk_");
    const isShared = text.startsWith("whsec_");
    const bytes = isPublic || isShared ? fromBase64(text.slice(text.indexOf("_") + 1)) : undefined;
    const length = bytes?.length ?? 0;
    const isUsable = isPublic ? length === 32 : length >= 24 && length <= 64;
    if (bytes === undefined || !isUsable) {
        throw new WebhookError("malformed-key", "not a key of the form whsec_… or whpk_…");
    }
    return { version: isPublic ? "v1a" : "v1", bytes };
}

function tokenKey(token: string, tokenUse: TokenUse): Bytes {
    const bytes = fromHex(token);
    if (bytes === undefined || bytes.length !== 48) {
        throw new WebhookError("malformed-key", "not a secret token of 96 hexadecimal characters");
    }
    return tokenUse === "hex" ? bytes : toBytes(token);
}

async function isSigned(key: Key, given: Bytes, message: Bytes): Promise<boolean> {
    if (key.version === "v1") {
        return isHmac("SHA-256", key.bytes, given, message);
    }
    try {
        const imported = await crypto.subtle.importKey("raw", key.bytes, "Ed25519", false, ["verify"]);
        return await crypto.subtle.verify("Ed25519", imported, given, message);
    } catch {
        return false;
    }
}

/** Web Crypto compares in constant time. */
async function isHmac(hash: string, key: Bytes, given: Bytes, message: Bytes): Promise<boolean> {
    const algorithm = { name: "HMAC", hash };
    const imported = await crypto.subtle.importKey("raw", key, algorithm, false, ["verify"]);
    return crypto.subtle.verify("HMAC", imported, given, message);
}

function toBytes(body: Body): Bytes {
    return typeof body === "string" ? new TextEncoder().encode(body) : new Uint8Array(body);
}

function joined(first: Bytes, second: Bytes): Bytes {
    const both = new Uint8Array(first.length + second.length);
    both.set(first);
    both.set(second, first.length);
    return both;
}

function fromHex(text: string): Bytes | undefined {
    if (!/^(?:[0-9a-fA-F]{2})*$/.test(text)) {
        return undefined;
    }
    const pairs = text.match(/../g) ?? [];
    return Uint8Array.from(pairs, (pair) => Number.parseInt(pair, 16));
}

function fromBase64(text: string): Bytes | undefined {
    if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text)) {
        return undefined;
    }
    return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
}

function malformed(): WebhookError {
    return new WebhookError("malformed-header", "a signature header is missing or malformed");
}

function bad(): WebhookError {
    return new WebhookError("bad-signature", "no signature verifies");
}
