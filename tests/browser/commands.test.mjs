/** What a page may ask of the widget and is told by it, whichever way it is put there. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { rolldown } from "rolldown";
import { build } from "vite";
import { openAccount, reads, say, signIn } from "./account.mjs";
import { ACCOUNT, embed, launch, site } from "./site.mjs";

/** @import { Browser, Page } from "playwright-core" */
/** @import { SiteOptions } from "./site.mjs" */

/** @type {Browser} */
let browser;
/** @type {Awaited<ReturnType<typeof openAccount>>} */
let account;
before(async () => {
    browser = await launch();
    account = await openAccount();
});
after(async () => {
    await browser.close();
    await account.close();
});

/**
 * @param {SiteOptions} options
 * @param {(page: Page) => Promise<void>} work
 * @param {() => void} [first] Runs in the page before its own scripts.
 */
async function on(options, work, first = () => {}) {
    const { address, close } = await site(options);
    const page = await (await browser.newContext()).newPage();
    await page.addInitScript(first);
    try {
        await page.goto(address);
        await work(page);
    } finally {
        await page.context().close();
        close();
    }
}

/** A page of the account's shop, which writes down what it is told. */
async function shop() {
    const page = await (await browser.newContext()).newPage();
    await page.addInitScript(record);
    await page.goto(account.shop);
    return page;
}

/** Calls before the loader has come, as the snippet makes them. */
function record() {
    /** @type {unknown[][]} */
    const told = [];
    /** @type {any} */
    const queue = (/** @type {unknown[]} */ ...call) => (queue.q ??= []).push(call);
    window.sottovoce = queue;
    const names = /** @type {const} */ ([
        "ready", "open", "close", "unread", "conversation:start", "conversation:end",
        "agent:join", "agent:leave", "queue", "status", "error",
    ]);
    for (const name of names) {
        window.sottovoce?.("on", name, (/** @type {unknown} */ detail) => told.push([name, detail]));
    }
    window.sottovoce?.("on", "message", ({ own, name, text }) => told.push(["message", { own, name, text }]));
    window.sottovoce?.("on", "security", ({ level, alarms }) => told.push(["security", { level, alarms }]));
    Object.assign(window, { told });
}

/** @param {Page} page @returns {Promise<[string, any][]>} */
const told = (page) => page.evaluate(() => Reflect.get(window, "told"));

/**
 * @param {Page} page
 * @param {string} name
 */
async function hears(page, name) {
    await page.waitForFunction((name) => Reflect.get(window, "told").some((/** @type {unknown[]} */ [one]) => one === name), name);
}

test("commands that were called before the loader came are done once it is there", () =>
    on(
        {},
        async (page) => {
            await page.getByTestId("panel").waitFor();
            assert.equal(await page.locator("sottovoce-chat").getAttribute("theme"), "dark");
            assert.deepEqual((await told(page)).slice(0, 1), [["ready", undefined]]);
            await page.evaluate(() => window.sottovoce?.("close"));
            assert.equal(await page.getByTestId("panel").isVisible(), false);
            await page.evaluate(() => window.sottovoce?.("hide"));
            assert.equal(await page.getByTestId("launcher").isVisible(), false);
            await page.evaluate(() => window.sottovoce?.("toggle"));
            assert.equal(await page.getByTestId("panel").isVisible(), true);
        },
        () => {
            /** @type {any} */
            const queue = (/** @type {unknown[]} */ ...call) => (queue.q ??= []).push(call);
            /** @type {unknown[]} */
            const told = [];
            window.sottovoce = queue;
            window.sottovoce?.("on", "ready", () => told.push(["ready", undefined]));
            window.sottovoce?.("setTheme", "dark");
            window.sottovoce?.("open");
            Object.assign(window, { told });
        },
    ));

