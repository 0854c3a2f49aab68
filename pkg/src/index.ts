/**
 * End-to-end encrypted live chat for browsers.
 *
 * `init` loads the core; `Device` is this browser as a participant: it keeps the connection,
 * stores what must be stored, lets one tab lead, and shows the newest views.
 */

export { Device, type DeviceEvent, type DeviceOptions, type TabRole } from "./device.js";
export { SottovoceError, codeOf } from "./error.js";
export { init, type WasmSource } from "./init.js";
export { isStaff, Mirror, type Conversation } from "./mirror.js";
export type * from "./wasm/sottovoce.js";
