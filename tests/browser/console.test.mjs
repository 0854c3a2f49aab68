/** The agents' desk: its inbox, its keys, and what it says to whom. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { reads, say } from "./account.mjs";
import { violations } from "./axe.mjs";
import { closeIt, openDesks, pane, row, take } from "./console.mjs";

/** @import { Page } from "playwright-core" */
/** @import { Desks } from "./console.mjs" */

/** @type {Desks} */
let desks;
/** @type {Page} */
let ada;
before(async () => {
    desks = await openDesks();
    ada = desks.ada;
});
after(() => desks.close());

/**
 * @param {Page} page
 * @param {string} shelf
 * @param {number} number
 */
const counts = (page, shelf, number) =>
    page.getByTestId(`count-${shelf}`).filter({ hasText: new RegExp(`^${number}$`) }).waitFor();

/** @param {Page} page @param {string} id */
const focused = (page, id) => page.locator(`[data-testid=${id}]:focus`).waitFor();

test("shelves count what stands on them, and the list says what those who wait wrote", async () => {
    const visitor = await desks.visitor("Counted from the start");
    await ada.getByTestId("announcement").filter({ hasText: "A new chat waits at ACME; 1 in all." }).waitFor();
    await row(ada, "Counted from the start").waitFor();
    assert.equal(await row(ada, "Counted from the start").getAttribute("data-standing"), "waiting");
    assert.equal(await ada.getByTestId("waiting-time").textContent(), "just now");
    await counts(ada, "waiting", 1);
    assert.match(await ada.title(), /^\(1\) Sottovoce console$/);
    await take(ada, "Counted from the start");
    await counts(ada, "waiting", 0);
    await counts(ada, "mine", 1);
    await counts(ada, "all", 1);
    await ada.getByText("Nobody waits for an answer.").waitFor();
    await say(visitor, "Thank you");
    await reads(ada, "Thank you");
    await closeIt(ada);
    await counts(ada, "mine", 0);
    await counts(ada, "closed", 1);
    await ada.getByTestId("tab-closed").click();
    await row(ada, "Counted from the start").waitFor({ state: "detached" });
});

test("a message in a chat that is not open is counted until it is read", async () => {
    const visitor = await desks.visitor("Count what I write");
    await take(ada, "Count what I write");
    await ada.keyboard.press("Escape");
    await ada.keyboard.press("Escape");
    await ada.getByTestId("tab-mine").click();
    await say(visitor, "One");
    await say(visitor, "Two");
    await ada.getByTestId("unread").filter({ hasText: "2" }).waitFor();
    await ada.waitForFunction(() => document.title.startsWith("(2) "));
    await row(ada, "Two").click();
    await reads(ada, "Two");
    await ada.getByTestId("unread").waitFor({ state: "detached" });
    await ada.waitForFunction(() => document.title === "Sottovoce console");
    // What was read stays read after a reload.
    await ada.reload();
    await reads(ada, "Two");
    assert.equal(await ada.getByTestId("unread").count(), 0);
    await closeIt(ada);
});

test("who waits longest stands first, and after two and five minutes it says so", async () => {
    const clocked = await desks.agent("Clara");
    for (const text of ["The first to wait", "The second to wait"]) await desks.visitor(text);
    await row(clocked, "The second to wait").waitFor();
    const texts = await clocked.getByTestId("shelf-waiting").getByTestId("inbox-item").allTextContents();
    assert.match(texts[0] ?? "", /The first to wait/);
    await clocked.evaluate(() => {
        const now = Date.now.bind(Date);
        Date.now = () => now() + 3 * 60_000;
        document.dispatchEvent(new Event("visibilitychange"));
    });
    await clocked.getByTestId("waiting-time").first().filter({ hasText: "waits 3 min" }).waitFor();
    await clocked.evaluate(() => {
        const now = Date.now.bind(Date);
        Date.now = () => now() + 3 * 60_000;
        document.dispatchEvent(new Event("visibilitychange"));
    });
    await clocked.locator("[data-testid=waiting-time][data-late='2']").first().filter({ hasText: "overdue, 6 min" }).waitFor();
    await clocked.context().close();
    for (const text of ["The first to wait", "The second to wait"]) {
        await take(ada, text);
        await closeIt(ada);
    }
});

