/** Visitors and agents in browsers, on a real relay: what the demo's conversation leaves out. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { reads, say, signIn } from "./account.mjs";
import { scene } from "./scene.mjs";

/** @import { BrowserContext, Page } from "playwright-core" */

const { browser, account, ada } = await scene();
const bruno = await signIn(browser, account.console("Bruno"));

/** @param {BrowserContext} [context] */
async function visit(context) {
    const page = await (context ?? (await browser.newContext())).newPage();
    await page.goto(account.shop);
    await page.getByTestId("launcher").click();
    return page;
}

/** @param {Page} page */
const waiting = (page) => page.getByTestId("shelf-waiting").getByTestId("inbox-item");

/**
 * A visitor whose first message Ada has claimed.
 * @param {string} text
 */
async function talk(text) {
    const visitor = await visit();
    await say(visitor, text);
    await waiting(ada).first().click();
    await reads(ada, text);
    await ada.getByTestId("claim").click();
    await visitor.locator("[data-event=joined]").waitFor();
    return visitor;
}

/** Closes what Ada has open, so that the next test finds an empty desk. */
async function closeIt() {
    await ada.getByTestId("close").click();
    await ada.getByTestId("close-confirm").click();
    await ada.locator("[data-testid=contact][data-state=closed]").waitFor();
}

test("of two agents who claim at once one has it, and the other is told who", async () => {
    const visitor = await visit();
    await say(visitor, "Who is there?");
    for (const agent of [ada, bruno]) {
        await waiting(agent).first().click();
        await reads(agent, "Who is there?");
    }
    // Both buttons are there; a click that waits for its turn could find that the other was quicker.
    const claims = [ada, bruno].map((agent) => agent.getByTestId("claim"));
    await Promise.all(claims.map((claim) => claim.waitFor()));
    await Promise.all(claims.map((claim) => claim.dispatchEvent("click")));
    await visitor.locator("[data-event=joined]").waitFor();
    const joined = (await visitor.locator("[data-event=joined]").textContent()) ?? "";
    const [winner, loser] = joined.includes("Ada") ? [ada, bruno] : [bruno, ada];
    await winner.locator("[data-testid=contact][data-state=open]").waitFor();
    await loser.getByTestId("notice").filter({ hasText: "already has this chat" }).waitFor();
    assert.equal(await visitor.locator("[data-event=joined]").count(), 1);
    await winner.getByTestId("close").click();
    await winner.getByTestId("close-confirm").click();
    await visitor.getByTestId("new-chat").waitFor();
});

test("markup is shown as it was written", async () => {
    const attack = `<img src=x onerror="document.title='caught'"><b>bold</b>`;
    const visitor = await talk(attack);
    await say(ada, `You wrote ${attack}`);
    await reads(visitor, `You wrote ${attack}`);
    for (const page of [ada, visitor]) {
        assert.equal(await page.locator(".bubble img, .bubble b").count(), 0);
        assert.notEqual(await page.title(), "caught");
    }
    await closeIt();
});

test("a private note reaches no visitor", async () => {
    const visitor = await talk("A question for the two of you");
    await ada.getByTestId("note").click();
    await say(ada, "Between ourselves");
    await ada.getByTestId("private-note").filter({ hasText: "Between ourselves" }).waitFor();
    await say(ada, "An answer for you");
    await reads(visitor, "An answer for you");
    assert.equal(await visitor.getByText("Between ourselves").count(), 0);
    assert.equal(await visitor.getByTestId("private-note").count(), 0);
    await closeIt();
});

test("after a closed chat a new one begins with new keys", async () => {
    const visitor = await talk("The first chat");
    await closeIt();
    await visitor.getByTestId("new-chat").click();
    await say(visitor, "The second chat");
    await waiting(ada).first().click();
    await reads(ada, "The second chat");
    assert.equal(await ada.getByText("The first chat").count(), 0);
    await ada.getByTestId("claim").click();
    await say(ada, "Welcome back");
    await reads(visitor, "Welcome back");
    assert.equal(await visitor.getByText("The first chat").count(), 0);
    await closeIt();
});

test("what is written while the relay is away arrives once when it is back", async () => {
    const visitor = await talk("Before the storm");
    await account.stopRelay();
    await visitor.locator("[data-testid=connection][data-state=offline]").waitFor();
    await say(visitor, "Are you still there?");
    await visitor.locator("[data-testid=message][data-state=sending]").waitFor();
    await account.startRelay();
    await reads(ada, "Are you still there?");
    await visitor
        .locator("[data-testid=message][data-state=delivered], [data-testid=message][data-state=read]")
        .filter({ hasText: "Are you still there?" })
        .waitFor();
    await reads(visitor, "Are you still there?");
    await closeIt();
});

test("a visitor's second tab shows the same chat and can write in it", async () => {
    const visitor = await talk("From the first tab");
    const second = await visit(visitor.context());
    await second.locator("[data-testid=panel][data-tab=following]").waitFor();
    await reads(second, "From the first tab");
    await say(second, "From the second tab");
    for (const page of [visitor, second, ada]) await reads(page, "From the second tab");
    await visitor.close();
    await second.locator("[data-testid=panel][data-tab=leading]").waitFor();
    await say(ada, "Still here?");
    await reads(second, "Still here?");
    await reads(second, "From the first tab");
    await closeIt();
});

test("an agent goes on after a reload", async () => {
    const visitor = await talk("Do not lose me");
    await ada.reload();
    await reads(ada, "Do not lose me");
    await say(ada, "I am back");
    await reads(visitor, "I am back");
    await closeIt();
});

test("whoever has no invitation waits and is shown the request", async () => {
    const page = await (await browser.newContext()).newPage();
    await page.goto(account.uninvited);
    await page.getByTestId("name").fill("Mallory");
    await page.getByTestId("begin").click();
    const request = page.getByTestId("request");
    await request.waitFor();
    assert.match(await request.inputValue(), /^[\w-]{100,}$/);
    assert.equal(await page.getByTestId("inbox-item").count(), 0);
    await page.context().close();
});
