/** What colleagues see of each other's work: who holds which chat, who looks at it, its labels. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { violations } from "./axe.mjs";
import { closeIt, openDesks, row, take } from "./console.mjs";

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
});

test("a reply that one agent keeps is written by another with a few letters, its placeholders filled in", async () => {
    await ada.getByTestId("menu-open").click();
    await ada.getByTestId("replies-item").click();
    await ada.getByTestId("reply-new").click();
    await ada.getByTestId("reply-shortcut").fill("hello");
    await ada.getByTestId("reply-text").fill("Hello {{name}}, I am {{agent}} of {{business}}. How can I help?");
    assert.deepEqual(await violations(ada, "html"), []);
    await ada.getByTestId("reply-keep").click();
    await ada.getByTestId("kept-reply").filter({ hasText: "/hello" }).waitFor();
    await ada.getByTestId("reply-new").click();
    await ada.getByTestId("reply-shortcut").fill("hours");
    await ada.getByTestId("reply-text").fill("We are here from nine to five.");
    await ada.getByTestId("reply-keep").click();
    await ada.getByTestId("kept-reply").filter({ hasText: "/hours" }).waitFor();
    assert.deepEqual(await violations(ada, "html"), []);
    await ada.keyboard.press("Escape");
    const visitor = await desks.visitor("A question for the menu");
    await take(bruno, "A question for the menu");
    const field = bruno.getByTestId("message-input");
    await field.fill("");
    await field.pressSequentially("/h");
    await bruno.getByTestId("suggestion").nth(1).waitFor();
    assert.deepEqual(await violations(bruno, "html"), []);
    await field.press("ArrowDown");
    await field.press("ArrowUp");
    await field.press("Enter");
    assert.equal(await field.inputValue(), "Hello, I am Bruno of ACME. How can I help?");
    await field.pressSequentially(" /ho");
    await field.press("Escape");
    assert.equal(await bruno.getByTestId("suggestions").count(), 0);
    assert.equal(await field.inputValue(), "Hello, I am Bruno of ACME. How can I help? /ho");
    await field.pressSequentially("u");
    assert.equal(await bruno.getByTestId("suggestions").count(), 0);
    await field.fill("1/h");
    assert.equal(await bruno.getByTestId("suggestions").count(), 0);
    await field.fill("");
    await field.pressSequentially("/hou");
    await bruno.getByTestId("suggestion").click();
    await field.press("Enter");
    await visitor.getByTestId("message").filter({ hasText: "We are here from nine to five." }).waitFor();
    await closeIt(bruno);
});

test("a reply is changed and removed, and colleagues see that", async () => {
    await ada.keyboard.press("Control+KeyK");
    await ada.getByTestId("palette-input").fill("replies");
    await ada.keyboard.press("Enter");
    await ada.getByRole("button", { name: "Change /hours" }).click();
    await ada.getByTestId("reply-shortcut").fill("open");
    await ada.getByTestId("reply-keep").click();
    await ada.getByTestId("kept-reply").filter({ hasText: "/open" }).waitFor();
    await ada.getByTestId("kept-reply").filter({ hasText: "/hours" }).waitFor({ state: "detached" });
    await ada.getByRole("button", { name: "Remove /hello" }).click();
    await ada.getByTestId("kept-reply").filter({ hasText: "/hello" }).waitFor({ state: "detached" });
    await ada.keyboard.press("Escape");
    await bruno.keyboard.press("Control+KeyK");
    await bruno.getByTestId("palette-input").fill("replies");
    await bruno.keyboard.press("Enter");
    await bruno.getByTestId("kept-reply").filter({ hasText: "/open" }).waitFor();
    assert.equal(await bruno.getByTestId("kept-reply").count(), 1);
    await bruno.keyboard.press("Escape");
});

test("whoever has as many chats as they want is shown as away", async () => {
    await bruno.getByTestId("menu-open").click();
    await bruno.getByTestId("capacity").fill("1");
    await bruno.getByTestId("capacity").press("Tab");
    await bruno.keyboard.press("Escape");
    await bruno.getByTestId("presence").filter({ hasText: "Available, 0 of 1 chats" }).waitFor();
    await desks.visitor("One is enough");
    await take(bruno, "One is enough");
    await bruno.getByTestId("presence").filter({ hasText: "Full, 1 of 1 chats" }).waitFor();
    await desks.visitor("To whom with this one?");
    await take(ada, "To whom with this one?");
    await ada.getByTestId("transfer").click();
    await ada.getByTestId("transfer-to").locator("option", { hasText: "Bruno (away)" }).first().waitFor({ state: "attached" });
    await ada.keyboard.press("Escape");
    await closeIt(ada);
    await closeIt(bruno);
    assert.deepEqual(desks.complaints, []);
});

test("what a colleague did before one was let in is not said to be the visitor's doing", async () => {
    await desks.visitor("Renewed by others");
    for (const name of ["Carl", "Dina"]) {
        const page = await desks.agent(name);
        await row(page, "Renewed by others").click();
        // Whoever comes gets the chat sealed to a key that it holds.
        await page.locator("[data-event=rekeyed]").first().waitFor();
        const lines = await page.locator("[data-event=rekeyed]").allTextContents();
        assert.deepEqual(lines.filter((line) => line.includes("The visitor")), []);
        await page.context().close();
    }
});

test("what the page says of the visitor stands beside the chat and names it, unchecked as it is", async () => {
    await desks.visitor("It is about my order", { name: "Mia Rossi", email: "mia@example.com", order: "javascript:alert(1)" });
    await take(ada, "It is about my order");
    const customer = ada.getByTestId("customer");
    await customer.filter({ hasText: "Mia Rossi" }).waitFor();
    await ada.getByTestId("contact").getByRole("heading", { name: "Mia Rossi" }).waitFor();
    assert.equal(await customer.getByRole("link", { name: "mia@example.com" }).getAttribute("href"), "mailto:mia@example.com");
    assert.equal(await customer.getByText("javascript:alert(1)").locator("a").count(), 0);
    // Nobody has checked the name.
    assert.equal(await ada.getByTestId("contact").locator(".verified").count(), 0);
    await ada.getByTestId("identity").filter({ hasText: "Not verified." }).waitFor();
    await ada.evaluate(() => {
        Object.defineProperty(navigator, "clipboard", { value: { writeText: (/** @type {string} */ text) => ((document.title = text), Promise.resolve()) } });
    });
    await customer.getByRole("button", { name: "Copy email" }).click();
    await customer.getByText("Copied").waitFor();
    assert.deepEqual(await violations(ada, "html"), []);
    await closeIt(ada);
    assert.deepEqual(desks.complaints, []);
});
