/** The widget on pages of every kind; none of this needs a relay. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { STRICT, launch, site } from "./site.mjs";

/** @import { Browser, Page } from "playwright-core" */
/** @import { SiteOptions } from "./site.mjs" */

/** @type {Browser} */
let browser;
before(async () => {
    browser = await launch();
});
after(() => browser.close());

/**
 * @param {SiteOptions} options
 * @param {(page: Page, complaints: string[]) => Promise<void>} work
 */
async function on(options, work) {
    const { address, close } = await site(options);
    const page = await browser.newPage();
    /** @type {string[]} */
    const complaints = [];
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("console", (message) => {
        // Without a relay the WebSocket is refused, which is not what is tested here.
        if (message.type() === "error" && !message.text().includes("WebSocket")) {
            complaints.push(message.text());
        }
    });
    try {
        await page.goto(address);
        await work(page, complaints);
    } finally {
        await page.context().close();
        close();
    }
}

/** @param {Page} page */
const databases = (page) =>
    page.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name));

test("the widget works under a strict policy and stores nothing before it is opened", () =>
    on({}, async (page, complaints) => {
        await page.getByTestId("launcher").hover();
        assert.deepEqual(await databases(page), []);
        assert.equal(await page.evaluate(() => sessionStorage.length + localStorage.length), 0);
        await page.getByTestId("launcher").click();
        await page.locator("[data-testid=panel][data-tab=leading]").waitFor();
        assert.equal((await databases(page)).length, 1);
        assert.deepEqual(complaints, []);
    }));

test("a draft and the open chat survive a reload", () =>
    on({}, async (page) => {
        await page.getByTestId("launcher").click();
        await page.getByTestId("message-input").fill("Is the blue bowl dishwasher-safe?");
        await page.reload();
        const draft = page.getByTestId("message-input");
        await draft.waitFor();
        assert.equal(await draft.inputValue(), "Is the blue bowl dishwasher-safe?");
    }));

test("what was sent before there was a connection still waits to be sent after a reload", () =>
    on({}, async (page) => {
        await page.getByTestId("launcher").click();
        await page.locator("[data-testid=panel][data-tab=leading]").waitFor();
        await page.getByTestId("message-input").fill("Is anybody there?");
        await page.getByTestId("send").click();
        await page.locator("[data-testid=message][data-state=sending]").waitFor();
        await page.reload();
        await page.locator("[data-testid=message][data-state=sending]").filter({ hasText: "Is anybody there?" }).waitFor();
    }));

test("what waits for the page to say who the visitor is is a draft again after a reload", () =>
    on({}, async (page) => {
        await page.evaluate(() => window.sottovoce?.("identify", () => new Promise(() => {})));
        await page.getByTestId("launcher").click();
        await page.locator("[data-testid=panel][data-tab=leading]").waitFor();
        await page.getByTestId("message-input").fill("It is me");
        await page.getByTestId("send").click();
        await page.locator("[data-testid=message][data-state=sending]").waitFor();
        await page.reload();
        await page.getByTestId("message-input").waitFor();
        assert.equal(await page.getByTestId("message-input").inputValue(), "It is me");
    }));

test("the keyboard opens the chat, and Escape puts it away and gives the focus back", () =>
    on({}, async (page) => {
        await page.getByTestId("launcher").focus();
        await page.keyboard.press("Enter");
        await page.locator("[data-testid=message-input]:focus").waitFor();
        await page.keyboard.press("Escape");
        await page.locator("[data-testid=launcher]:focus").waitFor();
        assert.equal(await page.getByTestId("panel").isVisible(), false);
    }));

test("where the policy forbids wasm the chat says why and offers another way", () =>
    on(
        {
            policy: STRICT.replace(" 'wasm-unsafe-eval'", ""),
            attributes: { "fallback-link": "https://example.com/contact" },
        },
        async (page) => {
            await page.getByTestId("launcher").click();
            const unavailable = page.getByTestId("unavailable");
            assert.match((await unavailable.textContent()) ?? "", /does not allow WebAssembly/);
            const link = page.getByTestId("fallback-link");
            assert.equal(await link.getAttribute("href"), "https://example.com/contact");
        },
    ));

