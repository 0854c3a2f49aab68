/** The two builds of the core: the one for visitors cannot be staff, the other one can. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import * as staff from "sottovoce/staff";
import * as visitor from "sottovoce/visitor";

const kinds = {
    visitor: /** @type {const} */ ({ type: "visitor" }),
    staff: /** @type {const} */ ({ type: "staff", name: "Ada" }),
};

/** @param {"visitor" | "staff"} who */
async function core(who) {
    const { init } = { visitor, staff }[who];
    return init(await readFile(new URL(import.meta.resolve(`sottovoce/${who}.wasm`))));
}

/**
 * @param {import("sottovoce").Core} core
 * @param {import("sottovoce").Kind} kind
 */
const open = (core, kind) =>
    core.open(
        {
            account: "A".repeat(43),
            host: "chat.example",
            kind,
            storageKey: new Uint8Array(32),
            generation: 0,
        },
        [],
        0,
    );

for (const who of /** @type {const} */ (["visitor", "staff"])) {
    test(`the core for ${who} serves a visitor and knows the visitor's commands`, async () => {
        const client = open(await core(who), kinds.visitor);
        client.handle(0, { type: "command", command: { type: "close", contact: "A".repeat(22) } });
        client.free();
    });
}

test("the core for visitor pages knows neither staff nor what only they do", async () => {
    const loaded = await core("visitor");
    assert.throws(() => open(loaded, kinds.staff), { code: "malformed" });
    const client = open(loaded, kinds.visitor);
    const claim = /** @type {const} */ ({ type: "claim", contact: "A".repeat(22) });
    assert.throws(() => client.handle(0, { type: "command", command: claim }), {
        code: "malformed",
    });
});

test("the core for staff knows both", async () => {
    const client = open(await core("staff"), kinds.staff);
    client.handle(0, { type: "command", command: { type: "claim", contact: "A".repeat(22) } });
    const outputs = [];
    for (let next = client.poll(0); next; next = client.poll(0)) outputs.push(next);
    const events = outputs.flatMap((output) => (output.type === "event" ? [output.event] : []));
    assert.deepEqual(
        events.flatMap((event) => (event.type === "failed" ? [event.code] : [])),
        ["unknown-contact"],
    );
});
