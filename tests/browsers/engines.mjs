/** The browsers of the suite: each opens windows that share nothing, in the words of `Tab`. */

import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../browser/account.mjs";
import { launch } from "../browser/site.mjs";
import { Session, Tab } from "./webdriver.mjs";

/** @import { ChildProcess } from "node:child_process" */
/** @import { Page } from "playwright-core" */

/**
 * What the suite asks of a tab, whoever drives it.
 * @typedef {Pick<Tab, "goto" | "reload" | "close" | "sees" | "count" | "click" | "type" | "enter" | "run"> & { another(): Promise<Driven> }} Driven
 */

/**
 * @typedef {object} Engine
 * @property {string} version
 * @property {() => Promise<Driven>} person A window of its own, with storage of its own.
 * @property {() => Promise<void>} close
 */

/** Chromium, by Playwright. @returns {Promise<Engine>} */
export async function chromium() {
    const browser = await launch();
    return {
        version: browser.version(),
        person: async () => driven(await (await browser.newContext()).newPage()),
        close: () => browser.close(),
    };
}

/**
 * @param {Page} page
 * @returns {Driven}
 */
function driven(page) {
    /** @param {string} selector @param {string} [text] */
    const shown = (selector, text = "") => page.locator(selector).filter({ hasText: text, visible: true });
    return {
        goto: async (url) => void (await page.goto(url)),
        reload: async () => void (await page.reload()),
        another: async () => driven(await page.context().newPage()),
        close: () => page.close(),
        sees: (selector, text) => shown(selector, text).first().waitFor(),
        count: (selector, text) => shown(selector, text).count(),
        click: (selector) => shown(selector).first().click(),
        type: (text) => page.keyboard.type(text),
        enter: () => page.keyboard.press("Enter"),
        run: (body, ...words) => page.evaluate(`((words) => { ${body} })(${JSON.stringify(words)})`),
    };
}

/** Firefox, by geckodriver. @returns {Promise<Engine>} */
export async function firefox() {
    const folder = await mkdtemp(join(tmpdir(), "sottovoce-firefox-"));
    const program = process.env["GECKODRIVER"] ?? "geckodriver";
    const options = { binary: process.env["FIREFOX"] ?? "/usr/bin/firefox-esr", args: ["-headless", "--width=1280", "--height=900"] };
    return engine({
        start: () => startDriver(program, ["--profile-root", folder, "--websocket-port=0"]),
        capabilities: { "moz:firefoxOptions": options },
        clean: () => rm(folder, { recursive: true, force: true }),
    });
}

/** WebKit, by the driver of WebKitGTK, on a screen that nobody sees. @returns {Promise<Engine>} */
export async function webkit() {
    const [screen, display] = await startScreen();
    const options = { binary: process.env["MINIBROWSER"] ?? "MiniBrowser", args: ["--automation"] };
    return engine({
        start: () => startDriver("WebKitWebDriver", [], { DISPLAY: display }),
        capabilities: { "webkitgtk:browserOptions": options },
        clean: () => ended(screen),
    });
}

/** @typedef {{ child: ChildProcess, address: string }} Driver */

/**
 * An engine whose drivers have one browser each.
 * @param {{ start: () => Promise<Driver>, capabilities: object, clean: () => Promise<void> }} options
 * @returns {Promise<Engine>}
 */
async function engine({ start, capabilities, clean }) {
    /** @type {Driver[]} */
    const drivers = [];
    /** @type {Session[]} */
    const sessions = [];
    const person = async () => {
        const driver = await start();
        drivers.push(driver);
        const session = await Session.open(driver.address, capabilities);
        sessions.push(session);
        return session.first();
    };
    const first = await person();
    /** @type {Tab | undefined} */
    let spare = first;
    return {
        version: await first.run("return navigator.userAgent"),
        person: async () => {
            const tab = spare ?? (await person());
            spare = undefined;
            return tab;
        },
        close: async () => {
            await Promise.allSettled(sessions.map((session) => session.close()));
            await Promise.all(drivers.map(({ child }) => ended(child)));
            await clean();
        },
    };
}

/**
 * Starts a driver and waits until it listens.
 * @param {string} program
 * @param {string[]} words
 * @param {Record<string, string>} [environment]
 * @returns {Promise<Driver>}
 */
async function startDriver(program, words, environment = {}) {
    const port = await freePort();
    const address = `http://127.0.0.1:${port}`;
    const env = { ...process.env, ...environment };
    const child = spawn(program, ["--host=127.0.0.1", `--port=${port}`, ...words], { stdio: ["ignore", "ignore", "ignore"], env });
    const failed = new Promise((_, reject) => {
        child.once("error", reject);
        child.once("exit", () => reject(new Error(`${program} ended`)));
    });
    failed.catch(() => {});
    const listens = () => fetch(`${address}/status`).then(() => true, () => false);
    while (!(await Promise.race([listens(), failed]))) await new Promise((resolve) => setTimeout(resolve, 100));
    return { child, address };
}

/**
 * A screen in memory, on a display number that it finds itself.
 * @returns {Promise<[ChildProcess, string]>}
 */
async function startScreen() {
    const words = ["-displayfd", "3", "-nolisten", "tcp", "-screen", "0", "1280x900x24"];
    const child = spawn("Xvfb", words, { stdio: ["ignore", "ignore", "ignore", "pipe"] });
    const number = await new Promise((resolve, reject) => {
        child.once("error", reject);
        child.stdio[3]?.once("data", (data) => resolve(String(data).trim()));
    });
    return [child, `:${number}`];
}

/**
 * @param {ChildProcess} child
 * @returns {Promise<void>}
 */
function ended(child) {
    return new Promise((resolve) => {
        if (child.exitCode !== null || child.signalCode !== null) return resolve();
        child.once("exit", () => resolve());
        child.kill();
    });
}
