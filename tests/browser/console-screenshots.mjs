/** Pictures of the console in its states, for one width after the other. */

import { reads, say } from "./account.mjs";
import { openDesks, pane, row, take } from "./console.mjs";

/** @import { Page } from "playwright-core" */

const WIDE = 1280;
/** @type {[string, Record<string, string>][]} What visitors ask, and what the page says of them. */
const QUESTIONS = [
    ["Is the ash bowl dishwasher-safe?", { name: "Mia Rossi", email: "mia@example.com" }],
    ["My parcel arrived with a broken mug, what now?", { name: "Jonas Weber", order: "1038" }],
    ["Do you ship to Portugal?", {}],
    ["Can I change the delivery address of order 1042?", { name: "Aiko Tanaka" }],
];

/**
 * @param {Map<number, number>} heights By width.
 * @param {(page: Page, width: number, number: number, state: string) => Promise<void>} keep Writes one picture.
 */
export async function consolePictures(heights, keep) {
    const desks = await openDesks();
    const visitors = [];
    for (const [text, details] of QUESTIONS) visitors.push(await desks.visitor(text, details));
    const [bowl, parcel] = visitors;
    if (!bowl || !parcel) throw new Error("there are no visitors");
    const bruno = await desks.agent("Bruno");
    await talk(desks.ada, bowl, parcel);
    await keepReplies(desks.ada);
    await bruno.getByTestId("tab-waiting").click();
    await row(bruno, "Portugal").click();
    for (const [width, height] of heights) {
        const { ada } = desks;
        await ada.setViewportSize({ width, height });
        let number = 0;
        /** @param {string} state */
        const picture = (state) => keep(ada, width, (number += 1), state);
        await walk(ada, bowl, width, picture);
    }
    await desks.ada.setViewportSize({ width: WIDE, height: 800 });
    await handOver(desks.ada, bruno, (state) => keep(desks.ada, WIDE, 90, state), (state) => keep(bruno, WIDE, 91, state));
    if (desks.complaints.length > 0) throw new Error(desks.complaints.join("\n"));
    await desks.close();
}

/**
 * @param {Page} ada
 * @param {Page} bowl
 * @param {Page} parcel
 */
async function talk(ada, bowl, parcel) {
    await take(ada, "ash bowl");
    await say(ada, "It is. All of our stoneware goes into the dishwasher and the oven.");
    await reads(bowl, "It is. All");
    await say(bowl, "Wonderful. And the lids?");
    await say(bowl, "They are of wood, I think: https://example.com/bowls/ash");
    await reads(ada, "They are of wood");
    await ada.getByTestId("note").click();
    await say(ada, "Lids are oiled oak, hand wash only. See the care sheet.");
    await say(ada, "Please wash the lids by hand; they are oiled oak.");
    for (const label of ["Care", "Bowls"]) {
        await ada.getByTestId("label").click();
        await ada.getByTestId("label-new").fill(label);
        await ada.getByTestId("label-send").click();
        await ada.getByTestId("labels").first().filter({ hasText: label }).waitFor();
    }
    await take(ada, "broken mug");
    await say(ada, "I am sorry! A new one goes out today.");
    await reads(parcel, "I am sorry!");
    await say(parcel, "That was quick, thank you 🎉");
    await reads(ada, "That was quick");
}

/** Replies that the team keeps. */
const REPLIES = new Map([
    ["hello", "Hello {{name}}, this is {{agent}} of {{business}}. How can I help?"],
    ["hours", "We are here Monday to Friday from nine to five."],
    ["broken", "I am sorry that it arrived broken. A new one goes out today; please keep the pieces for a week."],
]);

/** @param {Page} ada */
async function keepReplies(ada) {
    await ada.getByTestId("menu-open").click();
    await ada.getByTestId("replies-item").click();
    for (const [shortcut, text] of REPLIES) {
        await ada.getByTestId("reply-new").click();
        await ada.getByTestId("reply-shortcut").fill(shortcut);
        await ada.getByTestId("reply-text").fill(text);
        await ada.getByTestId("reply-keep").click();
        await ada.getByTestId("kept-reply").filter({ hasText: `/${shortcut}` }).waitFor();
    }
    await ada.keyboard.press("Escape");
}

/**
 * @param {Page} ada
 * @param {Page} bowl
 * @param {number} width
 * @param {(state: string) => Promise<void>} picture
 */
