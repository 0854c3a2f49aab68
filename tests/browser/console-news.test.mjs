/** How an agent learns of what came, what search finds, and what warnings say. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { reads, say } from "./account.mjs";
import { openDesks, pane, row, take } from "./console.mjs";
import { cuttable } from "./site.mjs";

/** @import { Page } from "playwright-core" */
/** @import { Desks } from "./console.mjs" */

/** @type {Desks} */
let desks;
before(async () => {
    desks = await openDesks();
});
after(() => desks.close());

/** Notifications that a page's stand-in has kept. @param {Page} page */
const notified = (page) => page.evaluate(() => /** @type {unknown[][]} */ (Reflect.get(window, "notified")));

/** The system shows none here: what the page asks for is kept instead. */
function standIn() {
    const notified = /** @type {unknown[][]} */ ([]);
    Object.assign(window, { notified, asked: 0 });
    class Stand {
        static permission = "default";
        static async requestPermission() {
            Reflect.set(window, "asked", Reflect.get(window, "asked") + 1);
            Stand.permission = "granted";
            return "granted";
        }
        /** @type {(() => void) | undefined} */
        onclick;
        /** @param {string} title @param {object} options */
        constructor(title, options) {
            notified.push([title, options]);
            Reflect.set(window, "last", this);
        }
        close() {}
    }
    Reflect.set(window, "Notification", Stand);
}

test("notifications are asked for by a button, say nothing of what was said, and lead to the chat", async () => {
    const page = await (await desks.browser.newContext()).newPage();
    await page.addInitScript(standIn);
    await page.goto(desks.account.console("Nora"));
    await page.getByTestId("own-name").filter({ hasText: "Nora" }).waitFor();
    await desks.visitor("Before anybody asked");
    await row(page, "Before anybody asked").waitFor();
    assert.equal(await page.evaluate(() => Reflect.get(window, "asked")), 0);
    assert.deepEqual(await notified(page), []);
    await page.getByTestId("menu-open").click();
    await page.getByTestId("notifications").click();
    await page.getByTestId("notifications").filter({ hasText: "off" }).waitFor();
    await page.keyboard.press("Escape");
    await take(page, "Before anybody asked");
    await desks.visitor("A secret of the visitor");
    await row(page, "A secret of the visitor").waitFor();
    const kept = await notified(page);
    assert.deepEqual(kept.map(([title]) => title), ["A visitor waits"]);
    assert.doesNotMatch(JSON.stringify(kept), /secret|ACME|body/);
    await page.evaluate(() => Reflect.get(window, "last").onclick());
    await pane(page, "A secret of the visitor").waitFor();
    await page.context().close();
});

test("a message in a chat that is open makes no notification, one in another does", async () => {
    const page = await (await desks.browser.newContext({ viewport: { width: 1280, height: 800 } })).newPage();
    await page.addInitScript(standIn);
    await page.addInitScript(() => {
        Object.assign(Reflect.get(window, "Notification"), { permission: "granted" });
        localStorage.setItem("sottovoce:console:notifications", "on");
    });
    await page.goto(desks.account.console("Otto"));
    const visitor = await desks.visitor("Open and away");
    await take(page, "Open and away");
    const before = (await notified(page)).length;
    await say(visitor, "Seen at once");
    await reads(page, "Seen at once");
    await page.keyboard.press("Escape");
    await page.keyboard.press("Escape");
    await page.getByTestId("contact").waitFor({ state: "detached" });
    await say(visitor, "Not seen");
    await page.waitForFunction((before) => Reflect.get(window, "notified").length > before, before);
    const came = (await notified(page)).slice(before);
    assert.deepEqual(came.map(([title]) => title), ["New message"]);
    await page.context().close();
});

