/** A visitor who is kept away. An account of its own, because the ban holds for the address too. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { reads, say } from "./account.mjs";
import { scene } from "./scene.mjs";


const { browser, account, ada } = await scene();

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
