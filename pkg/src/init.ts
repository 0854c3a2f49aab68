/** Loads the core. Nothing happens at import, so a server may render pages that import this. */

import instantiate from "./wasm/sottovoce.js";
import { SottovoceError } from "./error.js";

/** Where the core comes from: the export `sottovoce/wasm` as a URL, its bytes, or a module. */
export type WasmSource =
    | string
    | URL
    | Response
    | Promise<Response>
    | BufferSource
    | WebAssembly.Module;

let loading: Promise<void> | undefined;

/**
 * Loads the core once; later calls wait for the first. A failed load may be tried again.
 *
 * @throws SottovoceError `wasm-unavailable` where the browser or the page's policy forbids
 *   WebAssembly, `wasm-not-loaded` when it did not arrive.
 */
export function init(source: WasmSource): Promise<void> {
    loading ??= load(source).catch((error: unknown) => {
        loading = undefined;
        throw error;
    });
    return loading;
}

/** The smallest module there is: magic number and version. */
const EMPTY_MODULE = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);

async function load(source: WasmSource): Promise<void> {
    try {
        await WebAssembly.compile(EMPTY_MODULE);
    } catch (cause) {
        throw new SottovoceError(
            "wasm-unavailable",
            "This browser or this page's policy does not allow WebAssembly.",
            { cause },
        );
    }
    try {
        await instantiate({ module_or_path: source });
    } catch (cause) {
        throw new SottovoceError("wasm-not-loaded", "The core could not be loaded.", { cause });
    }
}
