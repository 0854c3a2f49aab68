/** The element as a part of the page's own code: `import "sottovoce/widget"`. */

import { define } from "./element.js";

const languages = {
    it: () => import("../conversation/languages/italian.js"),
    ar: () => import("../conversation/languages/arabic.js"),
    ja: () => import("../conversation/languages/japanese.js"),
};

let wasm: Promise<Response> | undefined;

function fetchWasm(place: string | undefined): Promise<Response> {
    // Bundlers find the file by this expression; the attribute says where it is for others.
    wasm ??= fetch(place ?? new URL("../wasm/visitor/sottovoce_bg.wasm", import.meta.url));
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