test("a fallback link that would run code is not offered", () =>
    on(
        {
            policy: STRICT.replace(" 'wasm-unsafe-eval'", ""),
            attributes: { "fallback-link": "javascript:alert(1)" },
        },
        async (page) => {
            await page.getByTestId("launcher").click();
            await page.getByTestId("unavailable").waitFor();
            assert.equal(await page.getByTestId("fallback-link").count(), 0);
        },
    ));

/**
 * @param {string} start
 * @returns {(name: string, bytes: Buffer) => Buffer}
 */
const tamperWith = (start) => (name, bytes) =>
    name.startsWith(start) ? Buffer.concat([bytes, Buffer.from("\n")]) : bytes;

/**
 * What stands last is data of the program: the wasm still is one.
 * @param {string} start
 * @returns {(name: string, bytes: Buffer) => Buffer}
 */
const changeLastByte = (start) => (name, bytes) => {
    if (!name.startsWith(start)) return bytes;
    const changed = Buffer.from(bytes);
    changed.writeUInt8(changed.readUInt8(changed.length - 1) ^ 1, changed.length - 1);
    assert.ok(WebAssembly.validate(new Uint8Array(changed)));
    return changed;
};

test("chat code that was changed on the server does not run", () =>
    on({ alter: tamperWith("/widget/chat-") }, async (page, complaints) => {
        await page.getByTestId("launcher").click();
        await page.getByText("The chat could not be loaded").waitFor();
        assert.equal(await page.getByTestId("panel").count(), 0);
        assert.match(complaints.join(), /integrity/);
    }));

test("a language that was changed on the server is not spoken", () =>
    on({ alter: tamperWith("/widget/language-it"), attributes: { locale: "it" } }, async (page, complaints) => {
        await page.getByTestId("launcher").click();
        await page.locator("[data-testid=panel][lang=en]").waitFor();
        assert.match(complaints.join(), /integrity/);
    }));

test("wasm that was changed on the server does not run", () =>
    on({ alter: changeLastByte("/widget/sottovoce-") }, async (page, complaints) => {
        await page.getByTestId("launcher").click();
        const unavailable = page.getByTestId("unavailable");
        await unavailable.waitFor();
        assert.match((await unavailable.textContent()) ?? "", /not the expected one/);
        assert.match(complaints.join(), /integrity/);
    }));

test("a relay that is not on this machine is not reached without TLS", () =>
    on({ attributes: { relay: "http://chat.example" } }, async (page) => {
        await page.getByTestId("launcher").click();
        await page.getByText("without encryption, which is refused").waitFor();
    }));

test("without storage the chat works and says that it ends with the page", async () => {
    const { address, close } = await site();
    const page = await browser.newPage();
    await page.addInitScript(() => {
        indexedDB.open = () => {
            throw new DOMException("not here", "SecurityError");
        };
    });
    await page.goto(address);
    await page.getByTestId("launcher").click();
    await page.getByTestId("storage-warning").waitFor();
    await page.locator("[data-testid=panel][data-tab=leading]").waitFor();
    await page.context().close();
    close();
});

test("in the dark and on a small screen the chat fills the screen", async () => {
    const { address, close } = await site();
    const page = await browser.newPage({
        viewport: { width: 390, height: 700 },
        colorScheme: "dark",
    });
    await page.goto(address);
    await page.getByTestId("launcher").click();
    const box = await page.getByTestId("panel").boundingBox();
    assert.deepEqual(box, { x: 0, y: 0, width: 390, height: 700 });
    // Nothing covers the button that sends.
    await page.getByTestId("message-input").fill("Hello");
    await page.getByTestId("send").click({ trial: true, timeout: 5000 });
    await page.context().close();
    close();
});
