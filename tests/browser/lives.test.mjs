/** What happens to tabs: frozen, thawed, left and come back to, cut off the network, a relay that is away. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { reads, say } from "./account.mjs";
import { finish, take } from "./agent.mjs";
import { scene } from "./scene.mjs";

/** @import { BrowserContext, Page } from "playwright-core" */

// Playwright turns the back/forward cache off.
const { browser, account, ada } = await scene({ ignoreDefaultArgs: ["--disable-back-forward-cache"] });

/** @param {BrowserContext} context */
async function visit(context) {
    const page = await context.newPage();
    await page.goto(account.shop);
    await page.getByTestId("launcher").click();
    return page;
}

/**
 * A visitor whose first message Ada has claimed.
 * @param {string} text
 */
async function talk(text) {
    const page = await visit(await browser.newContext());
    await say(page, text);
    await take(ada);
    await page.locator("[data-event=joined]").waitFor();
    return page;
}

/**
 * @param {Page} page
 * @param {string} tab
 */
const becomes = (page, tab) => page.locator(`[data-testid=panel][data-tab=${tab}]`).waitFor();

/**
 * @param {Page} page
 * @param {string} state
 */
const connection = (page, state) => page.locator(`[data-testid=connection][data-state=${state}]`).waitFor();

/**
 * Lets nothing of a page run any longer: no timer, no message, no event; its locks stay held. A browser without
 * windows does not freeze tabs by itself, but its debugger does the same to them. What is returned thaws it.
 * @param {Page} page
 */
async function freeze(page) {
    const devtools = await page.context().newCDPSession(page);
    await devtools.send("Debugger.enable");
    const paused = new Promise((resolve) => devtools.once("Debugger.paused", resolve));
    await devtools.send("Debugger.pause");
    void devtools.send("Runtime.evaluate", { expression: "0" });
    await paused;
    return async () => {
        await devtools.send("Debugger.resume");
        await devtools.detach();
    };
}

test("a frozen tab hands the chat to the one that is looked at, and follows when it thaws", async () => {
    const first = await talk("From the tab that will freeze");
    await becomes(first, "leading");
    const thaw = await freeze(first);
    const second = await visit(first.context());
    await becomes(second, "leading");
    await say(second, "From the other tab");
    await reads(ada, "From the other tab");
    await say(ada, "I hear you");
    await reads(second, "I hear you");
    await thaw();
    await becomes(first, "following");
    for (const page of [first, second]) {
        for (const text of ["From the tab that will freeze", "From the other tab", "I hear you"]) await reads(page, text);
    }
    await say(first, "Thawed");
    for (const page of [first, second, ada]) await reads(page, "Thawed");
    assert.equal(await first.getByTestId("alarm").count(), 0);
    await first.context().close();
    await finish(ada);
});

test("a page that comes back from the back/forward cache goes on with its chat", async () => {
    const page = await talk("Before I looked elsewhere");
    await page.evaluate(() => {
        addEventListener("pageshow", ({ persisted }) => Object.assign(window, { persisted }));
    });
    await page.goto(`${account.origin}/shop/config.json`);
    await say(ada, "Said meanwhile");
    await page.goBack({ waitUntil: "commit" });
    await reads(page, "Said meanwhile");
    assert.equal(await page.evaluate(() => Reflect.get(window, "persisted")), true, "the page was cached");
    await becomes(page, "leading");
    await say(page, "Here again");
    await reads(ada, "Here again");
    assert.equal(await page.getByTestId("launcher").count(), 1);
    await page.context().close();
    await finish(ada);
});

test("a browser that goes offline says so at once, and sends what was written when it is back", async () => {
    const page = await talk("On the train");
    await page.context().setOffline(true);
    await connection(page, "offline");
    assert.equal((await page.getByTestId("connection").textContent())?.trim(), "You are offline");
    await say(page, "In the tunnel");
    await page.locator("[data-testid=message][data-state=sending]").waitFor();
    await say(ada, "Are you there?");
    await page.context().setOffline(false);
    await connection(page, "online");
    await reads(page, "Are you there?");
    await reads(ada, "In the tunnel");
    await page.context().close();
    await finish(ada);
});

test("a network that is gone for a minute loses and repeats nothing", { timeout: 120_000 }, async () => {
    const page = await talk("Minute one");
    await page.context().setOffline(true);
    for (const number of [1, 2, 3]) await say(page, `Written offline ${number}`);
    await say(ada, "Said meanwhile");
    await page.waitForTimeout(60_000);
    await page.context().setOffline(false);
    for (const number of [1, 2, 3]) await reads(ada, `Written offline ${number}`);
    await reads(page, "Said meanwhile");
    const order = await ada.locator("[data-testid=message][data-author=visitor]").allTextContents();
    assert.deepEqual(order.map((text) => /offline (\d)/.exec(text)?.[1]).filter(Boolean), ["1", "2", "3"]);
    await page.context().close();
    await finish(ada);
});

test("a relay that is killed and started again is found again by both sides, without a reload", async () => {
    const page = await talk("Before");
    await account.killRelay();
    for (const side of [page, ada]) await connection(side, "offline");
    await say(page, "While it was away");
    await account.startRelay();
    await reads(ada, "While it was away");
    await say(ada, "Back");
    await reads(page, "Back");
    await page.context().close();
    await finish(ada);
});