test("the page is told what happens in the chat, in order, and nothing twice", async () => {
    const ada = await signIn(browser, account.console("Ada"));
    const page = await shop();
    await page.getByTestId("launcher").click();
    await say(page, "Is the jug in stock?");
    await ada.getByTestId("shelf-waiting").getByTestId("inbox-item").first().click();
    await reads(ada, "Is the jug in stock?");
    await ada.getByTestId("claim").click();
    await hears(page, "agent:join");
    await page.getByTestId("minimise").click();
    await say(ada, "It is.");
    await hears(page, "unread");
    await page.getByTestId("launcher").click();
    await reads(page, "It is.");
    await ada.getByTestId("close").click();
    await ada.getByTestId("close-confirm").click();
    await hears(page, "conversation:end");
    const all = await told(page);
    const said = all.filter(([name]) => !["status", "security", "ready"].includes(name));
    assert.deepEqual(
        said.filter(([name]) => name === "message").map(([, { own, name, text }]) => [own, name, text]),
        [
            [true, "", "Is the jug in stock?"],
            [false, "Ada", "It is."],
        ],
    );
    assert.deepEqual(
        said.map(([name, detail]) => (name === "queue" || name === "unread" ? `${name} ${detail}` : name)).filter((name) => name !== "message"),
        ["open", "conversation:start", "queue waiting", "queue taken", "agent:join", "close", "unread 1", "unread 0", "open", "conversation:end"],
    );
    const security = all.filter(([name]) => name === "security").at(-1)?.[1];
    assert.deepEqual(security, { level: "e2ee", alarms: [] });
    assert.equal(all.filter(([name]) => name === "status").at(-1)?.[1], "online");
    await page.context().close();
    await ada.context().close();
});

test("two snippets and an element of the page's own make one widget", () =>
    on({ body: `${embed({})}${embed({})}` }, async (page) => {
        await page.getByTestId("launcher").waitFor();
        await page.evaluate(() => document.body.append(document.createElement("sottovoce-chat")));
        assert.equal(await page.getByTestId("launcher").count(), 1);
        // The one that waited takes over when the first is gone.
        await page.evaluate(() => document.querySelector("sottovoce-chat")?.remove());
        await page.getByTestId("launcher").waitFor();
        assert.equal(await page.getByTestId("launcher").count(), 1);
    }));

test("a page that takes the widget away and puts it back has one chat and one connection", async () => {
    const page = await shop();
    let open = 0;
    page.on("websocket", (socket) => {
        open += 1;
        socket.on("close", () => (open -= 1));
    });
    await page.getByTestId("launcher").click();
    const online = page.locator("[data-testid=connection][data-state=online]");
    await online.waitFor();
    await page.evaluate(async () => {
        const element = document.querySelector("sottovoce-chat");
        const next = document.createElement("main");
        if (element) next.append(element);
        document.body.replaceChildren(next);
        // And as a router does it, with a while between.
        element?.remove();
        await new Promise((resolve) => setTimeout(resolve, 50));
        if (element) document.body.append(element);
    });
    await online.waitFor();
    assert.equal(await page.getByTestId("panel").count(), 1);
    await page.waitForTimeout(300);
    assert.equal(open, 1);
    await page.context().close();
});

/** Writes down what the page's scripts leave behind. */
function watch() {
    /** @type {Set<unknown>} */
    const left = new Set();
    for (const target of [window, document]) {
        const { addEventListener, removeEventListener } = target;
        target.addEventListener = (/** @type {string} */ type, /** @type {any} */ listener, /** @type {any} */ options) => {
            const mark = { type, listener };
            left.add(mark);
            options?.signal?.addEventListener("abort", () => left.delete(mark));
            addEventListener.call(target, type, listener, options);
        };
        target.removeEventListener = (/** @type {string} */ type, /** @type {any} */ listener) => {
            for (const mark of left) {
                const one = /** @type {{ type?: string, listener?: unknown }} */ (mark);
                if (one.type === type && one.listener === listener) left.delete(mark);
            }
            removeEventListener.call(target, type, listener);
        };
    }
    const { setInterval, clearInterval } = window;
    window.setInterval = /** @type {any} */ ((/** @type {any} */ ...call) => {
        const timer = Reflect.apply(setInterval, window, call);
        left.add(timer);
        return timer;
    });
    window.clearInterval = (timer) => {
        left.delete(timer);
        clearInterval(timer);
    };
    Object.assign(window, { left });
}

