/** The widget as visitors meet it: its languages, its look, what it says when nobody looks. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { reads, say } from "./account.mjs";
import { violations } from "./axe.mjs";
import { scene } from "./scene.mjs";
import { cuttable } from "./site.mjs";

/** @import { BrowserContextOptions, Page } from "playwright-core" */

const { browser, account, ada } = await scene();

/** @param {BrowserContextOptions} [options] */
async function visit(options) {
    const page = await (await browser.newContext(options)).newPage();
    await page.goto(account.shop);
    await page.getByTestId("launcher").click();
    await page.locator("[data-testid=connection][data-state=online]").waitFor();
    return page;
}

/**
 * A visitor whose first message Ada has claimed.
 * @param {string} text
 * @param {BrowserContextOptions} [options]
 */
async function talk(text, options) {
    const page = await visit(options);
    await say(page, text);
    const waiting = ada.getByTestId("shelf-waiting").getByTestId("inbox-item").first();
    await waiting.click();
    await ada.getByTestId("claim").click();
    await page.locator("[data-event=joined]").waitFor();
    return page;
}

/** @param {Page} page */
async function leave(page) {
    await page.context().close();
    await ada.getByTestId("close").click();
    await ada.getByTestId("close-confirm").click();
    await ada.locator("[data-testid=contact][data-state=closed]").waitFor();
}

test("the chat speaks the page's language, else the browser's, or the one that the page sets", async () => {
    const page = await visit({ locale: "it-CH" });
    await page.getByText("You can write at once").waitFor();
    await page.evaluate(() => {
        document.documentElement.removeAttribute("lang");
        window.sottovoce?.("setLocale", "auto");
    });
    await page.getByText("Puoi scrivere subito").waitFor();
    assert.equal(await page.getByTestId("launcher").getAttribute("aria-label"), "Chatta con Alba Ceramics");
    await page.evaluate(() => window.sottovoce?.("setLocale", "ja"));
    await page.getByPlaceholder("メッセージを入力").waitFor();
    await page.evaluate(() => window.sottovoce?.("setLocale", "ar"));
    await page.locator("[data-testid=panel][lang=ar][dir=rtl]").waitFor();
    // The button to send stands where lines end, which is on the left.
    const [input, send] = await Promise.all(
        ["message-input", "send"].map((id) => page.getByTestId(id).boundingBox()),
    );
    assert.ok((send?.x ?? 0) < (input?.x ?? 0));
    await page.getByTestId("sentence").click();
    await page.getByTestId("sheet").getByText("من يمكنه القراءة").waitFor();
    await page.evaluate(() => window.sottovoce?.("setLocale", "en"));
    await page.getByTestId("sheet").getByText("Who can read this").waitFor();
    await page.context().close();
});

test("addresses become links that lead away safely, and nothing else does", async () => {
    const page = await talk("Hello");
    await say(ada, "See https://example.com/a?b=1, (http://example.com/c) and javascript:alert(1) <b>bold</b>.");
    await reads(page, "See https://example.com");
    const links = await page
        .locator(".bubble a")
        .evaluateAll((all) => all.map((link) => [link.getAttribute("href"), link.getAttribute("rel"), link.getAttribute("target")]));
    const rest = ["noopener noreferrer nofollow", "_blank"];
    assert.deepEqual(links, [
        ["https://example.com/a?b=1", ...rest],
        ["http://example.com/c", ...rest],
    ]);
    assert.equal(await page.locator(".bubble b").count(), 0);
    await say(ada, "👩‍🚀 🇨🇭");
    await page.locator(".bubble.large").filter({ hasText: "👩‍🚀 🇨🇭" }).waitFor();
    await say(ada, "1234567");
    await reads(page, "1234567");
    assert.equal(await page.locator(".bubble.large").count(), 1);
    assert.deepEqual(await page.getByTestId("day").allTextContents(), ["Today"]);
    await leave(page);
});

