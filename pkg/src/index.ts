/**
 * End-to-end encrypted live chat for browsers.
 *
 * `Device` is this browser as a participant: it keeps the connection, stores what must be stored,
 * lets one tab lead, and shows the newest views. `sottovoce/visitor` and `sottovoce/staff` load
 * the core: the first one is smaller, and cannot be staff.
 */

export { Device, type DeviceEvent, type DeviceOptions, type TabRole } from "./device.js";
export { SottovoceError, codeOf } from "./error.js";
export type { Core, WasmSource } from "./init.js";
export { isStaff, Mirror, type Conversation } from "./mirror.js";
export type * from "./wasm/staff/sottovoce.js";
