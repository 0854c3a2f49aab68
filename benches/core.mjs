/** How fast the core is as wasm in Node.js. Argument: the module that wasm-bindgen made. */

import { pathToFileURL } from "node:url";

const CONTACTS = 5;
const ROUNDS = 10;
const MESSAGES = 1000;

const [module = "", ...options] = process.argv.slice(2);
const { Bench } = await import(pathToFileURL(module).href);

/** @type {Record<string, number>} */
const figures = {};
for (const suite of [1, 2]) {
    const bench = new Bench(suite);
    // The best of several rounds: whatever else the machine does only makes one slower.
    const best = (/** @type {() => number} */ work) => Math.min(...Array.from({ length: ROUNDS }, work));
    const contacts = CONTACTS / best(() => bench.contacts(CONTACTS));
    const messages = MESSAGES / ROUNDS / best(() => bench.messages(MESSAGES / ROUNDS));
    const open = 1000 * bench.open_transcript();
    const offline = 1000 * bench.write_offline(MESSAGES);
    const late = 1000 * bench.send_what_waits(MESSAGES);
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
