/** The widget for people who use no mouse, hear the page, or choose its colours themselves. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { reads, say } from "./account.mjs";
import { finish, take } from "./agent.mjs";
import { violations } from "./axe.mjs";
import { scene } from "./scene.mjs";
import { STRICT, cuttable, site } from "./site.mjs";

/** @import { BrowserContextOptions } from "playwright-core" */

const WIDGET = "sottovoce-chat";
const WIDTHS = /** @type {const} */ ([360, 390, 768, 1280]);

const { browser, account, ada } = await scene();

/** @param {BrowserContextOptions} [options] */
async function shop(options) {
    const page = await (await browser.newContext(options)).newPage();
    await page.goto(account.shop);
    await page.getByTestId("launcher").waitFor();
    return page;
}

test("a whole conversation goes by the keyboard alone, and no state of it has a barrier that axe knows", async () => {
    const page = await (await browser.newContext()).newPage();
    await page.goto(account.shop);
    await page.getByTestId("launcher").waitFor();
    assert.deepEqual(await violations(page, WIDGET), []);
    await page.getByTestId("launcher").focus();
    await page.keyboard.press("Enter");
    await page.locator("[data-testid=message-input]:focus").waitFor();
    assert.deepEqual(await violations(page, WIDGET), []);
    await page.keyboard.type("By keyboard");
    await page.keyboard.press("Enter");
    await page.locator("[data-testid=message][data-state=sent]").waitFor();
    await ada.getByTestId("shelf-waiting").getByTestId("inbox-item").first().click();
    await ada.getByTestId("claim").click();
    await page.locator("[data-event=joined]").waitFor();
    assert.deepEqual(await violations(page, WIDGET), []);
    // Backwards from where one writes: the transcript, then what opens the sheet.
    await page.keyboard.press("Shift+Tab");
    await page.locator("[data-testid=log]:focus").waitFor();
    await page.keyboard.press("Shift+Tab");
    await page.keyboard.press("Enter");
    await page.locator("[data-testid=sheet-close]:focus").waitFor();
    assert.deepEqual(await violations(page, WIDGET), []);
    await page.keyboard.press("Escape");
    await page.locator("[data-testid=sentence]:focus").waitFor();
    await page.keyboard.press("Shift+Tab");
    await page.keyboard.press("Shift+Tab");
    await page.locator("[data-testid=close]:focus").waitFor();
    await page.keyboard.press("Enter");
    await page.locator("[data-testid=close-confirm]:focus").waitFor();
    await page.keyboard.press("Enter");
    await page.locator("[data-event=closed]").waitFor();
    assert.deepEqual(await violations(page, WIDGET), []);
    await page.locator("[data-testid=new-chat]:focus").waitFor();
    await page.keyboard.press("Enter");
    await page.locator("[data-testid=message-input]:focus").waitFor();
    await page.keyboard.press("Escape");
    await page.locator("[data-testid=launcher]:focus").waitFor();
    await page.context().close();
});

for (const width of WIDTHS) {
    test(`no state of the widget has a barrier that axe knows, ${width} pixels wide`, async () => {
        const page = await shop({ viewport: { width, height: 740 }, reducedMotion: "reduce" });
        const line = await cuttable(page);
        await page.reload();
        /** @type {string[]} */
        const found = [];
        /** @param {string} state */
        const look = async (state) => {
            for (const violation of await violations(page, WIDGET)) found.push(`${state}: ${violation}`);
        };
        await page.getByTestId("launcher").waitFor();
        await look("launcher");
        await page.getByTestId("launcher").click();
        await page.locator("[data-testid=connection][data-state=online]").waitFor();
        await look("opened");
        await say(page, "See https://example.com/ and 👍");
        await page.locator("[data-testid=message][data-state=sent]").waitFor();
        await look("waiting");
        await page.getByTestId("sentence").click();
        await look("sheet while waiting");
        await page.getByTestId("sheet-close").click();
        await take(ada);
        await say(ada, "Yes?");
        await reads(page, "Yes?");
        await ada.getByTestId("message-input").pressSequentially("And");
        await page.locator("[data-testid=typing]:not([hidden])").waitFor();
        await look("somebody types");
        await page.getByTestId("sentence").click();
        await look("sheet");
        await page.getByTestId("sheet-close").click();
        await page.getByTestId("close").click();
        await look("asked whether to end it");
        await page.keyboard.press("Escape");
        await say(ada, "Hello?");
        await page.locator("[data-unread]").waitFor();
        await look("unread");
        await page.getByTestId("launcher").click();
        await page.evaluate(() => window.sottovoce?.("setTheme", "dark"));
        await look("dark");
        await page.evaluate(() => window.sottovoce?.("setLocale", "ar"));
        await page.locator("[data-testid=panel][lang=ar]").waitFor();
        await look("Arabic");
        await page.evaluate(() => window.sottovoce?.("setLocale", "en"));
        line.cut();
        await page.locator("[data-testid=connection]:not([data-state=online])").waitFor();
        await say(page, "One more thing");
        await look("offline");
        await finish(ada);
        line.mend();
        await page.locator("[data-testid=message][data-state=failed]").waitFor();
        await look("failed and closed");
        assert.deepEqual(found, []);
        await page.context().close();
    });
}

