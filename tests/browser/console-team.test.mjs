/** What colleagues see of each other's work: who holds which chat, who looks at it, its labels. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { violations } from "./axe.mjs";
import { openDesks, row, take } from "./console.mjs";

/** @import { Page } from "playwright-core" */
/** @import { Desks } from "./console.mjs" */

/** @type {Desks} */
let desks;
/** @type {Page} */
let ada;
/** @type {Page} */
let bruno;
before(async () => {
    desks = await openDesks();
    ada = desks.ada;
    bruno = await desks.agent("Bruno");
});
after(() => desks.close());

/** @param {Page} page */
async function closeIt(page) {
    await page.getByTestId("close").click();
    await page.getByTestId("close-confirm").click();
    await page.locator("[data-testid=contact][data-state=closed]").waitFor();
    await page.keyboard.press("Escape");
}

test("a chat that a colleague holds stands under All with the colleague's name, and cannot be read", async () => {
    await desks.visitor("Held by Ada");
    await take(ada, "Held by Ada");
    const contact = await ada.getByTestId("contact").getAttribute("data-contact");
    await bruno.getByTestId("tab-all").click();
    const held = bruno.locator(`[data-testid=inbox-item][data-contact="${contact}"]`);
    await held.filter({ hasText: "with Ada" }).waitFor();
    assert.equal(await held.getAttribute("data-standing"), "others");
    assert.equal(await held.getByText("Held by Ada").count(), 0);
    await bruno.getByTestId("search").fill("Held by");
    await bruno.getByTestId("search-reach").filter({ hasText: "1 with colleagues" }).waitFor();
    assert.equal(await bruno.getByTestId("search-hit").count(), 0);
    await bruno.getByTestId("search").fill("");
    await closeIt(ada);
    await held.waitFor({ state: "detached" });
});

test("who looks at a chat that waits is shown to a colleague who looks at it too", async () => {
    await desks.visitor("Looked at by two");
    for (const agent of [ada, bruno]) {
        await agent.getByTestId("tab-waiting").click();
        await row(agent, "Looked at by two").click();
        await agent.getByTestId("claim").waitFor();
    }
    await ada.getByTestId("attending").filter({ hasText: "Bruno is looking at this chat." }).waitFor();
    assert.deepEqual(await violations(ada, "html"), []);
    await ada.getByTestId("claim").click();
    await ada.getByTestId("message-input").waitFor();
    await bruno.keyboard.press("Escape");
    await closeIt(ada);
});

test("labels are set in a form, shown at the chat, and choose what is listed", async () => {
    for (const text of ["To be labelled", "Without a label"]) {
        await desks.visitor(text);
        await take(ada, text);
    }
    await ada.getByTestId("tab-mine").click();
    await row(ada, "To be labelled").click();
    await ada.getByTestId("label").click();
    await ada.getByTestId("label-new").fill("Returns");
    assert.deepEqual(await violations(ada, "html"), []);
    await ada.getByTestId("label-new").press("Enter");
    await ada.getByTestId("contact").getByTestId("labels").filter({ hasText: "Returns" }).waitFor();
    await row(ada, "To be labelled").getByTestId("labels").filter({ hasText: "Returns" }).waitFor();
    await ada.getByTestId("label-filter").selectOption("Returns");
    await row(ada, "Without a label").waitFor({ state: "detached" });
    assert.equal(await ada.getByTestId("inbox-item").count(), 1);
    assert.deepEqual(await violations(ada, "html"), []);
    await ada.getByTestId("label-filter").selectOption("");
    await row(ada, "Without a label").waitFor();
    await ada.getByTestId("label").click();
    await ada.getByTestId("label-choice").uncheck();
    await ada.getByTestId("label-send").click();
    await ada.getByTestId("labels").first().waitFor({ state: "detached" });
    await closeIt(ada);
    assert.deepEqual(desks.complaints, []);
});
