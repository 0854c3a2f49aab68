/**
 * Holds the demo's conversation in three headless browsers: a visitor, and the agents Ada and
 * Bruno. Usage: demo-check.mjs SHOP ADA BRUNO SCREENSHOTS, the first three being addresses; LEVEL is the
 * level of the chat.
 */

import { readFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { chromium } from "playwright-core";

/** @import { Browser, Page } from "playwright-core" */

/** How long anything may take to be seen on the other side, in milliseconds. */
const PATIENCE = 20_000;

const [shop, adaInvitation, brunoInvitation, screenshots] = process.argv.slice(2);
const executablePath = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
if (!shop || !adaInvitation || !brunoInvitation || !screenshots) {
    throw new Error("usage: demo-check.mjs SHOP ADA BRUNO SCREENSHOTS");
}
await mkdir(screenshots, { recursive: true });

/** @type {Record<string, string>} What is said, by language tag. */
const declaration = {};
/** @type {{ languages: { tag: string, articles: Record<string, string> }[] }} */
const texts = JSON.parse(await readFile(new URL("../texts/udhr.json", import.meta.url), "utf8"));
for (const { tag, articles } of texts.languages) declaration[tag] = articles["1"] ?? "";

/**
 * What the visitor has to be told at a level.
 * @param {string | undefined} level
 */
function sentenceOf(level) {
    switch (level) {
        case "transport":
            return /chat service stores it readable$/;
        case "storage":
            return /and its chat service can read it$/;
        default:
            return /^End-to-end encrypted with /;
    }
}

/** @param {string} tag */
const article = (tag) => {
    const text = declaration[tag];
    if (!text) throw new Error(`no text in ${tag}`);
    return text;
};

/** @type {Browser[]} */
const browsers = [];
/** @type {Record<string, Page>} */
const pages = {};
/** @type {string[]} */
const complaints = [];

/**
 * @param {string} name
 * @param {string} address
 */
async function browse(name, address) {
    const browser = await chromium.launch({
        executablePath,
        args: [
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ],
    });
    browsers.push(browser);
    const page = await browser.newPage({
        locale: "en-GB",
        viewport: { width: 1280, height: 800 },
        deviceScaleFactor: 1,
    });
    page.setDefaultTimeout(PATIENCE);
    page.on("pageerror", (error) => complaints.push(`${name}: ${error.message}`));
    page.on("console", (message) => {
        if (message.type() === "error") complaints.push(`${name}: ${message.text()}`);
    });
    pages[name] = page;
    await page.goto(address);
    return page;
}

/**
 * @param {string} what
 * @param {() => Promise<boolean>} condition
 */
async function until(what, condition) {
    const end = Date.now() + PATIENCE;
    while (!(await condition())) {
        if (Date.now() > end) throw new Error(`${what}: not within ${PATIENCE / 1000} s`);
        await new Promise((resolve) => setTimeout(resolve, 50));
    }
}

/** @param {Page} page */
const said = (page) => page.getByTestId("message").locator(".bubble").allTextContents();

/**
 * @param {Page} page
 * @param {string} text
 */
async function say(page, text) {
    await page.getByTestId("message-input").fill(text);
    await page.getByTestId("send").click();
}

/**
 * Exactly this text, once.
 * @param {Page} page
 * @param {string} text
 */
async function reads(page, text) {
    await until(`“${text.slice(0, 24)}…”`, async () => (await said(page)).includes(text));
    const times = (await said(page)).filter((one) => one === text).length;
    if (times !== 1) throw new Error(`“${text.slice(0, 24)}…” is shown ${times} times`);
}

/**
 * @param {Page} from
 * @param {Page} to
 * @param {string} tag
 */
async function tell(from, to, tag) {
    await say(from, article(tag));
    await reads(to, article(tag));
    await reads(from, article(tag));
}

/**
 * Types until the other side sees it, then takes it back.
 * @param {Page} from
 * @param {Page} to
 * @param {string} text
 */
async function types(from, to, text) {
    const input = from.getByTestId("message-input");
    const sign = to.locator("[data-testid=typing]:not([hidden])");
    for (const letter of text) {
        await input.pressSequentially(letter);
        if ((await sign.count()) > 0) break;
        await new Promise((resolve) => setTimeout(resolve, 200));
    }
    await sign.waitFor();
    await input.fill("");
}

/**
 * @param {Page} page
 * @param {string} event
 */
const system = (page, event) =>
    page.locator(`[data-testid=system][data-event=${event}]`).last().waitFor();

/**
 * @param {Page} page
 * @param {string} state
 */
const contactIs = (page, state) =>
    page.locator(`[data-testid=contact][data-state=${state}]`).waitFor();

const page = {
    get visitor() {
        return pages["visitor"] ?? fail("the visitor has no page");
    },
    get ada() {
        return pages["ada"] ?? fail("Ada has no page");
    },
    get bruno() {
        return pages["bruno"] ?? fail("Bruno has no page");
    },
};

/**
 * @param {string} reason
 * @returns {never}
 */
function fail(reason) {
    throw new Error(reason);
}

/** @param {string} name */
async function picture(name) {
    for (const [who, page] of Object.entries(pages)) {
        await page.screenshot({ path: join(screenshots ?? "", `${name}-${who}.png`) });
    }
}

/**
 * @param {Page} page
 * @param {string} name
 */
async function onDuty(page, name) {
    await page.locator("[data-testid=connection][data-state=online]").waitFor();
    await until("the own name", async () => {
        const shown = await page.getByTestId("own-name").textContent();
        return shown?.trim() === name;
    });
}

/** @type {[string, () => Promise<void>][]} */
const steps = [
    [
        "Ada opens the console with her invitation and is let in",
        async () => onDuty(await browse("ada", adaInvitation), "Ada"),
    ],
    [
        "so does Bruno",
        async () => onDuty(await browse("bruno", brunoInvitation), "Bruno"),
    ],
    [
        "a visitor opens the shop, and nothing is stored before the chat is opened",
        async () => {
            const visitor = await browse("visitor", shop);
            await visitor.getByTestId("launcher").waitFor();
            const databases = await visitor.evaluate(() => indexedDB.databases());
            if (databases.length > 0) fail("there is a database already");
            await visitor.getByTestId("launcher").click();
            await visitor.getByTestId("message-input").waitFor();
        },
    ],
    [
        "the visitor writes first, in English and Arabic",
        async () => {
            for (const tag of ["en", "ar"]) {
                await say(page.visitor, article(tag));
                await reads(page.visitor, article(tag));
            }
            await until("both are sent", async () => {
                const sent = page.visitor.locator("[data-testid=message][data-state=sent]");
                const more = page.visitor.locator("[data-testid=message][data-state=delivered]");
                return (await sent.count()) + (await more.count()) === 2;
            });
        },
    ],
    [
        "the visitor is told one true sentence, and who can read this",
        async () => {
            const sentence = page.visitor.getByTestId("sentence");
            await until("the sentence", async () =>
                sentenceOf(process.env["LEVEL"]).test((await sentence.textContent())?.trim() ?? ""),
            );
            await sentence.click();
            await page.visitor.getByTestId("sheet").waitFor();
            await page.visitor.screenshot({ path: join(screenshots, "0-sheet-visitor.png") });
            await page.visitor.getByTestId("sheet-close").click();
        },
    ],
    [
        "Ada finds the contact in the queue, reads it and claims it",
        async () => {
            await page.ada.getByTestId("shelf-waiting").getByTestId("inbox-item").first().click();
            for (const tag of ["en", "ar"]) await reads(page.ada, article(tag));
            await page.ada.getByTestId("claim").click();
            await contactIs(page.ada, "open");
            await system(page.visitor, "joined");
        },
    ],
    [
        "it leaves Bruno's queue",
        async () =>
            until("an empty queue", async () => {
                const waiting = page.bruno.getByTestId("shelf-waiting").getByTestId("inbox-item");
                return (await waiting.count()) === 0;
            }),
    ],
    [
        "both talk, in Italian, Hebrew, Hindi, Greek and Japanese",
        async () => {
            await tell(page.ada, page.visitor, "it");
            await tell(page.visitor, page.ada, "he");
            await tell(page.ada, page.visitor, "hi");
            await tell(page.visitor, page.ada, "el");
            await tell(page.ada, page.visitor, "ja");
        },
    ],
    [
        "each sees the other type",
        async () => {
            await types(page.visitor, page.ada, "Κάθε άτομο έχει δικαίωμα στη ζωή");
            await types(page.ada, page.visitor, "Ogni individuo ha diritto alla vita");
            await picture("1-talking");
        },
    ],
    [
        "Ada hands it to Bruno with its history and a private note",
        async () => {
            await page.ada.getByTestId("transfer").click();
            const to = page.ada.getByTestId("transfer-to");
            await until("Bruno among the choices", async () =>
                (await to.locator("option").allTextContents()).some((name) => name.trim() === "Bruno"),
            );
            await to.selectOption({ label: "Bruno" });
            await page.ada.getByTestId("transfer-history").check();
            await page.ada.getByTestId("transfer-note").fill(article("fr"));
            await page.ada.screenshot({ path: join(screenshots, "2-transfer-ada.png") });
            await page.ada.getByTestId("transfer-send").click();
            await system(page.visitor, "transferring");
        },
    ],
    [
        "Bruno takes it and reads all that was said, and the note",
        async () => {
            await page.bruno.getByTestId("shelf-waiting").getByTestId("inbox-item").first().click();
            await page.bruno.getByTestId("claim").click();
            await contactIs(page.bruno, "open");
            for (const tag of ["en", "ar", "it", "he", "hi", "el", "ja"]) {
                await reads(page.bruno, article(tag));
            }
            const note = page.bruno.getByTestId("private-note").locator(".bubble");
            await until("the note", async () => (await note.allTextContents()).includes(article("fr")));
        },
    ],
    [
        "Bruno answers in Russian and Chinese, and Ada reads none of it",
        async () => {
            await tell(page.bruno, page.visitor, "ru");
            await tell(page.bruno, page.visitor, "zh");
            const left = await said(page.ada);
            if (left.includes(article("ru")) || left.includes(article("zh"))) {
                fail("Ada reads what was said after she left");
            }
        },
    ],
    [
        "the visitor reloads, finds everything but the note, and goes on in Korean and Thai",
        async () => {
            await page.visitor.reload();
            await page.visitor.getByTestId("message-input").waitFor();
            for (const tag of ["en", "ar", "it", "he", "hi", "el", "ja", "ru", "zh"]) {
                await reads(page.visitor, article(tag));
            }
            await tell(page.visitor, page.bruno, "ko");
            await tell(page.bruno, page.visitor, "th");
            if ((await page.visitor.content()).includes(article("fr"))) fail("the note is there");
            if ((await said(page.visitor)).includes(article("fr"))) fail("the note is shown");
            await picture("3-reloaded");
        },
    ],
    [
        "every message of the visitor was delivered",
        async () =>
            until("delivered", async () => {
                const own = page.visitor.locator("[data-testid=message][data-own=true]");
                const states = await own.evaluateAll((all) =>
                    all.map((one) => one.getAttribute("data-state")),
                );
                return states.every((state) => state === "delivered" || state === "read");
            }),
    ],
    [
        "Bruno closes it, and the visitor is told",
        async () => {
            await page.bruno.getByTestId("close").click();
            await page.bruno.getByTestId("close-confirm").click();
            await contactIs(page.bruno, "closed");
            await system(page.visitor, "closed");
            await page.visitor.getByTestId("new-chat").waitFor();
            await picture("4-closed");
        },
    ],
    [
        "no page raised an alarm or an error",
        async () => {
            for (const [who, page] of Object.entries(pages)) {
                const alarms = await page.getByTestId("alarm").allTextContents();
                if (alarms.length > 0) fail(`${who}: ${alarms.join("; ").trim()}`);
            }
            if (complaints.length > 0) fail(complaints.join("\n"));
        },
    ],
];

let passed = 0;
let failed = 0;
for (const [name, step] of steps) {
    const start = performance.now();
    try {
        await step();
        passed += 1;
        console.log(`ok      ${name} (${Math.round(performance.now() - start)} ms)`);
    } catch (error) {
        failed += 1;
        console.log(`FAILED  ${name}`);
        console.log(error instanceof Error ? error.message : String(error));
        for (const complaint of complaints) console.log(complaint);
        await picture("failed").catch(() => {});
        break;
    }
}
await Promise.all(browsers.map((browser) => browser.close()));
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