test("destroy leaves no connection, listener, timer, lock or style behind", async () => {
    const page = await (await browser.newContext()).newPage();
    await page.addInitScript(watch);
    // What drives the browser listens for touches and keys.
    const before = () =>
        page.evaluate(() =>
            [...Reflect.get(window, "left")]
                .map((one) => one.type ?? "interval")
                .filter((type) => !/playwright|mouse|pointer|touch|click|contextmenu/.test(type)),
        );
    let open = 0;
    page.on("websocket", (socket) => {
        open += 1;
        socket.on("close", () => (open -= 1));
    });
    await page.goto(account.shop);
    await page.getByTestId("launcher").waitFor();
    const idle = await before();
    const head = await page.evaluate(() => document.head.childElementCount);
    await page.getByTestId("launcher").click();
    await say(page, "Hello?");
    await page.locator("[data-testid=message][data-state=sent]").waitFor();
    assert.ok((await before()).length > idle.length);
    await page.evaluate(() => window.sottovoce?.("destroy"));
    await page.waitForFunction(async () => (await navigator.locks.query()).held?.length === 0);
    await page.waitForTimeout(300);
    assert.deepEqual(await before(), idle);
    assert.equal(open, 0);
    assert.equal(await page.locator("sottovoce-chat").count(), 0);
    assert.equal(await page.evaluate(() => document.head.childElementCount), head);
    assert.equal(await page.evaluate(() => document.adoptedStyleSheets.length), 0);
    await page.context().close();
});

test("logout forgets the chat, so that who comes next on this computer sees none of it", async () => {
    const page = await shop();
    await page.getByTestId("launcher").click();
    await say(page, "My secret question");
    await page.locator("[data-testid=message][data-state=sent]").waitFor();
    await page.getByTestId("message-input").fill("A draft");
    await page.evaluate(() => window.sottovoce?.("logout"));
    assert.equal(await page.getByTestId("panel").isVisible(), false);
    await page.getByTestId("launcher").click();
    await page.locator("[data-testid=panel][data-tab=leading]").waitFor();
    assert.equal(await page.getByTestId("message").count(), 0);
    assert.equal(await page.getByTestId("message-input").inputValue(), "");
    await page.context().close();
});

test("the page is asked who the visitor is when a chat begins, and a page that cannot say it loses no text", async () => {
    const page = await shop();
    await page.evaluate(() => {
        /** @type {string[]} */
        const asked = [];
        Object.assign(window, { asked });
        window.sottovoce?.("identify", (device) => {
            asked.push(device);
            throw new Error("the session is over");
        });
    });
    await page.getByTestId("launcher").click();
    await page.locator("[data-testid=connection][data-state=online]").waitFor();
    const asked = () => page.evaluate(() => Reflect.get(window, "asked"));
    assert.deepEqual(await asked(), []);
    await say(page, "Who am I?");
    await page.getByTestId("notice").filter({ hasText: "could not say who you are" }).waitFor();
    const [device] = await asked();
    assert.match(device, /^[\w-]{43}$/);
    assert.equal(await page.getByTestId("message-input").inputValue(), "Who am I?");
    assert.deepEqual((await told(page)).filter(([name]) => name === "error"), [["error", { code: "not-identified" }]]);
    // Without a token the visitor is nobody in particular.
    await page.evaluate(() => window.sottovoce?.("identify", undefined));
    await page.getByTestId("send").click();
    await page.locator("[data-testid=message][data-state=sent]").waitFor();
    await page.context().close();
});

