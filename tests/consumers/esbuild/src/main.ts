/** esbuild copies no files by itself, so the page says where the core is. */

import core from "sottovoce/visitor.wasm";
import "sottovoce/widget";
import type { ChatAttributes } from "sottovoce/widget";

const given = new URLSearchParams(location.search);
const attributes: ChatAttributes = {
    account: given.get("account") ?? "",
    relay: given.get("relay") ?? "",
    "entry-point": "shop",
    wasm: core,
};
const chat = document.createElement("sottovoce-chat");
for (const [name, value] of Object.entries(attributes)) chat.setAttribute(name, value);
chat.on("message", ({ text }) => (document.title = text));
document.body.append(chat);
