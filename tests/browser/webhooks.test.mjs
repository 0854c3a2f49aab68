/** The verifier of webhooks, over the vectors that Rust and Python run too. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { SeenIds, WebhookError, verifyHmacSha1, verifyStandard } from "sottovoce/webhooks";

/**
 * @typedef {{ name: string, token_use: "text" | "hex", tokens: string[], body: string, header: string,
 *     outcome: string }} HmacVector
 * @typedef {{ name: string, keys: string[], id: string, timestamp: string, signature: string,
 *     body: string, now: number, outcome: string }} StandardVector
 * @typedef {{ hmac_sha1: HmacVector[], standard: StandardVector[],
 *     malformed: { tokens: string[], keys: string[] },
 *     seen: { keep: number, calls: { id: string, now: number, new: boolean }[] } }} Vectors
 */

/** @type {Vectors} */
const vectors = JSON.parse(await readFile(new URL("../vectors/webhooks.json", import.meta.url), "utf8"));

/** @param {Promise<void>} verifying */
async function word(verifying) {
    try {
        await verifying;
        return "ok";
    } catch (error) {
        assert(error instanceof WebhookError);
        return error.code;
    }
}

test("webhooks: HMAC-SHA1 is verified as the vectors say", async () => {
    assert(vectors.hmac_sha1.length > 20);
    for (const { name, token_use, tokens, body, header, outcome } of vectors.hmac_sha1) {
        const bytes = Buffer.from(body, "base64");
        assert.equal(await word(verifyHmacSha1(header, bytes, tokens, token_use)), outcome, name);
    }
});

test("webhooks: Standard Webhooks are verified as the vectors say", async () => {
    assert(vectors.standard.length > 30);
    for (const { name, keys, id, timestamp, signature, body, now, outcome } of vectors.standard) {
        const bytes = Buffer.from(body, "base64");
        const headers = { id, timestamp, signature };
        assert.equal(await word(verifyStandard(headers, bytes, keys, now)), outcome, name);
    }
});

test("webhooks: a body may be a string, which stands for its UTF-8", async () => {
    const vector = vectors.hmac_sha1.find(({ name }) => name === "a body that is not ASCII");
    assert(vector);
    const text = Buffer.from(vector.body, "base64").toString("utf8");
    assert.equal(await word(verifyHmacSha1(vector.header, text, vector.tokens)), "ok");
});

test("webhooks: headers that are not there are malformed", async () => {
    const [first] = vectors.hmac_sha1;
    assert(first);
    assert.equal(await word(verifyHmacSha1(undefined, "", first.tokens)), "malformed-header");
    const headers = { id: null, timestamp: undefined, signature: null };
    assert.equal(await word(verifyStandard(headers, "", [])), "malformed-header");
});

test("webhooks: what is no token and no key is refused", async () => {
    for (const token of vectors.malformed.tokens) {
        assert.equal(await word(verifyHmacSha1("00".repeat(20), "", [token])), "malformed-key", token);
    }
    for (const key of vectors.malformed.keys) {
        const headers = { id: "evt_1", timestamp: "0", signature: "v1,AAAA" };
        assert.equal(await word(verifyStandard(headers, "", [key], 0)), "malformed-key", key);
    }
});

test("webhooks: an event that comes again is known for as long as was asked", () => {
    const ids = new SeenIds(vectors.seen.keep);
    for (const { id, now, new: isNew } of vectors.seen.calls) {
        assert.equal(ids.isNew(id, now), isNew, `${id} at ${now}`);
    }
});
