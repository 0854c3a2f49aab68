/**
 * How quick the pages are on a slow phone: Chromium, slowed down four times. Prints each figure; `--json` adds one
 * object as the last line. Milliseconds, but for memory.
 */

import { openAccount, reads, say } from "./account.mjs";
import { launch } from "./site.mjs";
import { find, fingers, watch } from "./watched.mjs";

/** @import { Page } from "playwright-core" */
/** @import { Busy } from "./watched.mjs" */

const SLOWDOWN = 4;
const MESSAGES = 20;
/** An hour's talk: a message every five seconds, from either side in turn. */
const HOUR = 720;

const browser = await launch();
// What comes from one address here comes from many elsewhere.
const whose = ["", "CONTACT__", "DEVICE__", "ADDRESS__", "ACCOUNT__"];
const limits = Object.fromEntries(whose.flatMap((it) => [[`${it}FRAMES`, 1e6], [`${it}BYTES`, 1e9]]));
const account = await openAccount({ limits });
/** @type {Record<string, number | string>} */
const figures = {};

/**
 * @param {string} name
 * @param {number} value
 * @param {string} unit
 */
function tell(name, value, unit = "ms") {
    figures[name] = Number(value.toFixed(1));
    console.log(`${name.replaceAll("_", " ")}: ${value.toFixed(unit === "ms" ? 0 : 1)} ${unit}`);
}

/**
 * @param {string} name
 * @param {Page} page
 * @param {() => Promise<void>} work
 */
async function phase(name, page, work) {
    await page.evaluate(() => Object.assign(Reflect.get(globalThis, "longest"), { task: 0, call: 0, name: "none" }));
    await work();
    // Long tasks are reported after they have ended.
    await page.waitForTimeout(500);
    const busy = /** @type {Busy} */ (
        await page.evaluate(() => ({ ...Reflect.get(globalThis, "longest"), memory: undefined }))
    );
    tell(`${name}_longest_task`, busy.task);
    tell(`${name}_longest_call`, busy.call);
}

/**
 * A chat that is opened, used and taken up again.
 * @param {Page} ada
 */
async function conversation(ada) {
    const visitor = await (await browser.newContext()).newPage();
    await visitor.addInitScript(watch);
    await visitor.goto(account.shop);
    const touch = await fingers(visitor);
    const ready = `((it) => it?.disabled === false && it.getClientRects().length > 0)(${find("[data-testid=panel][data-tab=leading] textarea")})`;
    // Playwright's own script, which it runs in the page when it first looks there, is no part of what is measured.
    await visitor.getByTestId("launcher").isVisible();
    await touch.slowDown(SLOWDOWN);
    await phase("opening", visitor, async () => {
        tell("ready_to_type_cold", await touch.until(ready, () => touch.click("[data-testid=launcher]")));
    });
    tell("core_instantiated", await touch.ask("globalThis.longest.init"));
    const painted = await touch.type("[data-testid=message-input]", "Is the blue one in stock, and when would it arrive?");
    tell("typing_median", painted[Math.floor(painted.length / 2)] ?? NaN);
    tell("typing_p95", painted[Math.floor(painted.length * 0.95)] ?? NaN);
    await phase("first_message", visitor, async () => {
        await say(visitor, "Good morning");
        await ada.getByTestId("inbox-item").first().click();
        await reads(ada, "Good morning");
    });
    await phase("claim", visitor, async () => {
        await ada.getByTestId("claim").click();
        await visitor.locator("[data-event=joined]").waitFor();
    });
    await phase("messages_arriving", visitor, async () => {
        for (let number = 1; number <= MESSAGES; number += 1) await say(ada, `Number ${number}.`);
        await reads(visitor, `Number ${MESSAGES}.`);
    });
    await phase("reload", visitor, async () => {
        await visitor.reload();
        await reads(visitor, `Number ${MESSAGES}.`);
    });
    await visitor.evaluate(() => document.querySelector("sottovoce-chat")?.close());
    await visitor.reload();
    await visitor.getByTestId("launcher").isVisible();
    tell("ready_to_type_warm", await touch.until(ready, () => touch.click("[data-testid=launcher]")));
    await touch.slowDown(1);
    const before = await touch.memory();
    for (let number = 0; number < HOUR; number += 2) {
        await say(visitor, `Question ${number}.`);
        await say(ada, `Answer ${number}.`);
    }
    await visitor.getByTestId("message").filter({ hasText: `Answer ${HOUR - 2}.` }).waitFor();
    const after = await touch.memory();
    tell("hour_memory_grown", (after.heap - before.heap + after.core - before.core) / 1e6, "MB");
    tell("hour_memory", (after.heap + after.core) / 1e6, "MB");
    await visitor.context().close();
}

/**
 * A long contact: taken in from the relay, and shown when it is chosen again.
 * @param {Page} ada
 * @param {number} count
 */
async function long(ada, count) {
    await account.writes(Array.from({ length: count }, (_, index) => `Line ${index + 1} of ${count}.`));
    const touch = await fingers(ada);
    const last = `Line ${count} of ${count}.`;
    const shown = `[...document.querySelectorAll("[data-testid=contact] [data-testid=message]")].at(-1)?.textContent.includes(${JSON.stringify(last)}) === true`;
    await ada.evaluate(() => void (location.hash = "#inbox/waiting"));
    const waiting = ada.getByTestId("shelf-waiting").getByTestId("inbox-item").first();
    await waiting.waitFor();
    const chosen = await waiting.getAttribute("data-contact");
    const item = `[data-testid=inbox-item][data-contact="${chosen}"]`;
    await touch.slowDown(SLOWDOWN);
    tell(`taken_in_${count}`, await touch.until(shown, () => touch.click(item)));
    await ada.getByTestId("claim").click();
    await ada.locator(`[data-testid=contact][data-contact="${chosen}"][data-state=open]`).waitFor();
    await ada.evaluate(() => void (location.hash = "#inbox/mine"));
    await ada.waitForTimeout(500);
    await phase(`first_page_of_${count}`, ada, async () => {
        tell(`first_page_of_${count}`, await touch.until(shown, () => touch.click(item)));
    });
    await touch.slowDown(1);
}

try {
    const ada = await (await browser.newContext()).newPage();
    await ada.addInitScript(watch);
    await ada.goto(account.console("Ada"));
    await ada.getByTestId("own-name").filter({ hasText: /./ }).waitFor();
    await conversation(ada);
    for (const count of [1_000, 10_000]) await long(ada, count);
} finally {
    await browser.close();
    await account.close();
}
if (process.argv.includes("--json")) console.log(JSON.stringify(figures));
