/** A closed chat that an auditor opens in the console, through the customer's key manager. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { reads, say } from "./account.mjs";
import { scene } from "./scene.mjs";

const { browser, account, ada } = await scene(undefined, { archived: true });

test("an auditor reads a closed chat after giving a reason, and the visitor was told", async () => {
    const visitor = await (await browser.newContext()).newPage();
    await visitor.goto(account.shop);
    await visitor.getByTestId("launcher").click();
    await say(visitor, "Is my knee covered?");
    await ada.getByTestId("shelf-waiting").getByTestId("inbox-item").click();
    await reads(ada, "Is my knee covered?");
    await ada.getByTestId("claim").click();
    await say(ada, "Yes, it is.");
    await reads(visitor, "Yes, it is.");
    await visitor.getByTestId("sentence").click();
    await visitor.getByTestId("archived").filter({ hasText: "with a reason that is recorded" }).waitFor();
    await ada.getByTestId("archived").waitFor();
    const contact = (await ada.getByTestId("contact").getAttribute("data-contact")) ?? "";
    await ada.getByTestId("close").click();
    await ada.getByTestId("close-confirm").click();
    await ada.getByText("This chat is closed.").waitFor();

    const olga = await (await browser.newContext()).newPage();
    await olga.goto(account.uninvited);
    await olga.getByRole("textbox").fill("Olga");
    await olga.getByRole("textbox").press("Enter");
    const request = await olga.getByTestId("request").inputValue();
    account.approve(request, "auditor");
    await olga.getByTestId("archive-contact").fill(contact);
    await olga.getByTestId("archive-find").click();
    await olga.getByTestId("archive").click();
    assert.equal(await olga.getByText("Is my knee covered?").count(), 0);
    await olga.getByTestId("archive-reason").fill("She complained about the answer");
    await olga.getByTestId("archive-send").click();
    await olga.getByTestId("notice").filter({ hasText: "The key manager released this chat." }).waitFor();
    await reads(olga, "Is my knee covered?");
    await reads(olga, "Yes, it is.");
    assert.equal(await olga.getByTestId("archive").count(), 0);
    if (process.env["SHOTS"]) await olga.screenshot({ path: `${process.env["SHOTS"]}/auditor.png` });
    if (process.env["SHOTS"]) await visitor.screenshot({ path: `${process.env["SHOTS"]}/visitor.png` });
});