test("claim, answer, note, transfer and close go by the keyboard alone", async () => {
    const bruno = await desks.agent("Bruno");
    const visitor = await desks.visitor("By keys alone");
    await ada.getByTestId("tab-waiting").click();
    await row(ada, "By keys alone").waitFor();
    await ada.keyboard.press("Alt+KeyJ");
    await pane(ada, "By keys alone").waitFor();
    await ada.keyboard.press("Alt+KeyC");
    await focused(ada, "message-input");
    await ada.keyboard.type("An answer ü € with j and k");
    await ada.keyboard.press("Enter");
    await reads(visitor, "An answer ü € with j and k");
    await ada.keyboard.press("Alt+KeyP");
    await focused(ada, "message-input");
    await ada.keyboard.type("A note");
    await ada.keyboard.press("Enter");
    await ada.getByTestId("private-note").filter({ hasText: "A note" }).waitFor();
    await ada.keyboard.press("Alt+KeyP");
    await ada.locator("[data-testid=note][aria-pressed=true]").waitFor();
    await ada.keyboard.press("Alt+KeyL");
    await ada.locator("[data-testid=reply][aria-pressed=true]").waitFor();
    await ada.keyboard.press("Alt+KeyT");
    await focused(ada, "transfer-to");
    await ada.keyboard.press("Escape");
    await ada.getByTestId("transfer-form").waitFor({ state: "detached" });
    await ada.keyboard.press("Alt+KeyT");
    await ada.getByTestId("transfer-to").locator("option", { hasText: "Bruno" }).waitFor({ state: "attached" });
    await focused(ada, "transfer-to");
    await ada.keyboard.type("Bruno");
    await ada.keyboard.press("Tab");
    await ada.keyboard.press("Tab");
    await ada.keyboard.type("Over to you");
    await ada.keyboard.press("Tab");
    await ada.keyboard.press("Enter");
    await ada.locator("[data-event=transferring]").waitFor();
    await counts(bruno, "waiting", 1);
    await bruno.keyboard.press("Alt+KeyJ");
    await bruno.getByTestId("private-note").filter({ hasText: "Over to you" }).waitFor();
    await bruno.keyboard.press("Alt+KeyC");
    await bruno.locator("[data-testid=contact][data-state=open]").waitFor();
    await focused(bruno, "message-input");
    // It asks once.
    await bruno.keyboard.press("Alt+KeyE");
    await focused(bruno, "close-confirm");
    await bruno.keyboard.press("Enter");
    await bruno.locator("[data-testid=contact][data-state=closed]").waitFor();
    await bruno.context().close();
    await ada.keyboard.press("Escape");
    await ada.keyboard.press("Escape");
});

test("close and next goes on with the next chat of the list", async () => {
    for (const text of ["To be closed", "To come next"]) {
        await desks.visitor(text);
        await take(ada, text);
    }
    await ada.getByTestId("tab-mine").click();
    await row(ada, "To be closed").click();
    await ada.keyboard.press("Control+Alt+KeyE");
    await ada.keyboard.press("Control+Alt+KeyE");
    await pane(ada, "To come next").waitFor();
    await counts(ada, "mine", 1);
    await closeIt(ada);
});

test("letters that are typed into a field are no commands, and AltGr writes letters", async () => {
    await desks.visitor("Type away");
    await take(ada, "Type away");
    await ada.getByTestId("message-input").fill("");
    await ada.getByTestId("message-input").press("?");
    assert.equal(await ada.getByTestId("message-input").inputValue(), "?");
    assert.equal(await ada.getByTestId("help").count(), 0);
    await ada.evaluate(() => {
        const event = new KeyboardEvent("keydown", { code: "KeyE", key: "€", ctrlKey: true, altKey: true, modifierAltGraph: true, bubbles: true });
        document.activeElement?.dispatchEvent(event);
    });
    assert.equal(await ada.getByTestId("close-confirm").count(), 0);
    await ada.getByTestId("message-input").fill("");
    await closeIt(ada);
});

