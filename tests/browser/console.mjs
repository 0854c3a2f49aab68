/** Two agents at their desks, Ada and Bruno, and visitors who write to them. */

import { openAccount, reads, say } from "./account.mjs";
import { finish } from "./agent.mjs";
import { launch } from "./site.mjs";

/** @import { BrowserContextOptions, Page } from "playwright-core" */

/** @typedef {Awaited<ReturnType<typeof openDesks>>} Desks */

export async function openDesks() {
    const browser = await launch();
    const account = await openAccount();
    /** @type {string[]} What went wrong in the agents' browsers. */
    const complaints = [];
    /**
     * @param {string} name
     * @param {BrowserContextOptions} [options]
     */
    async function agent(name, options = {}) {
        const page = await (await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options })).newPage();
        page.on("pageerror", (error) => complaints.push(error.message));
        page.on("console", (message) => {
            if (message.type() === "error") complaints.push(message.text());
        });
        await page.goto(account.console(name));
        await page.getByTestId("own-name").filter({ hasText: name }).waitFor();
        return page;
    }
    const ada = await agent("Ada");
    return {
        browser,
        account,
        ada,
        agent,
        complaints,

        /**
         * A visitor who has written something, and of whom the page says something.
         * @param {string} text
         * @param {Record<string, string>} [details]
         */
        async visitor(text, details) {
            const page = await (await browser.newContext()).newPage();
            await page.goto(account.shop);
            await page.getByTestId("launcher").waitFor();
            if (details) await page.evaluate((details) => window.sottovoce?.("setDetails", details), details);
            await page.getByTestId("launcher").click();
            await say(page, text);
            await page.locator("[data-testid=message][data-state=sent]").waitFor();
            return page;
        },

        close: async () => {
            await browser.close();
            await account.close();
        },
    };
}

/**
 * The chat in the list that says something.
 * @param {Page} page
 * @param {string} text
 */
export const row = (page, text) => page.getByTestId("inbox-item").filter({ hasText: text });

/**
 * The chat that is open in which something was said.
 * @param {Page} page
 * @param {string} text
 */
export const pane = (page, text) => page.getByTestId("contact").filter({ hasText: text });

/**
 * Opens a chat that waits, and takes it.
 * @param {Page} page
 * @param {string} text
 */
export async function take(page, text) {
    await page.getByTestId("tab-waiting").click();
    await row(page, text).click();
    await reads(page, text);
    await page.getByTestId("claim").click();
    await page.locator("[data-testid=contact][data-state=open]").filter({ hasText: text }).waitFor();
}

/**
 * Closes the chat that is open, and puts it away.
 * @param {Page} page
 */
export async function closeIt(page) {
    await finish(page);
    await page.keyboard.press("Escape");
}