async function walk(ada, bowl, width, picture) {
    const narrow = width <= 700;
    const list = async () => {
        while (await ada.getByTestId("contact").first().isVisible()) await ada.keyboard.press("Escape");
    };
    await list();
    await ada.getByTestId("tab-waiting").click();
    await picture("console-waiting");
    await ada.getByTestId("tab-mine").click();
    await picture("console-mine");
    await row(ada, "hand; they are").click();
    await reads(ada, "They are of wood");
    await bowl.getByTestId("message-input").pressSequentially("Th");
    await ada.locator("[data-testid=typing]:not([hidden])").waitFor();
    await picture("console-chat");
    await bowl.getByTestId("message-input").fill("");
    if (await ada.getByTestId("details-open").isVisible()) {
        await ada.getByTestId("details-open").click();
        await picture("console-details");
        await ada.getByTestId("details-close").click();
    }
    await ada.getByTestId("note").click();
    await picture("console-note");
    await ada.getByTestId("reply").click();
    await ada.getByTestId("message-input").fill("/");
    await ada.getByTestId("suggestion").first().waitFor();
    await picture("console-reply-menu");
    await ada.getByTestId("message-input").fill("");
    await ada.getByTestId("transfer").click();
    await ada.getByTestId("transfer-to").locator("option", { hasText: "Bruno" }).waitFor({ state: "attached" });
    await picture("console-transfer");
    await ada.keyboard.press("Escape");
    await ada.getByTestId("label").click();
    await ada.getByTestId("label-new").waitFor();
    await picture("console-labels");
    await ada.keyboard.press("Escape");
    await ada.keyboard.press("Alt+KeyE");
    await picture("console-close");
    await ada.getByTestId("keep-open").click();
    if (width >= WIDE) {
        await row(ada, "That was quick").click({ modifiers: ["Control"] });
        await pane(ada, "broken mug").waitFor();
        await picture("console-two");
        await ada.getByTestId("tab-waiting").click();
        await row(ada, "Portugal").click({ modifiers: ["Control"] });
        await ada.getByTestId("attending").filter({ hasText: "Bruno" }).waitFor();
        await picture("console-three");
    }
    await ada.keyboard.press("Control+KeyK");
    await ada.getByTestId("palette-input").fill("th");
    await picture("console-palette");
    await ada.keyboard.press("Escape");
    await ada.keyboard.press("Control+Slash");
    await ada.getByTestId("help").waitFor();
    await picture("console-help");
    await ada.keyboard.press("Escape");
    await ada.getByTestId("menu-open").click();
    await ada.getByTestId("replies-item").click();
    await ada.getByTestId("kept-reply").first().waitFor();
    await picture("console-replies");
    await ada.keyboard.press("Escape");
    await ada.getByTestId("menu-open").click();
    await picture("console-menu");
    await ada.getByTestId("theme-dark").check();
    await ada.keyboard.press("Escape");
    await picture("console-dark");
    await ada.getByTestId("menu-open").click();
    await ada.getByTestId("theme-auto").check();
    await ada.keyboard.press("Escape");
    await list();
    await ada.getByTestId("search").fill("wood");
    await ada.getByTestId("search-hit").first().waitFor();
    await picture("console-search");
    await ada.getByTestId("search-hit").first().click();
    await ada.locator("article:focus").waitFor();
    if (!narrow) await picture("console-found");
    await list();
    await ada.getByTestId("search").fill("");
    await ada.getByTestId("tab-closed").click();
    await picture("console-closed-empty");
}

/**
 * @param {Page} ada
 * @param {Page} bruno
 * @param {(state: string) => Promise<void>} adas
 * @param {(state: string) => Promise<void>} brunos
 */
async function handOver(ada, bruno, adas, brunos) {
    await ada.getByTestId("tab-mine").click();
    await row(ada, "hand; they are").click();
    await ada.getByTestId("transfer").click();
    await ada.getByTestId("transfer-to").selectOption({ label: "Bruno" });
    await ada.getByTestId("transfer-note").fill("She also asked for a gift box.");
    await ada.getByTestId("transfer-send").click();
    await ada.locator("[data-event=transferring]").waitFor();
    await adas("console-handing-over");
    await bruno.getByTestId("tab-waiting").click();
    await row(bruno, "hand; they are").click();
    await bruno.getByTestId("claim").click();
    await bruno.locator("[data-testid=contact][data-state=open]").waitFor();
    await brunos("console-taken-over");
}
