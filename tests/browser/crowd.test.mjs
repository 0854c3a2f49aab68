/** Ten tabs of one visitor write a thousand messages while the one that leads is robbed, and killed. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { say } from "./account.mjs";
import { finish, take } from "./agent.mjs";
import { scene } from "./scene.mjs";

/** @import { BrowserContext, Page } from "playwright-core" */

const { browser, account, ada } = await scene();

/** @param {BrowserContext} context */
async function visit(context) {
    const page = await context.newPage();
    await page.goto(account.shop);
    await page.getByTestId("launcher").click();
    await page.locator("[data-testid=panel]:is([data-tab=leading], [data-tab=following])").waitFor();
    return page;
}

/**
 * Writes as a person would, but faster.
 * @param {Page} page
 * @param {string} name
 * @param {number} messages
 */
const write = (page, name, messages) =>
    page.evaluate(
        async ([name, messages]) => {
            const root = document.querySelector("sottovoce-chat")?.shadowRoot;
            const input = /** @type {HTMLTextAreaElement} */ (root?.querySelector("textarea"));
            for (let number = 1; number <= messages; number += 1) {
                input.value = `<${name}-${number}>`;
                input.dispatchEvent(new InputEvent("input", { bubbles: true }));
                await new Promise((resolve) => setTimeout(resolve, 10));
                input.form?.requestSubmit();
                await new Promise((resolve) => setTimeout(resolve, 10));
            }
        },
        /** @type {const} */ ([name, messages]),
    );

/** Ends the process of a tab, as a crash does. @param {Page} page */
async function kill(page) {
    const devtools = await page.context().newCDPSession(page);
    const crashed = new Promise((resolve) => page.once("crash", resolve));
    void devtools.send("Page.crash").catch(() => {});
    await crashed;
}

/** Takes the lock away from whoever leads, as another script of the origin could. @param {Page} page */
const rob = (page) =>
    page.evaluate(async () => {
        const { held } = await navigator.locks.query();
        for (const { name } of held ?? []) if (name) await navigator.locks.request(name, { steal: true }, () => {});
    });

/** @param {Page[]} pages */
async function leader(pages) {
    for (;;) {
        for (const page of pages) {
            if ((await page.locator("[data-testid=panel][data-tab=leading]").count()) > 0) return page;
        }
        await pages[0]?.waitForTimeout(50);
    }
}

for (const [tabs, each] of /** @type {const} */ ([[2, 120], [10, 112]])) {
    test(`in ${tabs} tabs, with the lock stolen and the leader killed, each message arrives once`, { timeout: 180_000 }, async () => {
        const context = await browser.newContext();
        const first = await visit(context);
        await say(first, "Hello");
        await take(ada);
        await first.locator("[data-event=joined]").waitFor();
        const pages = [first];
        while (pages.length < tabs) pages.push(await visit(context));
        const writing = pages.map((page, index) => write(page, String(index), each).then(() => undefined, () => undefined));
        await first.waitForTimeout(400);
        await rob(/** @type {Page} */ (pages.at(-1)));
        await first.waitForTimeout(400);
        /** Tabs may share a process, which then ends for all of them. @type {Set<Page>} */
        const dead = new Set();
        for (const page of pages) page.once("crash", () => dead.add(page));
        await kill(await leader(pages));
        await first.waitForTimeout(500).catch(() => {});
        const alive = pages.filter((page) => !dead.has(page));
        assert.ok(alive.length > 0, "the browser gave all tabs one process");
        await leader(alive);
        await Promise.all(alive.map((page) => writing[pages.indexOf(page)]));
        const wanted = alive.flatMap((page) => Array.from({ length: each }, (_, number) => `<${pages.indexOf(page)}-${number + 1}>`));
        for (const reader of [ada, ...alive]) await readsAll(reader, wanted);
        assert.ok(tabs === 2 || wanted.length >= 1000, `${alive.length} tabs lived`);
        for (const reader of [ada, ...alive]) {
            assert.equal(await reader.getByTestId("alarm").count(), 0);
            assert.equal(await reader.locator(".mark").count(), 0);
        }
        await context.close();
        await finish(ada);
    });
}

/** Shows a transcript from its first line on. @param {Page} page */
const goBack = (page) =>
    page.evaluate(async () => {
        const root = document.querySelector("sottovoce-chat")?.shadowRoot ?? document;
        for (;;) {
            const earlier = root.querySelector("[data-testid=earlier]");
            if (!(earlier instanceof HTMLElement)) return;
            earlier.click();
            await new Promise((resolve) => setTimeout(resolve, 10));
        }
    });

/**
 * Waits until a page shows all of these texts, and makes sure that none stands there twice.
 * @param {Page} page
 * @param {string[]} texts
 */
async function readsAll(page, texts) {
    const shown = () => page.locator("[data-testid=message]:not([data-state=sending]) .bubble").allTextContents();
    const end = Date.now() + 60_000;
    for (;;) {
        await goBack(page);
        const all = (await shown()).map((text) => text.trim());
        const known = new Set(all);
        const missing = texts.filter((text) => !known.has(text));
        if (missing.length === 0) return assert.equal(all.length, known.size, "one stands there twice");
        assert.ok(Date.now() < end, `missing: ${missing.slice(0, 10).join(" ")} (${missing.length})`);
        await page.waitForTimeout(250);
    }
}
