/** Loads the core. Nothing happens at import, so a server may render pages that import this. */

import { SottovoceError } from "./error.js";
import type { Client } from "./wasm/staff/sottovoce.js";

/** A core that is loaded. */
export type Core = Pick<typeof Client, "open">;

/** Where the core comes from: the export `sottovoce/visitor.wasm` or `sottovoce/staff.wasm` as a URL, its bytes, or a module. */
export type WasmSource =
    | string
    | URL
    | Response
    | Promise<Response>
    | BufferSource
    | WebAssembly.Module;

/** What instantiates the wasm of one build. */
type Instantiate = (source: { module_or_path: WasmSource }) => Promise<unknown>;

/**
 * Makes a build's `init`: it loads the core once, and later calls wait for the first. A failed load
 * may be tried again.
 *
 * It throws SottovoceError `wasm-unavailable` where the browser or the page's policy forbids
 * WebAssembly, `wasm-not-loaded` when it did not arrive.
 */
export function initOf(instantiate: Instantiate, core: Core): (source: WasmSource) => Promise<Core> {
    let loading: Promise<Core> | undefined;
    return (source) => {
        loading ??= load(instantiate, source).then(
            () => core,
            (error: unknown) => {
                loading = undefined;
                throw error;
            },
        );
        return loading;
    };
}

/** The smallest module there is: magic number and version. */
const EMPTY_MODULE = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);

async function load(instantiate: Instantiate, source: WasmSource): Promise<void> {
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
