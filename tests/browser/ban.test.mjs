/** A visitor who is kept away. An account of its own, because the ban holds for the address too. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openAccount, reads, say, signIn } from "./account.mjs";
import { launch } from "./site.mjs";

/** @import { Browser, Page } from "playwright-core" */

/** @type {Browser} */
let browser;
/** @type {Awaited<ReturnType<typeof openAccount>>} */
let account;
/** @type {Page} */
let ada;
before(async () => {
    browser = await launch();
    account = await openAccount();
    ada = await signIn(browser, account.console("Ada"));
});
after(async () => {
    await browser.close();
    await account.close();
});

test("an agent keeps a visitor away, who is told and can write no more", async () => {
    const visitor = await (await browser.newContext()).newPage();
    await visitor.goto(account.shop);
    await visitor.getByTestId("launcher").click();
    await say(visitor, "Something nobody wants to read");
    await ada.getByTestId("shelf-waiting").getByTestId("inbox-item").click();
    await reads(ada, "Something nobody wants to read");
    await ada.getByTestId("ban").click();
    await ada.getByTestId("ban-period").selectOption("hour");
    await ada.getByTestId("ban-send").click();
    await ada.getByTestId("notice").filter({ hasText: "away for an hour" }).waitFor();
    await visitor.getByText("This chat is not available to you for a while.").waitFor();

    // The agent, who comes from the same address here, goes on.
    await ada.getByTestId("claim").click();
    await say(ada, "Nobody hears this");
    await reads(ada, "Nobody hears this");
    assert.equal(await visitor.getByText("Nobody hears this").count(), 0);
    await visitor.reload();
    await visitor.getByText("This chat is not available to you for a while.").waitFor();
});
