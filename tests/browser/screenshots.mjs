/**
 * Pictures of the widget and of the console in every state and width, to be looked at. Writes them into the
 * folder that is given, each named by its width and its state.
 */

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { openAccount, reads, say, signIn } from "./account.mjs";
import { consolePictures } from "./console-screenshots.mjs";
import { cuttable, launch } from "./site.mjs";

const [folder = "target/screenshots"] = process.argv.slice(2);
const HEIGHTS = new Map([
    [360, 640],
    [390, 844],
    [768, 1024],
    [1280, 800],
    [1920, 1080],
]);
const LANGUAGES = /** @type {const} */ (["it", "ar", "ja"]);

await mkdir(folder, { recursive: true });
const browser = await launch();
const account = await openAccount();
const ada = await signIn(browser, account.console("Ada"));
let pictures = 0;
for (const [width, height] of HEIGHTS) await walk(width, height);
await browser.close();
await account.close();
await consolePictures(HEIGHTS, keep);
console.log(`${pictures} pictures in ${folder}`);

/**
 * @param {import("playwright-core").Page} page
 * @param {number} width
 * @param {number} number
 * @param {string} state
 */
async function keep(page, width, number, state) {
    pictures += 1;
    const name = `${width}-${String(number).padStart(2, "0")}-${state}.png`;
    await page.screenshot({ path: join(folder, name), animations: "disabled" });
}

/**
 * One visitor's way through all states.
 * @param {number} width
 * @param {number} height
 */
async function walk(width, height) {
    const page = await (await browser.newContext({ viewport: { width, height }, locale: "en-GB" })).newPage();
    const line = await cuttable(page);
    let number = 0;
    /** @param {string} state */
    const picture = (state) => keep(page, width, (number += 1), state);
    /** @param {"light" | "dark" | "auto"} theme */
    const theme = (theme) => page.evaluate((theme) => window.sottovoce?.("setTheme", theme), theme);
    /** @param {string} state */
    const connection = (state) => page.locator(`[data-testid=connection][data-state=${state}]`).waitFor();

    await page.goto(account.shop);
    await page.getByTestId("launcher").waitFor();
    await picture("launcher");
    await page.getByTestId("launcher").click();
    await connection("online");
    await picture("opened");
    await say(page, "Hello! Is the ash bowl dishwasher-safe? I mean https://example.com/bowls/ash");
    await page.locator("[data-testid=message][data-state=sent]").waitFor();
    await picture("waiting");
    await ada.getByTestId("shelf-waiting").getByTestId("inbox-item").first().click();
    await ada.getByTestId("claim").click();
    await page.locator("[data-event=joined]").waitFor();
    await picture("agent-joined");
    await say(ada, "It is. All of our stoneware goes into the dishwasher and the oven.");
    await reads(page, "It is. All");
    await say(page, "👍🏽🎉");
    await page.locator("[data-testid=message][data-state=read]").first().waitFor();
    await ada.getByTestId("message-input").pressSequentially("Any");
    await page.getByTestId("typing").waitFor();
    await picture("conversation");
    await page.getByTestId("sentence").click();
    await picture("sheet");
    await page.getByTestId("sheet-close").click();
    for (const locale of LANGUAGES) {
        await page.evaluate((locale) => window.sottovoce?.("setLocale", locale), locale);
        await page.locator(`[data-testid=panel][lang=${locale}]`).waitFor();
        await picture(locale);
        await page.getByTestId("sentence").click();
        await picture(`${locale}-sheet`);
        await page.getByTestId("sheet-close").click();
    }
    await page.evaluate(() => window.sottovoce?.("setLocale", "en"));
    await theme("dark");
    await picture("dark");
    await theme("auto");
    await page.locator("sottovoce-chat").evaluate((chat) => chat.setAttribute("brand-color", "#ffd400"));
    await picture("bright-brand");
    await page.locator("sottovoce-chat").evaluate((chat) => chat.removeAttribute("brand-color"));
    await page.getByTestId("minimise").click();
    await say(ada, "Anything else?");
    await page.locator("[data-unread]").waitFor();
    await picture("unread");
    await page.getByTestId("launcher").click();
    line.cut();
    await say(page, "One more thing");
    await page.locator("[data-testid=connection]:not([data-state=online])").waitFor();
    await picture("offline");
    await ada.getByTestId("close").click();
    await ada.getByTestId("close-confirm").click();
    await ada.locator("[data-testid=contact][data-state=closed]").waitFor();
    line.mend();
    await page.locator("[data-testid=message][data-state=failed]").waitFor();
    await picture("failed-and-closed");
    await page.context().close();
}