test("a page on which the chat cannot run has no barrier either", async () => {
    const { address, close } = await site({ policy: STRICT.replace(" 'wasm-unsafe-eval'", "") });
    const page = await browser.newPage();
    await page.goto(address);
    await page.getByTestId("launcher").click();
    await page.getByTestId("unavailable").waitFor();
    assert.deepEqual(await violations(page, WIDGET), []);
    await page.context().close();
    close();
});

/** Writes down, for each line that is added to the log, whether it would be announced. */
function listen() {
    /** @type {[string, string | null][]} */
    const announced = [];
    Object.assign(window, { announced });
    const { attachShadow } = Element.prototype;
    Element.prototype.attachShadow = function (options) {
        const root = attachShadow.call(this, options);
        new MutationObserver((changes) => {
            for (const { addedNodes } of changes) {
                for (const node of addedNodes) {
                    const log = node.parentElement?.closest("[role=log]");
                    if (node instanceof HTMLElement && log) {
                        announced.push([node.querySelector(".bubble")?.textContent?.trim() ?? "", log.getAttribute("aria-live")]);
                    }
                }
            }
        }).observe(root, { childList: true, subtree: true });
        return root;
    };
}

test("the log announces what is new, not what was there before", async () => {
    const page = await (await browser.newContext()).newPage();
    await page.addInitScript(listen);
    await page.goto(account.shop);
    await page.getByTestId("launcher").click();
    await say(page, "First");
    await take(ada);
    await say(ada, "Second");
    await reads(page, "Second");
    await page.reload();
    await reads(page, "Second");
    await page.locator("[data-testid=log][aria-live=polite]").waitFor();
    await say(ada, "Third");
    await reads(page, "Third");
    /** @type {[string, string | null][]} */
    const announced = await page.evaluate(() => Reflect.get(window, "announced"));
    assert.deepEqual(
        announced.filter(([text]) => text !== ""),
        [["First", "off"], ["Second", "off"], ["Third", "polite"]],
    );
    assert.equal(await page.getByTestId("log").getAttribute("aria-relevant"), "additions");
    await page.context().close();
    await finish(ada);
});

test("in forced colours everything that is a control can be told from what is around it", async () => {
    const page = await shop({ forcedColors: "active" });
    await page.getByTestId("launcher").click();
    await page.locator("[data-testid=connection][data-state=online]").waitFor();
    await say(page, "In my own colours");
    await take(ada);
    await say(ada, "Good");
    await reads(page, "Good");
    /** What has neither a border nor an outline has vanished: backgrounds are the system's here. */
    const vanished = await page.locator("sottovoce-chat").evaluate((chat) =>
        [...(chat.shadowRoot?.querySelectorAll("button, textarea, .panel, .bubble, form") ?? [])]
            .filter((one) => one instanceof HTMLElement && one.offsetParent !== null)
            .filter((one) => {
                const { borderBlockEndWidth, borderBlockStartWidth, outlineStyle } = getComputedStyle(one);
                return ![borderBlockEndWidth, borderBlockStartWidth].some((width) => Number.parseFloat(width) > 0) && outlineStyle === "none";
            })
            .map((one) => one.outerHTML.slice(0, 120)),
    );
    assert.deepEqual(vanished, []);
    assert.deepEqual(await violations(page, WIDGET), []);
    await page.context().close();
    await finish(ada);
});