test("under React's strict mode, mounted twice, there is one chat that hears its handlers once", async () => {
    const bundle = await rolldown({
        input: "app",
        platform: "browser",
        resolve: { conditionNames: ["import", "browser"] },
        transform: { define: { "process.env.NODE_ENV": '"development"' } },
        plugins: [
            {
                name: "app",
                resolveId: (id) => (id === "app" ? { id: new URL("./app.mjs", import.meta.url).pathname } : null),
                load: (id) => (id.endsWith("/app.mjs") ? APP : null),
            },
        ],
    });
    const { output } = await bundle.generate({ format: "es", entryFileNames: "app.js", chunkFileNames: "[name].js" });
    /** @type {Record<string, string | Buffer>} */
    const files = {
        "/core.wasm": await readFile(new URL(import.meta.resolve("sottovoce/visitor.wasm"))),
    };
    for (const one of output) if (one.type === "chunk") files[`/${one.fileName}`] = one.code;
    const body = `<!doctype html><title>An app</title><div id="app"></div><script type="module" src="/app.js"></script>`;
    await on({ body, files }, async (page) => {
        await page.getByTestId("launcher").waitFor();
        await page.waitForFunction(() => Reflect.get(window, "opened") !== undefined);
        await page.getByTestId("launcher").click();
        await page.locator("[data-testid=panel][data-tab=leading]").waitFor();
        assert.equal(await page.getByTestId("launcher").count(), 1);
        assert.equal(await page.evaluate(() => Reflect.get(window, "opened")), 1);
        await page.evaluate(() => Reflect.get(window, "unmount")());
        assert.equal(await page.locator("sottovoce-chat").count(), 0);
        await page.waitForFunction(async () => (await navigator.locks.query()).held?.length === 0);
    });
});

const APP = `
import { StrictMode, createElement } from "react";
import { createRoot } from "react-dom/client";
import { SottovoceChat } from "sottovoce/react";
window.opened = 0;
const root = createRoot(document.getElementById("app"));
root.render(createElement(StrictMode, null, createElement(SottovoceChat, {
    account: "${ACCOUNT}", "entry-point": "shop", name: "ACME", wasm: "/core.wasm",
    on: { open: () => { window.opened += 1; } },
})));
window.unmount = () => root.unmount();
`;

test("a page that is built around the package gets the core without saying where it is", async () => {
    const result = await build({
        configFile: false,
        logLevel: "error",
        root: new URL(".", import.meta.url).pathname,
        build: { write: false, target: "es2022", modulePreload: false, rolldownOptions: { input: "page" } },
        plugins: [
            {
                name: "page",
                enforce: "pre",
                resolveId: (id) => (id === "page" ? new URL("./page.js", import.meta.url).pathname : null),
                load: (id) => (id.endsWith("/page.js") ? `import "sottovoce/widget";` : null),
            },
        ],
    });
    const { output } = /** @type {import("rolldown").RolldownOutput} */ (result);
    /** @type {Record<string, string | Buffer>} */
    const files = {};
    for (const one of output) files[`/${one.fileName}`] = one.type === "chunk" ? one.code : Buffer.from(one.source);
    const entry = output.find((one) => one.type === "chunk" && one.isEntry)?.fileName;
    const body = `<!doctype html><title>A page</title><script type="module" src="/${entry}"></script>
        <sottovoce-chat account="${ACCOUNT}" entry-point="shop" name="ACME" locale="it"></sottovoce-chat>`;
    await on({ body, files }, async (page) => {
        await page.getByTestId("launcher").click();
        await page.locator("[data-testid=panel][data-tab=leading][lang=it]").waitFor();
        await page.getByTestId("sentence").click();
        await page.getByText("fa parte di questo sito").waitFor();
    });
});

test("the package's widget and its React component can be imported on a server", async () => {
    await import("sottovoce/widget");
    const { SottovoceChat } = await import("sottovoce/react");
    const { renderToString } = await import("react-dom/server");
    const { createElement } = await import("react");
    const markup = renderToString(createElement(SottovoceChat, { account: ACCOUNT, "entry-point": "shop" }));
    assert.match(markup, /^<sottovoce-chat account="AAEC[^"]+" entry-point="shop">/);
});
