/** What the page says of its visitor: those who read the chat are told, the visitor can read it, and nobody else. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { reads, say } from "./account.mjs";
import { finish, take } from "./agent.mjs";
import { scene } from "./scene.mjs";

/** @import { Page } from "playwright-core" */

const { browser, account, ada } = await scene();

/** What the sheet says that the page says. @param {Page} page */
async function said(page) {
    await page.getByTestId("sentence").click();
    const pairs = await page
        .getByTestId("details")
        .locator("div")
        .evaluateAll((all) => all.map((one) => [...one.children].map((child) => child.textContent)));
    await page.getByTestId("sheet-close").click();
    return Object.fromEntries(pairs);
}

test("details go with the chat, can be changed and taken back, and the visitor reads the same as the agent", async () => {
    const page = await (await browser.newContext({ locale: "it-IT" })).newPage();
    await page.goto(`${account.shop}?session=secret#token`);
    await page.getByTestId("launcher").waitFor();
    await page.evaluate(() => {
        window.sottovoce?.("setLocale", "en");
        window.sottovoce?.("setDetails", { order: "A-1001", plan: "gold" });
    });
    await page.getByTestId("launcher").click();
    const own = { Page: account.shop, Language: "it-IT" };
    assert.deepEqual(await said(page), { ...own, order: "A-1001", plan: "gold" }, "it can be read before anything is said");
    await say(page, "Where is my order?");
    await take(ada);
    await reads(ada, "Where is my order?");
    assert.deepEqual(await said(page), { ...own, order: "A-1001", plan: "gold" });
    await ada.getByText("A-1001").first().waitFor();
    await page.evaluate(() => window.sottovoce?.("setDetails", { order: "A-1002", plan: "" }));
    await ada.getByText("A-1002").first().waitFor();
    assert.equal(await ada.getByText("gold").count(), 0);
    assert.deepEqual(await said(page), { ...own, order: "A-1002" });
    // It is no message.
    assert.equal(await page.getByTestId("message").count(), 1);
    await page.reload();
    await reads(page, "Where is my order?");
    assert.deepEqual(await said(page), { ...own, order: "A-1002" });
    for (const side of [page, ada]) assert.doesNotMatch((await side.textContent("body")) ?? "", /secret|token/);
    await page.context().close();
    await finish(ada);
});

test("details that are too long are left out, the page is told, and the chat begins", async () => {
    const page = await (await browser.newContext()).newPage();
    await page.goto(account.shop);
    await page.getByTestId("launcher").waitFor();
    await page.evaluate(() => {
        /** @type {string[]} */
        const errors = [];
        Object.assign(window, { errors });
        window.sottovoce?.("on", "error", ({ code }) => errors.push(code));
        window.sottovoce?.("setDetails", { short: "yes", long: "x".repeat(1025), [`n${"a".repeat(64)}`]: "no" });
    });
    await page.getByTestId("launcher").click();
    await say(page, "Hello");
    await page.locator("[data-testid=message][data-state=sent]").waitFor();
    assert.equal((await said(page))["short"], "yes");
    assert.equal((await said(page))["long"], undefined);
    assert.deepEqual(await page.evaluate(() => Reflect.get(window, "errors")), ["content-too-large"]);
    await page.context().close();
    await take(ada);
    await finish(ada);
});

test("no detail reaches the relay in clear", async () => {
    const page = await (await browser.newContext()).newPage();
    await page.goto(account.shop);
    await page.getByTestId("launcher").waitFor();
    await page.evaluate(() => window.sottovoce?.("setDetails", { order: "CANARY-7731" }));
    await page.getByTestId("launcher").click();
    await say(page, "Hello");
    await take(ada);
    await ada.getByText("CANARY-7731").first().waitFor();
    for (const file of ["relay.sqlite", "relay.sqlite-wal"]) {
        const bytes = await readFile(`${account.pages}/../${file}`).catch(() => Buffer.alloc(0));
        assert.equal(bytes.includes("CANARY-7731"), false, file);
    }
    await page.context().close();
    await finish(ada);
});
