/** What runs in a measured page before anything else, and how the page is touched without being slowed down by it. */

/** @import { Page } from "playwright-core" */

/**
 * @typedef {object} Busy
 * @property {number} task The longest task, in milliseconds; 0 if none took 50.
 * @property {number} call The longest call into wasm.
 * @property {string} name Its name.
 * @property {number} init How long the core took to be instantiated, from when its bytes were asked for.
 */

/** Watches tasks, and every call into wasm from outside. */
export function watch() {
    /** @type {Busy & { memory: WebAssembly.Memory | undefined }} */
    const longest = { task: 0, call: 0, name: "none", init: 0, memory: undefined };
    Object.assign(globalThis, { longest });
    new PerformanceObserver((list) => {
        for (const { duration } of list.getEntries()) longest.task = Math.max(longest.task, duration);
    }).observe({ type: "longtask" });
    let depth = 0;
    /** @param {WebAssembly.Instance} instance */
    const watched = (instance) => {
        const exports = Object.entries(instance.exports).map(([name, value]) => {
            if (value instanceof WebAssembly.Memory) longest.memory = value;
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
                const start = performance.now();
                const made = await original(...words);
                longest.init = performance.now() - start;
                return made instanceof WebAssembly.Instance
                    ? watched(made)
                    : { module: made.module, instance: watched(made.instance) };
            },
        });
    }
}

/**
 * The same page, touched through the browser's own input, since Playwright's clicks run a large script in the page,
 * which would be measured along.
 * @param {Page} page
 */
export async function fingers(page) {
    const devtools = await page.context().newCDPSession(page);
    /** @param {string} expression */
    const ask = async (expression) => {
        const { result } = await devtools.send("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
        return result.value;
    };
    return {
        ask,
        /** @param {number} rate */
        slowDown: (rate) => devtools.send("Emulation.setCPUThrottlingRate", { rate }),
        /**
         * Clicks an element of the page or of the widget.
         * @param {string} selector
         */
        async click(selector) {
            const place = `((box) => [box.x + box.width / 2, box.y + box.height / 2])(${find(selector)}.getBoundingClientRect())`;
            const [x, y] = await ask(place);
            /** @type {["mouseMoved" | "mousePressed" | "mouseReleased", number][]} */
            const events = [["mouseMoved", 0], ["mousePressed", 1], ["mouseReleased", 1]];
            for (const [type, clickCount] of events) {
                await devtools.send("Input.dispatchMouseEvent", { type, x, y, clickCount, button: clickCount ? "left" : "none" });
            }
        },
        /**
         * Types letters with a pause between; how long each took until it was painted, in milliseconds, ascending.
         * @param {string} selector
         * @param {string} text
         */
        async type(selector, text) {
            await ask(`${find(selector)}.focus()`);
            await ask(`(() => {
                globalThis.painted = [];
                addEventListener("keydown", ({ timeStamp }) => requestAnimationFrame(() => {
                    const { port1, port2 } = new MessageChannel();
                    port1.onmessage = () => globalThis.painted.push(performance.now() - timeStamp);
                    port2.postMessage(0);
                }), true);
            })()`);
            for (const letter of text) {
                const key = { key: letter, text: letter };
                await devtools.send("Input.dispatchKeyEvent", { type: "keyDown", ...key });
                await devtools.send("Input.dispatchKeyEvent", { type: "keyUp", ...key });
                await page.waitForTimeout(60);
            }
            /** @type {number[]} */
            const painted = await ask("globalThis.painted");
            return painted.sort((a, b) => a - b);
        },
        /**
         * Milliseconds from now, in the page's clock, until an expression is true and the frame after it is painted. What is
         * done meanwhile begins after the clock has.
         * @param {string} expression
         * @param {() => Promise<void>} work
         */
        async until(expression, work) {
            await ask(`globalThis.reached = new Promise((resolve) => {
                const start = performance.now();
                const look = () => {
                    if (${expression}) requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - start)));
                    else setTimeout(look, 5);
                };
                look();
            }), undefined`);
            await work();
            return /** @type {number} */ (await ask("globalThis.reached"));
        },
        /** Bytes that JavaScript and the core's memory hold after a collection. */
        async memory() {
            await devtools.send("HeapProfiler.collectGarbage");
            await devtools.send("Performance.enable");
            const { metrics } = await devtools.send("Performance.getMetrics");
            const heap = metrics.find(({ name }) => name === "JSHeapUsedSize")?.value ?? 0;
            return { heap, core: /** @type {number} */ (await ask("globalThis.longest.memory?.buffer.byteLength ?? 0")) };
        },
    };
}

/**
 * An element of the page, or of the widget's shadow root.
 * @param {string} selector
 */
export const find = (selector) =>
    `(document.querySelector(${JSON.stringify(selector)}) ?? ` +
    `document.querySelector("sottovoce-chat")?.shadowRoot?.querySelector(${JSON.stringify(selector)}))`;
