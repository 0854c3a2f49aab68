/** The element as a part of the page's own code: `import "sottovoce/widget"`. */

import { define } from "./element.js";

// Filled in by the build: an expression by which the page's bundler finds the file, and ours does not.
declare const CORE_URL: URL;
// And what has to be there, wherever the page says it is.
declare const CORE_INTEGRITY: string;

const languages = {
    it: () => import("../conversation/languages/italian.js"),
    ar: () => import("../conversation/languages/arabic.js"),
    ja: () => import("../conversation/languages/japanese.js"),
};

let wasm: Promise<Response> | undefined;

function fetchWasm(place: string | undefined): Promise<Response> {
    wasm ??= fetch(place ?? CORE_URL, { integrity: CORE_INTEGRITY });
    wasm.catch(() => (wasm = undefined));
    return wasm;
}

define({
    chat: () => import("../widget/chat.js"),
    wasm: fetchWasm,
    language: async (locale) => (await languages[locale]()).phrases,
    served: undefined,
    pinned: false,
});