test("search finds what was said here, whatever its accents, and says what it could not search", async () => {
    const { ada } = desks;
    const visitor = await desks.visitor("Où est le CAFÉ, s’il vous plaît?");
    await take(ada, "Où est le CAFÉ");
    for (let number = 1; number <= 30; number += 1) await say(visitor, `Line ${number}`);
    await reads(ada, "Line 30");
    await ada.keyboard.press("Escape");
    await ada.keyboard.press("Escape");
    await ada.getByTestId("search").fill("cafe");
    await ada.getByTestId("search-reach").filter({ hasText: "1 message in the" }).waitFor();
    assert.equal(await ada.getByTestId("search-hit").locator("mark").textContent(), "CAFÉ");
    await ada.getByTestId("search-hit").click();
    const found = ada.locator("article:focus");
    await found.waitFor();
    assert.match((await found.textContent()) ?? "", /CAFÉ/);
    assert.ok(await found.evaluate((article) => article.getBoundingClientRect().top > 0));
    await ada.getByTestId("search").fill("never said");
    const reach = ada.getByTestId("search-reach").filter({ hasText: "Nothing in the" });
    await reach.waitFor();
    assert.match((await reach.textContent()) ?? "", /that this browser can read\. Not searched: /);
    await ada.getByTestId("search").fill("");
    await ada.getByTestId("close").click();
    await ada.getByTestId("close-confirm").click();
    await ada.locator("[data-testid=contact][data-state=closed]").waitFor();
    await ada.keyboard.press("Escape");
    await ada.keyboard.press("Escape");
    // A chat that this agent has closed is read again for the search.
    await ada.getByTestId("search").fill("cafe");
    await ada.getByTestId("search-hit").waitFor();
    await ada.getByTestId("search").fill("");
});

test("what was said while the line was cut is counted and told when it is back", async () => {
    const page = await (await desks.browser.newContext({ viewport: { width: 1280, height: 800 } })).newPage();
    const line = await cuttable(page);
    await page.goto(desks.account.console("Pia"));
    const visitor = await desks.visitor("Mind the gap");
    await take(page, "Mind the gap");
    await page.keyboard.press("Escape");
    await page.keyboard.press("Escape");
    line.cut();
    await page.locator("[data-testid=connection]:not([data-state=online])").waitFor();
    await say(visitor, "Said meanwhile");
    line.mend();
    await page.getByTestId("tab-mine").click();
    await page.getByTestId("unread").filter({ hasText: "1" }).waitFor();
    await page.context().close();
});

test("rules that are about to expire are warned of, and those that have say that nobody can send", async () => {
    const page = await (await desks.browser.newContext()).newPage();
    await page.goto(desks.account.console("Rosa"));
    await page.getByTestId("own-name").filter({ hasText: "Rosa" }).waitFor();
    await page.getByTestId("inbox-item").first().waitFor();
    assert.equal(await page.getByTestId("policy-ends").count(), 0);
    for (const [days, id, words] of /** @type {const} */ ([
        [5, "policy-ends", "An administrator renews them"],
        [3, "policy-ended", "Nobody can send anything"],
    ])) {
        // Each reload adds to what the ones before have added.
        await page.addInitScript((days) => {
            const now = Date.now.bind(Date);
            Date.now = () => now() + days * 86_400_000;
        }, days);
        await page.reload();
        await page.getByTestId(id).filter({ hasText: words }).waitFor();
        assert.equal(await page.getByTestId(id).getByTestId("dismiss").count(), 0);
    }
    await page.context().close();
});

test("a browser that stores nothing says so, and what can be done", async () => {
    const page = await (await desks.browser.newContext()).newPage();
    await page.addInitScript(() => {
        indexedDB.open = () => {
            throw new DOMException("not here", "SecurityError");
        };
        Object.defineProperty(window, "localStorage", {
            get: () => {
                throw new DOMException("not here", "SecurityError");
            },
        });
    });
    await page.goto(desks.account.console("Quinn"));
    await page.getByTestId("storage-warning").filter({ hasText: "Leave the private window" }).waitFor();
    // What cannot be stored lasts as long as the page.
    await page.getByTestId("menu-open").click();
    await page.getByTestId("theme-dark").check();
    await page.locator("html[data-theme=dark]").waitFor();
    await page.context().close();
    assert.deepEqual(desks.complaints, []);
});
