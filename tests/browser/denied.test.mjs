/** Browsers that keep nothing, forget in the middle, deny what others give, or have a wrong clock. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { reads, say } from "./account.mjs";
import { finish, take } from "./agent.mjs";
import { scene } from "./scene.mjs";
import { embed, site } from "./site.mjs";

/** @import { Page } from "playwright-core" */

const HOUR = 3_600_000;

const { browser, account, ada } = await scene();

/**
 * A visitor on a page in which something was changed before its own scripts ran.
 * @template Word
 * @param {(word: Word) => void} change
 * @param {Word} [word]
 */
async function visit(change, word) {
    const page = await (await browser.newContext()).newPage();
    /** @type {string[]} */
    const thrown = [];
    page.on("pageerror", (error) => thrown.push(error.message));
    await page.addInitScript(/** @type {(word: any) => void} */ (change), word);
    await page.goto(account.shop);
    await page.getByTestId("launcher").click();
    return { page, thrown };
}

/**
 * Both sides say something and read it.
 * @param {Page} page
 * @param {string} text
 */
async function talk(page, text) {
    await say(page, text);
    await take(ada);
    await reads(ada, text);
    await say(ada, `Answer: ${text}`);
    await reads(page, `Answer: ${text}`);
}

test("a browser whose local and session storage throw has a chat all the same", async () => {
    const { page, thrown } = await visit(() => {
        for (const name of ["localStorage", "sessionStorage"]) {
            Object.defineProperty(window, name, {
                get: () => {
                    throw new DOMException("not here", "SecurityError");
                },
            });
        }
    });
    await talk(page, "Without small storage");
    await page.getByTestId("minimise").click();
    await say(ada, "One more");
    await page.locator("[data-unread='1']").waitFor();
    assert.deepEqual(thrown, []);
    await page.context().close();
    await finish(ada);
});

test("a browser that cannot keep a key keeps nothing, says so, and has a chat until the page ends", async () => {
    const { page, thrown } = await visit(() => {
        const { put } = IDBObjectStore.prototype;
        IDBObjectStore.prototype.put = function (value, key) {
            if (value.wrappingKey) throw new DOMException("no keys here", "DataCloneError");
            return put.call(this, value, key);
        };
    });
    await page.getByTestId("storage-warning").waitFor();
    await talk(page, "In private");
    assert.deepEqual(thrown, []);
    await page.reload();
    await page.getByTestId("storage-warning").waitFor();
    assert.equal(await page.getByTestId("message").count(), 0);
    await page.context().close();
    await finish(ada);
});

test("storage that is cleared in mid-chat is told, and the chat begins anew after a reload", async () => {
    const { page, thrown } = await visit(() => {});
    await talk(page, "Before it was cleared");
    const devtools = await page.context().newCDPSession(page);
    await devtools.send("Storage.clearDataForOrigin", { origin: account.origin, storageTypes: "all" });
    await say(page, "Cleared");
    await page.getByTestId("storage-warning").waitFor();
    await say(ada, "Can you read this?");
    await reads(page, "Can you read this?");
    assert.deepEqual(thrown, []);
    await page.reload();
    await page.getByTestId("launcher").click();
    await page.locator("[data-testid=connection][data-state=online]").waitFor();
    assert.equal(await page.getByTestId("message").count(), 0);
    await say(page, "A new chat");
    await page.locator("[data-testid=message][data-state=sent]").waitFor();
    assert.equal(await page.getByTestId("storage-warning").count(), 0);
    await finish(ada);
    await take(ada);
    await reads(ada, "A new chat");
    await page.context().close();
    await finish(ada);
});

test("a sandboxed frame, which has no origin and so neither storage nor locks, has a chat", async () => {
    const { address, close } = await site();
    const inner = embed({}).replace("/widget/", `${address}widget/`);
    const framed = await site({
        policy: "default-src *; script-src * 'unsafe-inline' 'wasm-unsafe-eval'",
        body: `<!doctype html><title>A frame</title><iframe sandbox="allow-scripts" srcdoc='${inner}'
            style="width: 600px; height: 700px"></iframe>`,
    });
    const page = await (await browser.newContext()).newPage();
    /** @type {string[]} */
    const thrown = [];
    page.on("pageerror", (error) => thrown.push(error.message));
    await page.goto(framed.address);
    const frame = page.frameLocator("iframe");
    await frame.getByTestId("launcher").click();
    await frame.locator("[data-testid=panel][data-tab=leading]").waitFor();
    await frame.getByTestId("storage-warning").waitFor();
    assert.deepEqual(thrown, []);
    await page.context().close();
    close();
    framed.close();
});

for (const hours of [-5, 5]) {
    test(`a visitor whose clock is wrong by ${hours} hours is told that, and loses no text`, async () => {
        const { page } = await visit((offset) => {
            const { now } = Date;
            const Real = Date;
            window.Date = /** @type {any} */ (
                class extends Real {
                    /** @param {any[]} words */
                    constructor(...words) {
                        if (words.length === 0) super(now() + offset);
                        else super(.../** @type {[any]} */ (words));
                    }
                    /** @override */
                    static now = () => now() + offset;
                }
            );
        }, hours * HOUR);
        await page.getByText("clock is wrong by more than ten minutes").first().waitFor();
        await say(page, "What time is it?");
        await page.getByText("What time is it?").waitFor();
        assert.equal(await ada.getByTestId("shelf-waiting").getByTestId("inbox-item").count(), 0);
        await page.context().close();
    });
}

test("at midnight today becomes yesterday, without anything else happening", async () => {
    const { address, close } = await site();
    const page = await (await browser.newContext({ timezoneId: "Asia/Tokyo" })).newPage();
    await page.clock.install({ time: new Date("2026-03-10T23:59:30+09:00") });
    await page.goto(address);
    await page.getByTestId("launcher").click();
    await say(page, "Just before midnight");
    const days = page.getByTestId("day");
    await days.filter({ hasText: "Today" }).waitFor();
    await page.clock.runFor(45_000);
    await days.filter({ hasText: "Yesterday" }).waitFor();
    await page.clock.runFor(24 * HOUR);
    await days.filter({ hasText: "March 10" }).waitFor();
    await page.context().close();
    close();
});
