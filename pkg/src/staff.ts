/** The whole core: for consoles, and whatever else acts for staff. */

import instantiate, { Client } from "./wasm/staff/sottovoce.js";
import { initOf } from "./init.js";

/** Loads the core once. See {@link initOf} for what it throws. */
export const init = initOf(instantiate, Client);
