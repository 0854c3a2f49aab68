/** The packed npm package in fresh projects: their types are checked, they are built, opened, and made to chat. */

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cp, mkdir, mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { finish, take } from "../browser/agent.mjs";
import { freePort, openAccount, reads, say, signIn } from "../browser/account.mjs";
import { STRICT, launch, site } from "../browser/site.mjs";

/** @import { Browser, Page } from "playwright-core" */

/** How long one project may take, in milliseconds. */
const PATIENCE = 120_000;

/** @type {string} */
let folder;
/** @type {string} */
let tarball;
/** @type {Browser} */
let browser;
/** @type {Awaited<ReturnType<typeof openAccount>>} */
let account;
/** @type {Page} */
let ada;
before(async () => {
    folder = await mkdtemp(join(tmpdir(), "sottovoce-consumers-"));
    const repository = fileURLToPath(new URL("../..", import.meta.url));
    run(repository, "npm", ["pack", "--workspace", "pkg", "--pack-destination", folder]);
    const packed = (await readdir(folder)).find((name) => name.endsWith(".tgz"));
    tarball = join(folder, packed ?? "nothing was packed");
    browser = await launch();
    account = await openAccount();
    ada = await signIn(browser, account.console("Ada"));
});
after(async () => {
    await browser.close();
    await account.close();
    await rm(folder, { recursive: true, force: true });
});

/**
 * Runs a program to its end.
 * @param {string} cwd
 * @param {string} program
 * @param {string[]} words
 * @param {Record<string, string>} [environment]
 */
function run(cwd, program, words, environment = {}) {
    const env = { ...process.env, NEXT_TELEMETRY_DISABLED: "1", ...environment };
    const { status, stdout, stderr } = spawnSync(program, words, { cwd, env, encoding: "utf8" });
    assert.equal(status, 0, `${program} ${words.join(" ")}:\n${stdout}\n${stderr}`);
}

/**
 * A copy of a project with the packed package in it, whose types were checked.
 * @param {string} name
 */
async function project(name) {
    const place = join(folder, name);
    await cp(fileURLToPath(new URL(`${name}/`, import.meta.url)), place, { recursive: true });
    const quietly = ["--no-audit", "--no-fund", "--prefer-offline"];
    run(place, "npm", ["ci", ...quietly]);
    run(place, "npm", ["install", "--no-save", ...quietly, tarball]);
    run(place, "npm", ["run", "check"]);
    return place;
}

/**
 * All files of a folder, by their path in it.
 * @param {string} place
 */
async function filesIn(place) {
    /** @type {Record<string, Buffer>} */
    const files = {};
    for (const entry of await readdir(place, { recursive: true, withFileTypes: true })) {
        const path = join(entry.parentPath, entry.name);
        if (entry.isFile()) files[path.slice(place.length)] = await readFile(path);
    }
    return files;
}

/** Whom the page's script asks for. */
const given = () => `?${new URLSearchParams({ account: account.account, relay: account.origin })}`;

/** Lets in the page's own files, and the relay. */
const policy = () => STRICT.replace("connect-src 'self'", `connect-src 'self' ${account.origin.replace("http", "ws")}`);

/**
 * Opens a page and chats there with an agent.
 * @param {string} address
 * @param {(page: Page) => Promise<void>} open
 */
async function chat(address, open) {
    const page = await (await browser.newContext()).newPage();
    /** @type {string[]} */
    const complaints = [];
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("console", (message) => {
        // Browsers ask for an icon that not every page has.
        const own = !message.location().url.endsWith("/favicon.ico");
        if (message.type() === "error" && own) complaints.push(message.text());
    });
    await page.goto(address);
    await open(page);
    await say(page, "Does it come in green?");
    await take(ada);
    await reads(ada, "Does it come in green?");
    await say(ada, "It does.");
    await reads(page, "It does.");
    await finish(ada);
    assert.deepEqual(complaints, []);
    return page;
}

/** @param {Page} page */
const byLauncher = (page) => page.getByTestId("launcher").click();

