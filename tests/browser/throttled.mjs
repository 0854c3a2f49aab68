/**
 * How long the widget keeps a slow phone's only thread busy: Chromium, slowed down four times.
 * Prints the longest task and the longest call into wasm of each phase; `--json` adds one object as the
 * last line.
 */

import { openAccount, reads, say, signIn } from "./account.mjs";
import { launch } from "./site.mjs";

/** @import { Page } from "playwright-core" */

/**
 * @typedef {object} Busy
 * @property {number} task The longest task, in milliseconds.
 * @property {number} call The longest call into wasm.
 * @property {string} name Its name.
 */

const SLOWDOWN = 4;
const MESSAGES = 20;

/** Runs in the page before anything else: watches tasks, and every call into wasm from outside. */
function watch() {
    /** @type {Busy} */
    const longest = { task: 0, call: 0, name: "none" };
    Object.assign(globalThis, { longest });
    new PerformanceObserver((list) => {
        for (const { duration } of list.getEntries()) longest.task = Math.max(longest.task, duration);
    }).observe({ type: "longtask" });
    let depth = 0;
    /** @param {WebAssembly.Instance} instance */
    const watched = (instance) => {
        const exports = Object.entries(instance.exports).map(([name, value]) => {
            if (typeof value !== "function") return [name, value];
            /** @param {unknown[]} words */
            const timed = (...words) => {
                const start = performance.now();
                depth += 1;
                try {
                    return value(...words);
                } finally {
                    depth -= 1;
                    const took = performance.now() - start;
                    if (depth === 0 && took > longest.call) Object.assign(longest, { call: took, name });
                }
            };
            return [name, timed];
        });
        return /** @type {WebAssembly.Instance} */ ({ exports: Object.fromEntries(exports) });
    };
    for (const name of /** @type {const} */ (["instantiate", "instantiateStreaming"])) {
        const original = /** @type {(...words: any[]) => Promise<any>} */ (WebAssembly[name]);
        Object.assign(WebAssembly, {
            /** @param {any[]} words */
            [name]: async (...words) => {
                const made = await original(...words);
                return made instanceof WebAssembly.Instance
                    ? watched(made)
                    : { module: made.module, instance: watched(made.instance) };
            },
        });
    }
}

const browser = await launch();
const account = await openAccount();
/** @type {Record<string, Busy>} */
const phases = {};

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
    const busy = /** @type {Busy} */ (await page.evaluate(() => ({ ...Reflect.get(globalThis, "longest") })));
    phases[name] = busy;
    const task = busy.task === 0 ? "below 50 ms" : `${busy.task.toFixed(0)} ms`;
    console.log(`${name}: longest task ${task}, longest call into wasm ${busy.call.toFixed(0)} ms (${busy.name})`);
}

try {
    const ada = await signIn(browser, account.console("Ada"));
    const visitor = await (await browser.newContext()).newPage();
    await visitor.addInitScript(watch);
    await visitor.goto(account.shop);
    const devtools = await visitor.context().newCDPSession(visitor);
    await devtools.send("Emulation.setCPUThrottlingRate", { rate: SLOWDOWN });
    await phase("opening", visitor, async () => {
        await visitor.getByTestId("launcher").click();
        await visitor.locator("[data-testid=panel][data-tab=leading]").waitFor();
    });
    await phase("first message", visitor, async () => {
        await say(visitor, "Good morning");
        await ada.getByTestId("shelf-waiting").getByTestId("inbox-item").first().click();
        await reads(ada, "Good morning");
    });
    await phase("claim", visitor, async () => {
        await ada.getByTestId("claim").click();
        await visitor.locator("[data-event=joined]").waitFor();
    });
    await phase("messages arriving", visitor, async () => {
        for (let number = 1; number <= MESSAGES; number += 1) await say(ada, `Number ${number}.`);
        await reads(visitor, `Number ${MESSAGES}.`);
    });
    await phase("reload", visitor, async () => {
        await visitor.reload();
        await reads(visitor, `Number ${MESSAGES}.`);
    });
} finally {
    await browser.close();
    await account.close();
}
if (process.argv.includes("--json")) console.log(JSON.stringify(phases));
