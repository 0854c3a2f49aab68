/** An account on a real relay, with the built pages beside it. */

import { spawn, spawnSync } from "node:child_process";
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { once } from "node:events";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";

/** @import { ChildProcess } from "node:child_process" */
/** @import { AddressInfo } from "node:net" */
/** @import { Browser, Page } from "playwright-core" */

const SOTTOVOCE = process.env["SOTTOVOCE"] ?? "sottovoce";

/**
 * Makes an account with one team, a relay for it, and an invitation for its agents; with a key manager that
 * its chats are archived at, and a vault, if that is wanted. The account begins at the lowest level that its
 * root statement allows. `limits` are set as the relay's environment says them, such as `FRAMES`.
 */
export async function openAccount({ archived = false, vault = false, lowest = "e2ee", limits = {} } = {}) {
    const folder = await mkdtemp(join(tmpdir(), "sottovoce-"));
    const keys = join(folder, "account");
    const made = call("account", "create", "--plain-keys", "--dir", keys, "--team", "support", "--level", lowest);
    const account = /^account=(.+)$/m.exec(made)?.[1] ?? fail("no account was made");
    const pages = join(folder, "pages");
    await cp(fileURLToPath(new URL("../../www/dist", import.meta.url)), pages, { recursive: true });
    const config = JSON.stringify({ account, entryPoint: "shop" });
    for (const page of ["shop", "console"]) await writeFile(join(pages, page, "config.json"), config);

    const listen = `127.0.0.1:${await freePort()}`;
    const origin = `http://${listen}`;
    const database = join(folder, "relay.sqlite");
    const manager = archived || vault ? await makeKeyManager(folder, keys, account, archived) : undefined;
    let [running] = manager ? await manager() : [];
    const start = () =>
        program(
            /^listening on/,
            ["relay", "--listen", listen, "--database", database, "--account", account, "--static", `/=${pages}`],
            // Everything is on this machine.
            {
                SOTTOVOCE__KEY_MANAGERS__PRIVATE: "true",
                SOTTOVOCE__WEBHOOKS__PRIVATE: "true",
                ...Object.fromEntries(Object.entries(limits).map(([name, value]) => [`SOTTOVOCE__LIMITS__${name}`, String(value)])),
            },
        );
    let [relay] = await start();
    const at = ["--dir", keys, "--relay", origin];
    call("policy", "publish", ...at);
    const [inviter, invitation] = await program(/^invite=(.+)$/, ["agent", "invite", "--reusable", "--team", "support", ...at]);
    const stored = vault ? await startVault(folder, account, at) : undefined;
    return {
        account,
        origin,
        shop: `${origin}/shop/`,
        pages,
        /** @param {string} name */
        console: (name) => `${origin}/console/#invite=${invitation}&name=${name}`,
        uninvited: `${origin}/console/`,
        /**
         * Lets a device in that asks with a request.
         * @param {string} request
         * @param {string} role
         * @param {string[]} teams
         */
        approve: (request, role, ...teams) => {
            const grant = ["--subject", role, "--role", role, ...teams.flatMap((team) => ["--team", team])];
            return call("agent", "approve", request, ...grant, ...at);
        },
        /**
         * Makes the device that a request is of an administrator, which takes the root key.
         * @param {string} request
         */
        administer: (request) => {
            call("policy", "fetch", ...at);
            call("account", "administrator", "add", request, "--dir", keys);
            call("policy", "publish", ...at);
        },
        /**
         * Changes the policy from the account's folder.
         * @param {string} setting
         */
        set: (setting) => {
            call("policy", "set", "--dir", keys, setting);
            call("policy", "publish", ...at);
        },
        /** Who administers the account, by its folder. */
        administrators: () => call("account", "administrator", "list", "--dir", keys),
        /**
         * A command line with the account's folder and the relay.
         * @param {string[]} words
         */
        command: (...words) => call(...words, ...at),
        /**
         * A visitor who writes lines, a thousand in a second, and goes when they are there.
         * @param {string[]} lines
         */
        writes: async (lines) => {
            const words = ["chat", "visitor", "--relay", origin, "--account", account, "--entry-point", "shop"];
            const visitor = spawn(SOTTOVOCE, words, { stdio: ["pipe", "ignore", "inherit"] });
            const gone = once(visitor, "exit");
            for (let from = 0; from < lines.length; from += 100) {
                visitor.stdin.write(`${lines.slice(from, from + 100).join("\n")}\n`);
                await setTimeout(100);
            }
            visitor.stdin.end();
            const [code] = await gone;
            if (code !== 0) fail(`the visitor went with ${code}`);
        },
        stopKeyManager: async () => {
            if (running) await ended(running);
        },
        startKeyManager: async () => {
            if (manager) [running] = await manager();
        },
        stopRelay: () => ended(relay),
        /** Without a goodbye to anybody. */
        killRelay: () => ended(relay, "SIGKILL"),
        startRelay: async () => {
            [relay] = await start();
        },
        close: async () => {
            await Promise.all([inviter, relay, running, stored].map((child) => child && ended(child)));
            await rm(folder, { recursive: true, force: true });
        },
    };
}

