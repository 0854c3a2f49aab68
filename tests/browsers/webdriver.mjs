/** As much of WebDriver (W3C) as the tests need, over its plain HTTP: for browsers that Playwright does not drive. */

/** How long anything may take to be seen, in milliseconds. */
const PATIENCE = 20_000;

/** @typedef {{ x: number, y: number }} Place */

/** A browser that a driver has started; it has one window or more. */
export class Session {
    /** @type {string} */
    #address;
    /** The window that commands go to. @type {string | undefined} */
    #current;

    /** @param {string} address */
    constructor(address) {
        this.#address = address;
    }

    /**
     * @param {string} driver Where the driver listens.
     * @param {object} capabilities What browser is wanted.
     */
    static async open(driver, capabilities) {
        const { sessionId } = await call("POST", `${driver}/session`, { capabilities: { alwaysMatch: capabilities } });
        const session = new Session(`${driver}/session/${sessionId}`);
        await session.send("POST", "timeouts", { script: PATIENCE, pageLoad: PATIENCE });
        return session;
    }

    /**
     * @param {string} method
     * @param {string} path
     * @param {object} [body]
     */
    send(method, path, body) {
        return call(method, `${this.#address}/${path}`, body);
    }

    /**
     * A command to one window.
     * @param {string} handle
     * @param {string} method
     * @param {string} path
     * @param {object} [body]
     */
    async sendTo(handle, method, path, body) {
        if (this.#current !== handle) await this.send("POST", "window", { handle });
        this.#current = handle;
        return this.send(method, path, body);
    }

    /** The window that the browser began with. */
    async first() {
        return new Tab(this, await this.send("GET", "window"));
    }

    close() {
        return call("DELETE", this.#address);
    }
}

/** A tab, in the words of the suite. */
export class Tab {
    /** @type {Session} */
    #session;
    /** @type {string} */
    #handle;

    /**
     * @param {Session} session
     * @param {string} handle
     */
    constructor(session, handle) {
        this.#session = session;
        this.#handle = handle;
    }

    /** @param {string} url */
    async goto(url) {
        await this.#send("POST", "url", { url });
    }

    async reload() {
        await this.#send("POST", "refresh", {});
    }

    /** Another one of the same person, in a window of its own: a tab behind another cannot be clicked everywhere. */
    async another() {
        const { handle } = await this.#send("POST", "window/new", { type: "window" });
        return new Tab(this.#session, handle);
    }

    async close() {
        await this.#send("DELETE", "window");
    }

    /**
     * @param {string} selector
     * @param {string} [text]
     */
    async sees(selector, text = "") {
        await this.#place(selector, text);
    }

    /**
     * @param {string} selector
     * @param {string} [text]
     * @returns {Promise<number>}
     */
    count(selector, text = "") {
        return this.run(`return found(words[0], words[1]).length`, selector, text);
    }

    /** @param {string} selector */
    async click(selector) {
        const { x, y } = await this.#place(selector, "");
        const pointer = { type: "pointer", id: "mouse", parameters: { pointerType: "mouse" } };
        const actions = [
            { type: "pointerMove", duration: 0, x: Math.round(x), y: Math.round(y) },
            { type: "pointerDown", button: 0 },
            { type: "pointerUp", button: 0 },
        ];
        await this.#send("POST", "actions", { actions: [{ ...pointer, actions }] });
    }

    /**
     * Types where the focus is.
     * @param {string} text
     */
    async type(text) {
        const actions = [...text].flatMap((value) => [
            { type: "keyDown", value },
            { type: "keyUp", value },
        ]);
        await this.#send("POST", "actions", { actions: [{ type: "key", id: "keyboard", actions }] });
    }

    async enter() {
        await this.type("\uE007");
    }

    /**
     * Runs the body of a function in the page; it has its `words`.
     * @param {string} body
     * @param {...unknown} words
     */
    run(body, ...words) {
        return this.#send("POST", "execute/sync", { script: `${FOUND}\nconst words = [...arguments];\n${body}`, args: words });
    }

    /**
     * Waits until something is on the screen, and says where.
     * @param {string} selector
     * @param {string} text
     * @returns {Promise<Place>}
     */
    async #place(selector, text) {
        const end = Date.now() + PATIENCE;
        for (;;) {
            const place = await this.run(WHERE, selector, text);
            if (place) return place;
            if (Date.now() > end) throw new Error(`there is no ${selector} ${text}`);
            await new Promise((resolve) => setTimeout(resolve, 100));
        }
    }

    /**
     * @param {string} method
     * @param {string} path
     * @param {object} [body]
     */
    #send(method, path, body) {
        return this.#session.sendTo(this.#handle, method, path, body);
    }
}

/** What a page shows that matches, also in the chat. */
const FOUND = `const found = (selector, text) =>
    [document, ...[...document.querySelectorAll("sottovoce-chat")].map((chat) => chat.shadowRoot)]
        .flatMap((root) => [...(root?.querySelectorAll(selector) ?? [])])
        .filter((one) => one.checkVisibility() && one.textContent.includes(text));`;

const WHERE = `const [one] = found(words[0], words[1]);
if (!one) return null;
one.scrollIntoView({ block: "nearest" });
const { x, y, width, height } = one.getBoundingClientRect();
return { x: x + width / 2, y: y + height / 2 };`;

/**
 * @param {string} method
 * @param {string} address
 * @param {object} [body]
 * @returns {Promise<any>}
 */
async function call(method, address, body) {
    const answer = await fetch(address, {
        method,
        headers: { "content-type": "application/json" },
        signal: AbortSignal.timeout(PATIENCE + 10_000),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const { value } = await answer.json();
    if (!answer.ok) throw new Error(`${method} ${new URL(address).pathname}: ${value.error}: ${value.message}`);
    return value;
}
