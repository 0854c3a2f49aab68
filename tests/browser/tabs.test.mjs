/** One tab leads, others follow; none of this needs a relay. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, site } from "./site.mjs";

/** @import { Browser, BrowserContext, Page } from "playwright-core" */

/** @type {Browser} */
let browser;
/** @type {Awaited<ReturnType<typeof site>>} */
let served;
before(async () => {
    browser = await launch();
    served = await site();
});
after(async () => {
    await browser.close();
    served.close();
});

/** @param {BrowserContext} context */
async function openChat(context) {
    const page = await context.newPage();
    await page.goto(served.address);
    await page.getByTestId("launcher").click();
    await page.getByTestId("panel").waitFor();
    return page;
}

/**
 * @param {Page} page
 * @param {string} tab
 */
const becomes = (page, tab) =>
    page.locator(`[data-testid=panel][data-tab=${tab}]`).waitFor({ timeout: 10_000 });

test("the second tab follows, and leads when the first is closed", async () => {
    const context = await browser.newContext();
    const first = await openChat(context);
    await becomes(first, "leading");
    const second = await openChat(context);
    await becomes(second, "following");
    await first.close();
    await becomes(second, "leading");
    await context.close();
});

test("a tab that navigates away leaves the lead to the other", async () => {
    const context = await browser.newContext();
    const first = await openChat(context);
    await becomes(first, "leading");
    const second = await openChat(context);
    await becomes(second, "following");
    await first.goto("about:blank");
    await becomes(second, "leading");
    await context.close();
});

test("without Web Locks a second tab only shows, and says so", async () => {
    const context = await browser.newContext();
    await context.addInitScript(() => {
        Reflect.deleteProperty(Navigator.prototype, "locks");
    });
    const first = await openChat(context);
    await becomes(first, "leading");
    const second = await openChat(context);
    await becomes(second, "read-only");
    const said = await second.getByTestId("read-only").textContent();
    assert.match(said ?? "", /open in another tab/);
    await context.close();
});

test("a visible tab takes over from a hidden one, and a superseded one sends nothing", async () => {
    const context = await browser.newContext();
    const first = await openChat(context);
    await becomes(first, "leading");
    const second = await openChat(context);
    await becomes(second, "following");
    await first.evaluate(() => {
        Object.defineProperty(document, "visibilityState", { get: () => "hidden" });
        document.dispatchEvent(new Event("visibilitychange"));
    });
    await second.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
    await becomes(second, "leading");
    await becomes(first, "following");
    await context.close();
});

test("a leader that no longer answers is superseded", async () => {
    const context = await browser.newContext();
    // The first tab hears nothing, like one that the browser has frozen.
    const first = await context.newPage();
    await first.addInitScript(() => {
        Object.defineProperty(BroadcastChannel.prototype, "onmessage", { set: () => {} });
    });
    await first.goto(served.address);
    await first.getByTestId("launcher").click();
    await becomes(first, "leading");
    const second = await openChat(context);
    await becomes(second, "leading");
    await becomes(first, "following");
    await context.close();
});