/**
 * Makes a key manager that the account names, and archives its chats there if that is wanted. What it
 * returns starts it.
 * @param {string} folder
 * @param {string} dir
 * @param {string} account
 * @param {boolean} archived
 */
async function makeKeyManager(folder, dir, account, archived) {
    const keys = join(folder, "keys");
    const made = call("keymanager", "create", "--dir", keys, "--account", account);
    const identity = /^identity=(.+)$/m.exec(made)?.[1] ?? fail("no key manager was made");
    call("account", "key-manager", "--dir", dir, `--identity=${identity}`, "--operator", "customer");
    const listen = `127.0.0.1:${await freePort()}`;
    const url = `key-manager-url=http://${listen}`;
    const archive = archived ? ["archive=key-manager", "roles=supervisor,auditor"] : [];
    call("policy", "set", "--dir", dir, url, ...archive);
    return () =>
        program(/^listening on/, ["keymanager", "run", "--config", join(keys, "keymanager.toml")], {
            SOTTOVOCE__IDENTITY_FILE: join(keys, "identity.key"),
            SOTTOVOCE__MASTER_FILE: join(keys, "master.key"),
            SOTTOVOCE__LISTEN__ADDRESS: listen,
        });
}

/**
 * Makes a vault, lets it in and starts it.
 * @param {string} folder
 * @param {string} account
 * @param {string[]} at
 */
async function startVault(folder, account, at) {
    const dir = join(folder, "vault");
    const relay = at.slice(-2);
    const made = call("vault", "create", "--dir", dir, ...relay, "--plain-keys", `--account=${account}`);
    const request = /^request=(.+)$/m.exec(made)?.[1] ?? fail("no vault was made");
    call("agent", "approve", request, "--role", "vault", "--subject", "vault", ...at);
    const listen = `127.0.0.1:${await freePort()}`;
    const run = ["vault", "run", "--config", join(dir, "vault.toml")];
    const [vault] = await program(/^listening on/, run, { SOTTOVOCE__LISTEN__ADDRESS: listen });
    return vault;
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
 * @param {Record<string, string>} [environment]
 * @returns {Promise<[ChildProcess, string]>}
 */
async function program(sign, words, environment = {}) {
    const env = { ...process.env, ...environment };
    const child = spawn(SOTTOVOCE, words, { stdio: ["ignore", "pipe", "inherit"], env });
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

/**
 * @param {ChildProcess} child
 * @param {NodeJS.Signals} [signal]
 */
function ended(child, signal) {
    return new Promise((resolve) => {
        if (child.exitCode !== null || child.signalCode !== null) return resolve(undefined);
        child.once("exit", resolve);
        child.kill(signal);
    });
}

/**
 * A port that nothing listens on.
 * @returns {Promise<number>}
 */
export function freePort() {
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
