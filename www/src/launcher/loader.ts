/**
 * What a page embeds: defines `<sottovoce-chat>` and puts one on the page.
 *
 *     <script async src="https://chat.example/widget/loader.js"
 *             data-account="…" data-entry-point="shop" data-name="ACME"></script>
 */

import type { Locale } from "sottovoce/widget";
import type { Phrases } from "../conversation/languages/english.js";
import { define } from "./element.js";
import { Queue } from "./queue.js";

interface Pinned {
    readonly file: string;
    readonly integrity: string;
}

// Filled in by the build: what this loader accepts, and nothing else.
declare const CHAT_FILE: Pinned;
declare const WASM_FILE: Pinned;
declare const LANGUAGE_FILES: Readonly<Record<Exclude<Locale, "en">, Pinned>>;

const script = document.currentScript as HTMLScriptElement | null;
const served = script?.src || document.baseURI;

const loads = new Map<Pinned, Promise<unknown>>();

/** What a file holds, fetched once; a failed load may be tried again. */
function once<Loaded>(file: Pinned, load: (file: Pinned) => Promise<Loaded>): Promise<Loaded> {
    let loading = loads.get(file) as Promise<Loaded> | undefined;
    if (!loading) {
        loading = load(file);
        loads.set(file, loading);
        loading.catch(() => loads.delete(file));
    }
    return loading;
}

/** Imports a module; the browser refuses it if its hash differs. */
async function importPinned<Module>({ file, integrity }: Pinned): Promise<Module> {
    const url = new URL(file, served).href;
    // A script element checks the hash; the import then gets the module that it has evaluated.
    const element = document.createElement("script");
    try {
        await new Promise((resolve, reject) => {
            Object.assign(element, { type: "module", crossOrigin: "anonymous", integrity, src: url });
            element.onload = resolve;
            element.onerror = reject;
            document.head.append(element);
        });
    } finally {
        element.remove();
    }
    return import(/* @vite-ignore */ url);
}

function fetchPinned({ file, integrity }: Pinned): Promise<Response> {
    return fetch(new URL(file, served), { integrity, credentials: "omit" });
}

function embed({ dataset }: HTMLScriptElement): void {
    if (dataset.account === undefined || document.querySelector("sottovoce-chat")) return;
    const element = document.createElement("sottovoce-chat");
    for (const [name, value] of Object.entries(dataset)) {
        const attribute = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
        element.setAttribute(attribute, value ?? "");
    }
    document.body.append(element);
}

const queue = new Queue();
define({
    chat: () => once(CHAT_FILE, importPinned<typeof import("../widget/chat.js")>),
    wasm: () => once(WASM_FILE, fetchPinned),
    language: async (locale) => {
        const load = importPinned<{ phrases: Phrases }>;
        return (await once(LANGUAGE_FILES[locale], load)).phrases;
    },
    served,
    pinned: (script?.integrity ?? "") !== "",
    begun: (element) => queue.begun(element),
});
if (script && document.body) embed(script);
else if (script) addEventListener("DOMContentLoaded", () => embed(script), { once: true });
