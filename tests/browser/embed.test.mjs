/** A shop on an origin of its own, as strict as pages get, that embeds the widget of a relay. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { openAccount, reads, say, signIn } from "./account.mjs";
import { launch } from "./site.mjs";

/** @import { AddressInfo } from "node:net" */
/** @import { Browser } from "playwright-core" */

/** @type {Browser} */
let browser;
/** @type {Awaited<ReturnType<typeof openAccount>>} */
let account;
before(async () => {
    browser = await launch();
    account = await openAccount();
});
after(async () => {
    await browser.close();
    await account.close();
});

/**
 * A page that lets in what the relay serves and nothing else.
 * @param {string} integrity
 */
async function shop(integrity) {
    const relay = account.origin;
    const headers = {
        "content-type": "text/html; charset=utf-8",
        "content-security-policy":
            `default-src 'none'; script-src ${relay} 'wasm-unsafe-eval'; ` +
            `connect-src ${relay} ${relay.replace("http", "ws")}; base-uri 'none'; form-action 'none'`,
        "cross-origin-embedder-policy": "require-corp",
        "cross-origin-opener-policy": "same-origin",
    };
    const server = createServer((request, response) => {
        response.writeHead(request.url === "/" ? 200 : 204, headers);
        response.end(`<!doctype html><title>A shop</title>
            <script async src="${relay}/widget/loader.js" integrity="${integrity}" crossorigin="anonymous"
                    data-account="${account.account}" data-entry-point="shop" data-name="ACME"></script>`);
    });
    await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
    const { port } = /** @type {AddressInfo} */ (server.address());
    const page = await (await browser.newContext()).newPage();
    /** @type {string[]} */
    const complaints = [];
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("console", (message) => {
        if (message.type() === "error") complaints.push(message.text());
    });
    await page.goto(`http://127.0.0.1:${port}/`);
    return { page, complaints, close: () => server.close() };
}

/** What a business puts into its page: the hash of the loader that it has looked at. */
async function loaderHash() {
    const loader = await fetch(`${account.origin}/widget/loader.js`);
    const bytes = Buffer.from(await loader.arrayBuffer());
    return `sha384-${createHash("sha384").update(bytes).digest("base64")}`;
}

test("a shop on another origin embeds the widget under its own strict policy and talks", async () => {
    const ada = await signIn(browser, account.console("Ada"));
    const { page, complaints, close } = await shop(await loaderHash());
    assert.equal(await page.evaluate(() => crossOriginIsolated), true);
    await page.getByTestId("launcher").click();
    await say(page, "Do you ship to Crete?");
    await ada.getByTestId("shelf-waiting").getByTestId("inbox-item").first().click();
    await reads(ada, "Do you ship to Crete?");
    await ada.getByTestId("claim").click();
    await page.locator("[data-event=joined]").waitFor();
    await say(ada, "We do.");
    await reads(page, "We do.");
    assert.deepEqual(complaints, []);
    close();
});

test("a shop does not run a loader other than the one that it pinned", async () => {
    const other = `sha384-${createHash("sha384").update("another loader").digest("base64")}`;
    const { page, complaints, close } = await shop(other);
    await page.waitForLoadState("networkidle");
    assert.equal(await page.locator("sottovoce-chat").count(), 0);
    assert.match(complaints.join(), /integrity/);
    close();
});