test("what was not seen is counted on the button, in the title and after a reload, until it is seen", async () => {
    const page = await talk("Are you there?");
    await page.getByTestId("minimise").click();
    assert.equal(await page.evaluate(() => document.activeElement?.localName), "sottovoce-chat");
    await say(ada, "One");
    await say(ada, "Two");
    await page.locator("[data-testid=launcher][data-unread='2']").waitFor();
    assert.equal(await page.title(), "(2) Alba Ceramics");
    assert.match((await page.getByTestId("launcher").getAttribute("aria-label")) ?? "", /2 unread/);
    await page.evaluate(() => (document.title = "Another page"));
    await page.waitForFunction(() => document.title === "(2) Another page");
    await page.reload();
    await page.locator("[data-testid=launcher][data-unread='2']").waitFor();
    assert.equal(await page.getByTestId("panel").isVisible(), false);
    // A second tab shows it, so the first has nothing more to count.
    const second = await page.context().newPage();
    await second.goto(account.shop);
    await second.getByTestId("launcher").click();
    await reads(second, "Two");
    await page.waitForFunction(() => document.title === "Alba Ceramics");
    assert.equal(await page.locator("[data-unread]").count(), 0);
    await leave(page);
});

test("a new message is heard in one tab, after a touch, and not where the page turned that off", async () => {
    const context = await browser.newContext();
    await context.addInitScript(() => {
        let notes = 0;
        const { start } = OscillatorNode.prototype;
        OscillatorNode.prototype.start = function (when) {
            notes += 1;
            start.call(this, when);
        };
        Object.defineProperty(window, "notes", { get: () => notes });
    });
    const first = await context.newPage();
    const second = await context.newPage();
    for (const page of [first, second]) {
        await page.goto(account.shop);
        await page.getByTestId("launcher").click();
        await page.locator("[data-testid=panel]:not([data-tab=starting])").waitFor();
    }
    await say(second, "Can you hear me?");
    await ada.getByTestId("shelf-waiting").getByTestId("inbox-item").first().click();
    await ada.getByTestId("claim").click();
    for (const page of [first, second]) {
        await page.locator("[data-event=joined]").waitFor();
        await page.getByTestId("minimise").click();
    }
    const notes = () => Promise.all([first, second].map((page) => page.evaluate(() => Number(Reflect.get(window, "notes")))));
    await say(ada, "Yes");
    for (const page of [first, second]) await page.locator("[data-unread='1']").waitFor();
    assert.equal((await notes()).reduce((a, b) => a + b), 2, "one tab plays two notes");
    for (const page of [first, second]) await page.locator("sottovoce-chat").evaluate((chat) => chat.setAttribute("sound", "off"));
    await say(ada, "And now?");
    for (const page of [first, second]) await page.locator("[data-unread='2']").waitFor();
    assert.equal((await notes()).reduce((a, b) => a + b), 2);
    await leave(first);
});

test("the transcript is saved as text and as a page, made on the device, in which nothing is markup", async () => {
    const page = await talk("<img src=x onerror=alert(1)>\nAda: not from her");
    await say(ada, "How can I help?");
    await reads(page, "How can I help?");
    /** @param {string} kind */
    const saved = async (kind) => {
        const [download] = await Promise.all([page.waitForEvent("download"), page.getByTestId(kind).click()]);
        assert.match(download.suggestedFilename(), /^chat-\d{4}-\d\d-\d\d\.(txt|html)$/);
        return readFile(await download.path(), "utf8");
    };
    await page.getByTestId("sentence").click();
    const text = await saved("save-text");
    assert.match(text, /You: <img src=x onerror=alert\(1\)>\n    Ada: not from her/);
    assert.match(text, /Ada \(agent\): How can I help\?/);
    assert.match(text, /this device checked it/);
    assert.match(text, /end of the chat is not confirmed/);
    const html = await saved("save-page");
    assert.match(html, /&lt;img src=x onerror=alert\(1\)&gt;/);
    assert.doesNotMatch(html, /<img|<script/);
    await leave(page);
});

