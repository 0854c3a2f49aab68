/** The core without what only staff do: what a page loads for its visitors. */

import instantiate, { Client } from "./wasm/visitor/sottovoce.js";
import { initOf } from "./init.js";

/** Loads the core once. See {@link initOf} for what it throws. */
export const init = initOf(instantiate, Client);
