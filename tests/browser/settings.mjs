/** A business whose administrator, Carla, has the console's security settings open. */

import assert from "node:assert/strict";
import { openAccount, signIn } from "./account.mjs";
import { launch } from "./site.mjs";

/** @import { Page } from "playwright-core" */

/** @typedef {Awaited<ReturnType<typeof openSettings>>} Settings */

/** An account with a vault and archives, Carla, who administers it, and Ada, an agent. */
export async function openSettings() {
    const browser = await launch();
    const account = await openAccount({ archived: true, vault: true, lowest: "storage" });
    account.set("level=e2ee");
    const ada = await signIn(browser, account.console("Ada"));

    /**
     * A browser that asks to be let in.
     * @param {string} name
     * @param {string} [address]
     */
    async function ask(name, address = account.uninvited) {
        const page = await (await browser.newContext()).newPage();
        await page.goto(address);
        await page.getByTestId("name").fill(name);
        await page.getByTestId("begin").click();
        return { page, request: await page.getByTestId("request").inputValue() };
    }

    /**
     * A supervisor's browser that administers an account.
     * @param {Awaited<ReturnType<typeof openAccount>>} of
     * @param {string} name
     * @param {string} [address]
     */
    async function administrator(of, name, address = of.uninvited) {
        const { page, request } = await ask(name, address);
        of.approve(request, "supervisor", "support");
        of.administer(request);
        return page;
    }

    const carla = await administrator(account, "Carla");
    /** @type {string[]} What went wrong in Carla's browser. */
    const complaints = [];
    carla.on("pageerror", (error) => complaints.push(error.message));
    carla.on("console", (message) => {
        if (/content.security.policy/i.test(message.text())) complaints.push(message.text());
    });

    return {
        browser,
        account,
        ada,
        carla,
        ask,
        administrator,

        /** @param {string} section */
        async open(section) {
            await carla.goto(`${account.uninvited}#settings/${section}`);
            await carla.getByTestId(`settings-${section}`).waitFor();
        },

        /**
         * Waits until a form says that it did what it was told.
         * @param {string} form
         * @param {string | RegExp} words
         */
        done: (form, words = "Signed and published") =>
            carla.getByTestId(`${form}-done`).filter({ hasText: words }).waitFor(),

        /** @param {Page} page */
        async visit(page) {
            await page.goto(account.shop);
            await page.getByTestId("launcher").click();
        },

        /** Leaves the settings, whose token ends with that, and closes everything. */
        async leave() {
            await carla.goto(`${account.uninvited}#settings/tokens`);
            await carla.getByTestId("tokens").waitFor({ state: "attached" });
            await carla.getByTestId("settings-close").click();
            await carla.getByTestId("nothing-open").waitFor();
            await until(async () => {
                const listed = account.command("token", "list").split("\n");
                return listed.filter((line) => line.includes("Security settings")).every((line) => line.includes("revoked"));
            });
            assert.deepEqual(complaints, []);
        },

        /**
         * A picture, where the environment's `SHOTS` names a folder for them.
         * @param {string} name
         * @param {Page} page
         */
        async shot(name, page = carla) {
            const folder = process.env["SHOTS"];
            if (folder) await page.screenshot({ path: `${folder}/${name}.png` });
        },

        async close() {
            await browser.close();
            await account.close();
        },
    };
}

/** @param {() => Promise<boolean>} condition */
export async function until(condition) {
    const end = Date.now() + 30_000;
    while (!(await condition())) {
        assert(Date.now() < end, "it did not come about");
        await new Promise((resolve) => setTimeout(resolve, 300));
    }
}
