/** The conversation that everything is about, from end to end, in each browser: visitor and agent use the same one. */

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { openAccount } from "../browser/account.mjs";
import { chromium, firefox, webkit } from "./engines.mjs";

/** @import { Driven, Engine } from "./engines.mjs" */

const ENGINES = { chromium, firefox, webkit };
/** How long a browser may take for all of it, in milliseconds. */
const PATIENCE = 120_000;

/** @param {string} id */
const testid = (id) => `[data-testid=${id}]`;

/**
 * @param {Driven} person
 * @param {string} text
 */
async function say(person, text) {
    await person.click(testid("message-input"));
    await person.type(text);
    await person.enter();
}

/**
 * @param {Driven} person
 * @param {string} text
 */
async function reads(person, text) {
    await person.sees(testid("message"), text);
    assert.equal(await person.count(testid("message"), text), 1, `“${text}” stands there once`);
}

for (const [name, open] of Object.entries(ENGINES)) {
    describe(name, { timeout: PATIENCE }, () => {
        /** @type {Engine} */
        let engine;
        /** @type {Awaited<ReturnType<typeof openAccount>>} */
        let account;
        /** @type {Driven} */
        let visitor;
        /** @type {Driven} */
        let ada;
        before(async () => {
            account = await openAccount();
            engine = await open();
            console.log(`${name}: ${engine.version}`);
            ada = await engine.person();
            await ada.goto(account.console("Ada"));
            await ada.sees(testid("own-name"), "Ada");
            visitor = await engine.person();
        });
        after(async () => {
            await engine?.close();
            await account?.close();
        });

        /** Opens the chat that waits, and takes it. */
        async function claim() {
            await ada.click(`${testid("shelf-waiting")} ${testid("inbox-item")}`);
            await ada.click(testid("claim"));
            await visitor.sees("[data-event=joined]");
        }

        test("a visitor writes before anybody answers, an agent takes it, and both talk", async () => {
            await visitor.goto(account.shop);
            await visitor.click(testid("launcher"));
            await visitor.sees("[data-testid=connection][data-state=online]");
            await say(visitor, "Is the ash bowl oven-safe? ñ 日本");
            await visitor.sees("[data-testid=message][data-state=sent]");
            await claim();
            await reads(ada, "ñ 日本");
            await say(ada, "It is.");
            await reads(visitor, "It is.");
            await visitor.sees("[data-testid=message][data-state=read]");
        });

        test("a reload loses nothing and the chat goes on", async () => {
            await visitor.reload();
            await reads(visitor, "ñ 日本");
            await reads(visitor, "It is.");
            await say(visitor, "After the reload");
            await reads(ada, "After the reload");
        });

        test("what is written while the relay is away arrives when it is back", async () => {
            await account.killRelay();
            await visitor.sees("[data-testid=connection][data-state=offline]");
            await say(visitor, "Into the silence");
            await visitor.sees("[data-testid=message][data-state=sending]");
            await account.startRelay();
            await reads(ada, "Into the silence");
            await reads(visitor, "Into the silence");
        });

        test("a second tab shows the same chat, writes in it, and goes on when the first is closed", async () => {
            const second = await visitor.another();
            await second.goto(account.shop);
            await second.click(testid("launcher"));
            await reads(second, "Into the silence");
            await say(second, "From the second tab");
            await reads(ada, "From the second tab");
            await reads(visitor, "From the second tab");
            await visitor.close();
            visitor = second;
            await visitor.sees("[data-testid=panel][data-tab=leading]");
            await say(ada, "Still there?");
            await reads(visitor, "Still there?");
        });

        test("the transcript is made on the device", async () => {
            await visitor.run(`const { createObjectURL } = URL;
                URL.createObjectURL = (blob) => {
                    blob.text().then((text) => { window.saved = text; });
                    return createObjectURL.call(URL, blob);
                };
                HTMLAnchorElement.prototype.click = () => {};`);
            await visitor.click(testid("sentence"));
            await visitor.sees(testid("sheet"));
            await visitor.click(testid("save-text"));
            let text = "";
            for (const end = Date.now() + 10_000; text === "" && Date.now() < end; ) text = await visitor.run("return window.saved ?? ''");
            assert.match(text, /Ada \(agent\): It is\./);
            assert.match(text, /this device checked it/);
            await visitor.click(testid("sheet-close"));
        });

        test("the visitor ends the chat, and the next one begins empty", async () => {
            await visitor.click(testid("close"));
            await visitor.click(testid("close-confirm"));
            await ada.sees("[data-testid=contact][data-state=closed]");
            await visitor.click(testid("new-chat"));
            await say(visitor, "Another question");
            await visitor.sees("[data-testid=message][data-state=sent]", "Another question");
            assert.equal(await visitor.count(testid("message"), "It is."), 0);
            await claim();
            await reads(ada, "Another question");
        });
    });
}
