/** An account on a real relay, with the built pages beside it. */

import { spawn, spawnSync } from "node:child_process";
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** @import { ChildProcess } from "node:child_process" */
/** @import { AddressInfo } from "node:net" */
/** @import { Browser, Page } from "playwright-core" */

const SOTTOVOCE = process.env["SOTTOVOCE"] ?? "sottovoce";

/**
 * Makes an account with one team, a relay for it, and an invitation for its agents; with a key manager that
 * its chats are archived at, if that is wanted.
 */
export async function openAccount({ archived = false } = {}) {
    const folder = await mkdtemp(join(tmpdir(), "sottovoce-"));
    const keys = join(folder, "account");
    const made = call("account", "create", "--plain-keys", "--dir", keys, "--team", "support");
    const account = /^account=(.+)$/m.exec(made)?.[1] ?? fail("no account was made");
    const pages = join(folder, "pages");
    await cp(fileURLToPath(new URL("../../www/dist", import.meta.url)), pages, { recursive: true });
    const config = JSON.stringify({ account, entryPoint: "shop" });
    for (const page of ["shop", "console"]) await writeFile(join(pages, page, "config.json"), config);

    const listen = `127.0.0.1:${await freePort()}`;
    const origin = `http://${listen}`;
    const database = join(folder, "relay.sqlite");
    const manager = archived ? await startKeyManager(folder, keys, account) : undefined;
    const start = () =>
        running(
            /^listening on/,
            ...["relay", "--listen", listen, "--database", database],
            ...["--account", account, "--static", `/=${pages}`],
        );
    let [relay] = await start();
    call("policy", "publish", "--dir", keys, "--relay", origin);
    const [inviter, invitation] = await running(
        /^invite=(.+)$/,
        ...["agent", "invite", "--reusable", "--team", "support", "--dir", keys, "--relay", origin],
    );
    return {
        account,
        origin,
        shop: `${origin}/shop/`,
        /** @param {string} name */
        console: (name) => `${origin}/console/#invite=${invitation}&name=${name}`,
        uninvited: `${origin}/console/`,
        /**
         * Lets a device in that asks with a request.
         * @param {string} request
         * @param {string} role
         */
        approve: (request, role) =>
            call("agent", "approve", request, "--subject", role, "--role", role, "--dir", keys, "--relay", origin),
        stopRelay: () => ended(relay),
        startRelay: async () => {
            [relay] = await start();
        },
        close: async () => {
            await Promise.all([inviter, relay, ...(manager ? [manager] : [])].map(ended));
            await rm(folder, { recursive: true, force: true });
        },
    };
}

/**
 * Starts a key manager and has the account archive its chats there.
 * @param {string} folder
 * @param {string} dir
 * @param {string} account
 */
async function startKeyManager(folder, dir, account) {
    const keys = join(folder, "keys");
    const made = call("keymanager", "create", "--dir", keys, "--account", account);
    const identity = /^identity=(.+)$/m.exec(made)?.[1] ?? fail("no key manager was made");
    call("account", "key-manager", "--dir", dir, `--identity=${identity}`, "--operator", "customer");
    const listen = `127.0.0.1:${await freePort()}`;
    process.env["SOTTOVOCE__IDENTITY_FILE"] = join(keys, "identity.key");
    process.env["SOTTOVOCE__MASTER_FILE"] = join(keys, "master.key");
    process.env["SOTTOVOCE__LISTEN__ADDRESS"] = listen;
    const run = ["keymanager", "run", "--config", join(keys, "keymanager.toml")];
    const [manager] = await running(/^listening on/, ...run);
    for (const name of ["IDENTITY_FILE", "MASTER_FILE", "LISTEN__ADDRESS"]) delete process.env[`SOTTOVOCE__${name}`];
    process.env["SOTTOVOCE__KEY_MANAGERS__PRIVATE"] = "true";
    const url = `key-manager-url=http://${listen}`;
    call("policy", "set", "--dir", dir, "archive=key-manager", url, "roles=supervisor,auditor");
    return manager;
}

/** @param {string[]} words */
function call(...words) {
    const { status, stdout, stderr } = spawnSync(SOTTOVOCE, words, { encoding: "utf8" });
    if (status !== 0) fail(`sottovoce ${words.slice(0, 2).join(" ")}: ${stderr}`);
    return stdout;
}

/**
 * Starts a program and waits until it says something.
 * @param {RegExp} sign
 * @param {string[]} words
 * @returns {Promise<[ChildProcess, string]>}
 */
async function running(sign, ...words) {
    const child = spawn(SOTTOVOCE, words, { stdio: ["ignore", "pipe", "inherit"] });
    const lines = createInterface({ input: child.stdout });
    const said = await new Promise((resolve, reject) => {
        lines.on("line", (line) => {
            const match = sign.exec(line);
            if (match) resolve(match[1] ?? "");
        });
        child.once("exit", () => reject(new Error(`sottovoce ${words[0]} ended`)));
    });
    return [child, said];
}

/** @param {ChildProcess} child */
function ended(child) {
    return new Promise((resolve) => {
        child.once("exit", resolve);
        child.kill();
    });
}

/** @returns {Promise<number>} */
function freePort() {
    return new Promise((resolve) => {
        const server = createServer();
        server.listen(0, "127.0.0.1", () => {
            const { port } = /** @type {AddressInfo} */ (server.address());
            server.close(() => resolve(port));
        });
    });
}

/**
 * @param {string} reason
 * @returns {never}
 */
function fail(reason) {
    throw new Error(reason);
}

/**
 * A browser of its own for each agent, signed in.
 * @param {Browser} browser
 * @param {string} address
 * @returns {Promise<Page>}
 */
export async function signIn(browser, address) {
    const page = await (await browser.newContext()).newPage();
    await page.goto(address);
    await page.getByTestId("own-name").filter({ hasText: /./ }).waitFor();
    return page;
}

/**
 * @param {Page} page
 * @param {string} text
 */
export async function say(page, text) {
    await page.getByTestId("message-input").fill(text);
    await page.getByTestId("send").click();
}

/**
 * Waits for a text, which must stand there once.
 * @param {Page} page
 * @param {string} text
 */
export async function reads(page, text) {
    await page.getByTestId("message").filter({ hasText: text }).first().waitFor();
    const times = await page.getByTestId("message").filter({ hasText: text }).count();
    if (times !== 1) fail(`“${text}” is shown ${times} times`);
}