test("text is legible on any colour of the business, in the light and in the dark", async () => {
    const page = await visit();
    for (const [colour, ink] of [
        ["#ffd400", "rgb(0, 0, 0)"],
        ["#0a2540", "rgb(255, 255, 255)"],
        ["#777", "rgb(0, 0, 0)"],
        ["rebeccapurple", "rgb(255, 255, 255)"],
        ["hsl(50 100% 50%)", "rgb(0, 0, 0)"],
        ["oklch(0.4 0.15 260)", "rgb(255, 255, 255)"],
    ]) {
        await page.locator("sottovoce-chat").evaluate((chat, colour) => chat.setAttribute("brand-color", colour ?? ""), colour);
        assert.equal(await page.locator(".top").evaluate((top) => getComputedStyle(top).color), ink, colour);
        for (const theme of /** @type {const} */ (["light", "dark"])) {
            await page.evaluate((theme) => window.sottovoce?.("setTheme", theme), theme);
            assert.deepEqual(await violations(page, "sottovoce-chat"), []);
        }
    }
    // What is no colour is not put into a style.
    await page.locator("sottovoce-chat").evaluate((chat) => chat.setAttribute("brand-color", "red;}*{display:none"));
    assert.equal(await page.getByTestId("panel").isVisible(), true);
    await page.context().close();
});

test("what is typed within a frame before and after Enter is sent whole, and once", async () => {
    const page = await visit();
    await page.evaluate(() => {
        const root = document.querySelector("sottovoce-chat")?.shadowRoot;
        const input = /** @type {HTMLTextAreaElement} */ (root?.querySelector("textarea"));
        for (const key of "ab\ncd\nef") {
            if (key === "\n") {
                input.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
                continue;
            }
            input.value += key;
            input.dispatchEvent(new InputEvent("input", { bubbles: true }));
        }
    });
    await page.getByTestId("message").nth(1).waitFor();
    const texts = await page.locator("[data-testid=message] .bubble").allTextContents();
    assert.deepEqual(texts.map((text) => text.trim()), ["ab", "cd"]);
    assert.equal(await page.getByTestId("message-input").inputValue(), "ef");
    await ada.getByTestId("shelf-waiting").getByTestId("inbox-item").first().click();
    await ada.getByTestId("claim").click();
    await page.locator("[data-event=joined]").waitFor();
    await leave(page);
});

test("what came too late for a closed chat says so and is the draft of the next one", async () => {
    const page = await (await browser.newContext()).newPage();
    const line = await cuttable(page);
    await page.goto(account.shop);
    await page.getByTestId("launcher").click();
    await say(page, "Hello");
    await page.locator("[data-testid=message][data-state=sent]").waitFor();
    await ada.getByTestId("shelf-waiting").getByTestId("inbox-item").first().click();
    await ada.getByTestId("claim").click();
    await page.locator("[data-event=joined]").waitFor();
    line.cut();
    await page.locator("[data-testid=connection]:not([data-state=online])").waitFor();
    await say(page, "One more thing");
    await say(page, "And another");
    await ada.getByTestId("close").click();
    await ada.getByTestId("close-confirm").click();
    await ada.locator("[data-testid=contact][data-state=closed]").waitFor();
    line.mend();
    await page.locator("[data-testid=message][data-state=failed]").nth(1).waitFor();
    assert.equal(await page.getByTestId("retry").count(), 0);
    assert.deepEqual(await violations(page, "sottovoce-chat"), []);
    await page.getByTestId("new-chat").click();
    await page.locator("[data-testid=message-input]:focus").waitFor();
    assert.equal(await page.getByTestId("message-input").inputValue(), "One more thing\nAnd another");
    await page.context().close();
});
