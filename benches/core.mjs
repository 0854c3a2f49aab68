/** How fast the core is as wasm in Node.js. Argument: the module that wasm-bindgen made. */

import { performance } from "node:perf_hooks";
import { pathToFileURL } from "node:url";

const CONTACTS = 20;
const MESSAGES = 1000;

const [module = "", ...options] = process.argv.slice(2);
const { Bench } = await import(pathToFileURL(module).href);

/** @param {() => void} work */
function seconds(work) {
    const start = performance.now();
    work();
    return (performance.now() - start) / 1000;
}

/** @type {Record<string, number>} */
const figures = {};
for (const suite of [1, 2]) {
    const bench = new Bench(suite);
    const contacts = CONTACTS / seconds(() => bench.contacts(CONTACTS));
    const messages = MESSAGES / seconds(() => bench.messages(MESSAGES));
    const open = 1000 * seconds(() => bench.open_transcript());
    const offline = 1000 * seconds(() => bench.write_offline(MESSAGES));
    const late = 1000 * seconds(() => bench.send_what_waits(MESSAGES));
    console.log(
        `wasm in Node.js, suite ${suite}: ${contacts.toFixed(0)} contacts/s, ${messages.toFixed(0)} messages/s; ` +
            `${MESSAGES} messages: ${open.toFixed(0)} ms to open, ${offline.toFixed(0)} ms to write offline, ` +
            `${late.toFixed(0)} ms to send then`,
    );
    figures[`contacts_${suite}_per_second`] = Number(contacts.toFixed(1));
    figures[`messages_${suite}_per_second`] = Number(messages.toFixed(1));
    figures[`open_${suite}_ms`] = Number(open.toFixed(1));
    figures[`write_offline_${suite}_ms`] = Number(offline.toFixed(1));
    figures[`send_late_${suite}_ms`] = Number(late.toFixed(1));
}
if (options.includes("--json")) console.log(JSON.stringify(figures));