test("the palette finds chats, actions and pages, and gives the focus back", async () => {
    await desks.visitor("Find me by name");
    await row(ada, "Find me by name").click();
    const name = (await ada.locator("[data-heading]").textContent())?.trim() ?? "";
    await ada.keyboard.press("Escape");
    await ada.getByTestId("palette-open").focus();
    await ada.keyboard.press("Control+KeyK");
    await focused(ada, "palette-input");
    await ada.keyboard.press("Escape");
    await focused(ada, "palette-open");
    await ada.keyboard.press("Control+KeyK");
    await ada.getByTestId("palette-input").fill(name.replace("Visitor ", "vis"));
    await ada.keyboard.press("Enter");
    await pane(ada, "Find me by name").waitFor();
    await ada.keyboard.press("Control+KeyK");
    await ada.getByTestId("palette-input").fill("take th");
    await ada.keyboard.press("Enter");
    await ada.locator("[data-testid=contact][data-state=open]").waitFor();
    await ada.keyboard.press("Control+KeyK");
    await ada.getByTestId("palette-input").fill("zzz");
    await ada.getByText("Nothing here is called so.").waitFor();
    await ada.keyboard.press("Escape");
    await closeIt(ada);
});

test("of two agents who press the key at once one has the chat, and the other is told who", async () => {
    const bruno = await desks.agent("Bruno");
    await desks.visitor("A race");
    for (const agent of [ada, bruno]) {
        await row(agent, "A race").click();
        await agent.getByTestId("claim").waitFor();
    }
    await Promise.all([ada, bruno].map((agent) => agent.keyboard.press("Alt+KeyC")));
    const open = "[data-testid=contact][data-state=open]";
    await Promise.all([ada, bruno].map((agent) => agent.locator(open).waitFor()));
    const loser = (await ada.getByTestId("message-input").count()) > 0 ? bruno : ada;
    const winner = loser === ada ? bruno : ada;
    await loser.getByTestId("notice").filter({ hasText: "already has this chat" }).waitFor();
    assert.equal(await loser.getByTestId("message-input").count(), 0);
    await winner.getByTestId("close").click();
    await winner.getByTestId("close-confirm").click();
    await winner.locator("[data-testid=contact][data-state=closed]").waitFor();
    await bruno.context().close();
    await ada.keyboard.press("Escape");
});

test("who is away is shown as away to colleagues, also after a reload", async () => {
    const bruno = await desks.agent("Bruno");
    await bruno.getByTestId("menu-open").click();
    await bruno.getByTestId("away").check();
    await bruno.locator("[data-testid=presence][data-available=false]").waitFor();
    await bruno.reload();
    await bruno.getByTestId("presence").filter({ hasText: "Away, 0 chats" }).waitFor();
    await desks.visitor("Whose turn is it?");
    await take(ada, "Whose turn is it?");
    await ada.getByTestId("transfer").click();
    await ada.getByTestId("transfer-to").locator("option", { hasText: "Bruno (away)" }).first().waitFor({ state: "attached" });
    await ada.keyboard.press("Escape");
    await closeIt(ada);
    await bruno.context().close();
});

test("no state of the desk has a barrier that axe knows, in light and in dark", async () => {
    await desks.visitor("For axe");
    for (const theme of ["light", "dark"]) {
        await ada.getByTestId("menu-open").click();
        await ada.getByTestId(`theme-${theme}`).check();
        assert.deepEqual(await violations(ada, "html"), []);
        await ada.keyboard.press("Escape");
        await ada.getByTestId("tab-mine").click();
        assert.deepEqual(await violations(ada, "html"), []);
        await ada.getByTestId("tab-waiting").click();
        if (theme === "light") await take(ada, "For axe");
        await ada.getByTestId("note").click();
        assert.deepEqual(await violations(ada, "html"), []);
        await ada.getByTestId("reply").click();
        await ada.getByTestId("transfer").click();
        assert.deepEqual(await violations(ada, "html"), []);
        await ada.keyboard.press("Escape");
        await ada.keyboard.press("Control+KeyK");
        await focused(ada, "palette-input");
        assert.deepEqual(await violations(ada, "html"), []);
        await ada.keyboard.press("Escape");
        await ada.keyboard.press("Control+Slash");
        await ada.getByTestId("help").waitFor();
        assert.deepEqual(await violations(ada, "html"), []);
        await ada.keyboard.press("Escape");
        await ada.getByTestId("search").fill("axe");
        await ada.getByTestId("search-hit").waitFor();
        assert.deepEqual(await violations(ada, "html"), []);
        await ada.getByTestId("search").fill("");
    }
    assert.deepEqual(desks.complaints, []);
});