/**
 * Serves what a project was built to, under a policy that lets in nothing else, and chats there.
 * @param {string} place
 * @param {(page: Page) => Promise<void>} open
 */
async function chatIn(place, open) {
    const files = await filesIn(join(place, "out"));
    const body = String(files["/index.html"]);
    const { address, close } = await site({ policy: policy(), files, body });
    try {
        const page = await chat(`${address}${given()}`, open);
        assert.match(await page.title(), /It does\.$/);
        await page.context().close();
    } finally {
        close();
    }
}

/**
 * Starts a project's server, chats with its page, and ends the server.
 * @param {string} place
 * @param {string} script
 * @param {(address: string) => Promise<void>} work
 */
async function served(place, script, work) {
    const port = String(await freePort());
    const env = { ...process.env, NEXT_TELEMETRY_DISABLED: "1" };
    const server = spawn("npm", ["run", script, "--", "--port", port], { cwd: place, env, detached: true });
    try {
        const address = `http://127.0.0.1:${port}/`;
        const answers = () => fetch(address).then(({ ok }) => ok, () => false);
        while (!(await answers())) await new Promise((resolve) => setTimeout(resolve, 200));
        await work(`${address}${given()}`);
    } finally {
        // npm's child is of its group.
        if (server.pid) process.kill(-server.pid);
    }
}

test("a page built by Vite chats, and nothing was configured", { timeout: PATIENCE }, async () => {
    const place = await project("vite");
    run(place, "npm", ["run", "build"]);
    await chatIn(place, (page) => page.getByTestId("panel").waitFor());
    // And while it is being written.
    await served(place, "dev", async (address) => {
        const page = await chat(address, (page) => page.getByTestId("panel").waitFor());
        await page.context().close();
    });
});

test("a page built by webpack chats, and nothing was configured", { timeout: PATIENCE }, async () => {
    const place = await project("webpack");
    run(place, "npm", ["run", "build"]);
    await chatIn(place, byLauncher);
});

test("a page built by esbuild chats, told how wasm is loaded", { timeout: PATIENCE }, async () => {
    const place = await project("esbuild");
    run(place, "npm", ["run", "build"]);
    await chatIn(place, byLauncher);
});

test("a page with a script element chats with the files of the package, pinned by the hash in it", { timeout: PATIENCE }, async () => {
    const place = await project("script");
    run(place, "npm", ["run", "build"], { ACCOUNT: account.account, RELAY: account.origin });
    await chatIn(place, async (page) => {
        await byLauncher(page);
        await page.getByTestId("sentence").click();
        await page.getByText("pins the chat’s code by its hash").waitFor();
        await page.getByTestId("sheet-close").click();
    });
});

test("a page that Next.js renders on the server has the chat in it, and chats", { timeout: PATIENCE }, async () => {
    const place = await project("next");
    run(place, "npm", ["run", "build"]);
    await served(place, "start", async (address) => {
        const markup = await (await fetch(address)).text();
        assert.match(markup, new RegExp(`<sottovoce-chat account="${account.account}"`));
        const page = await chat(address, (page) => page.getByRole("button", { name: "Ask us" }).click());
        await page.locator("output").filter({ hasText: "It does." }).waitFor();
        await page.context().close();
    });
});

test("the package says the hash of each file that pages load, and these are right", { timeout: PATIENCE }, async () => {
    const place = join(folder, "unpacked");
    await mkdir(place);
    run(folder, "tar", ["xzf", tarball, "-C", place]);
    const dist = join(place, "package", "dist");
    /** @type {Record<string, string>} */
    const said = JSON.parse(await readFile(join(dist, "integrity.json"), "utf8"));
    const files = await filesIn(dist);
    const found = Object.entries(files)
        .filter(([path]) => /^\/script\/|\.wasm$/.test(path))
        .map(([path, bytes]) => [path.slice(1), `sha384-${createHash("sha384").update(bytes).digest("base64")}`]);
    assert.deepEqual(said, Object.fromEntries(found));
    assert.ok(Object.keys(said).includes("script/loader.js"));
});
