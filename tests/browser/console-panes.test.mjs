/** Several chats side by side, the address that says so, and the desk on a phone. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { reads, say } from "./account.mjs";
import { violations } from "./axe.mjs";
import { openDesks, pane, row, take } from "./console.mjs";

/** @import { Page } from "playwright-core" */
/** @import { Desks } from "./console.mjs" */

/** @type {Desks} */
let desks;
/** @type {Page} */
let ada;
const TEXTS = ["The first chat", "The second chat", "The third chat", "The fourth chat"];
/** @type {Page[]} */
const visitors = [];
before(async () => {
    desks = await openDesks();
    ada = desks.ada;
    for (const text of TEXTS) visitors.push(await desks.visitor(text));
    for (const text of TEXTS) {
        await take(ada, text);
        await ada.keyboard.press("Escape");
        await ada.keyboard.press("Escape");
    }
    await ada.getByTestId("tab-mine").click();
});
after(() => desks.close());

const panes = () => ada.getByTestId("contact");

/** Puts all chats away. */
async function clear() {
    while ((await panes().count()) > 0) await ada.keyboard.press("Escape");
}

test("up to three chats stand side by side, and each is answered by itself", async () => {
    await row(ada, "The first chat").click();
    await pane(ada, "The first chat").waitFor();
    await row(ada, "The second chat").click({ modifiers: ["Control"] });
    await row(ada, "The third chat").focus();
    await ada.keyboard.press("Alt+Enter");
    await pane(ada, "The third chat").waitFor();
    assert.equal(await panes().count(), 3);
    await row(ada, "The fourth chat").hover();
    await ada.locator("li", { has: row(ada, "The fourth chat") }).getByTestId("beside").click();
    await pane(ada, "The fourth chat").waitFor();
    assert.equal(await panes().count(), 3);
    for (const [index, text] of ["The first chat", "The second chat"].entries()) {
        const one = pane(ada, text);
        await one.getByTestId("message-input").fill(`An answer to ${text}`);
        await one.getByTestId("send").click();
        const visitor = visitors[index];
        if (visitor) await reads(visitor, `An answer to ${text}`);
    }
    assert.deepEqual(await violations(ada, "html"), []);
    await ada.locator("[data-testid=contact][data-active=true]").filter({ hasText: "The second chat" }).waitFor();
    await ada.keyboard.press("Escape");
    await pane(ada, "The second chat").waitFor({ state: "detached" });
    await pane(ada, "The fourth chat").locator("[data-heading]:focus").waitFor();
    await clear();
});

test("the address says what is open: a reload keeps it, and back goes back", async () => {
    await ada.getByTestId("tab-mine").click();
    assert.match(ada.url(), /#inbox\/mine$/);
    await row(ada, "The first chat").click();
    await pane(ada, "The first chat").waitFor();
    assert.match(ada.url(), /#chat\/[\w-]{22}$/);
    await row(ada, "The second chat").click({ modifiers: ["Control"] });
    await pane(ada, "The second chat").waitFor();
    await ada.getByTestId("tab-waiting").click();
    await ada.reload();
    await pane(ada, "The first chat").waitFor();
    await pane(ada, "The second chat").waitFor();
    await ada.locator("[data-testid=tab-waiting][aria-current]").waitFor();
    await ada.goBack();
    await pane(ada, "The second chat").waitFor({ state: "detached" });
    await pane(ada, "The first chat").waitFor();
    await ada.goBack();
    await panes().waitFor({ state: "detached" });
    assert.match(ada.url(), /#inbox\/mine$/);
});

test("the settings do not close chats", async () => {
    await row(ada, "The first chat").click();
    await pane(ada, "The first chat").waitFor();
    const address = ada.url();
    await ada.getByTestId("settings").click();
    await panes().waitFor({ state: "detached" });
    await ada.goBack();
    await pane(ada, "The first chat").waitFor();
    assert.equal(ada.url(), address);
    await clear();
});

test("details say who can read a chat and when its keys were changed", async () => {
    await row(ada, "The first chat").click();
    const details = ada.getByTestId("details");
    await details.getByTestId("keys").filter({ hasText: /^Keys were changed once when you joined at .+\./ }).waitFor();
    assert.deepEqual(
        (await details.getByTestId("readers").locator("li").allTextContents()).map((text) => text.replace(/\s+/g, " ").trim()).sort(),
        ["A Youagent", "The visitorvisitor"],
    );
    await details.getByTestId("identity").filter({ hasText: "Not verified." }).waitFor();
    await details.locator("summary").click();
    const contact = await panes().getAttribute("data-contact");
    assert.equal(await details.getByTestId("contact-id").textContent(), contact);
    assert.deepEqual(await violations(ada, "html"), []);
    await clear();
});

test("a second tab shows and answers the same chats, and what it puts away stays open in the first", async () => {
    await row(ada, "The second chat").click();
    await pane(ada, "The second chat").waitFor();
    const second = await ada.context().newPage();
    await second.goto(desks.account.uninvited);
    await second.getByTestId("tab-mine").click();
    await row(second, "The second chat").click();
    await pane(second, "The second chat").waitFor();
    await say(second, "From the second tab");
    await pane(ada, "From the second tab").waitFor();
    await second.keyboard.press("Escape");
    await second.keyboard.press("Escape");
    await second.getByTestId("contact").waitFor({ state: "detached" });
    await pane(ada, "The second chat").waitFor();
    await say(ada, "From the first tab again");
    const visitor = visitors[1];
    if (visitor) for (const text of ["From the second tab", "From the first tab again"]) await reads(visitor, text);
    await second.close();
    await say(ada, "And once more");
    if (visitor) await reads(visitor, "And once more");
    await clear();
});

test("on a phone list, chat and details are pages with a way back", async () => {
    const contact = await row(ada, "The first chat").getAttribute("data-contact");
    const first = ada.locator(`[data-testid=inbox-item][data-contact="${contact}"]`);
    for (const [width, height] of [[360, 640], [390, 844]]) {
        await ada.setViewportSize({ width: width ?? 0, height: height ?? 0 });
        await first.click();
        await pane(ada, "The first chat").waitFor();
        assert.equal(await ada.getByTestId("search").isVisible(), false);
        await say(ada, `From a phone ${width} wide`);
        await ada.getByTestId("details-open").click();
        await ada.getByTestId("details").waitFor();
        assert.match(ada.url(), /\/details$/);
        assert.equal(await ada.getByTestId("message-input").isVisible(), false);
        await ada.getByTestId("details-close").click();
        await ada.getByTestId("message-input").waitFor();
        assert.deepEqual(await violations(ada, "html"), []);
        // Nothing is wider than the screen.
        assert.equal(await ada.evaluate(() => document.documentElement.scrollWidth > innerWidth), false);
        await ada.getByTestId("back").click();
        await first.waitFor();
        assert.equal(await panes().count(), 0);
        assert.deepEqual(await violations(ada, "html"), []);
    }
    await ada.setViewportSize({ width: 1280, height: 800 });
    assert.deepEqual(desks.complaints, []);
});
