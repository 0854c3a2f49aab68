/** The element, made by the page, which hears in words what is said. */

import { codeOf } from "sottovoce";
import "sottovoce/widget";
import type { MessageDetail, SottovoceChatElement } from "sottovoce/widget";

const given = new URLSearchParams(location.search);
const chat: SottovoceChatElement = document.createElement("sottovoce-chat");
chat.setAttribute("account", given.get("account") ?? "");
chat.setAttribute("relay", given.get("relay") ?? "");
chat.setAttribute("entry-point", "shop");
const heard: MessageDetail[] = [];
chat.on("message", (message) => {
    heard.push(message);
    document.title = heard.map(({ text }) => text).join(" ");
});
chat.on("error", ({ code }) => console.error(code));
document.body.append(chat);
chat.open().catch((error: unknown) => console.error(codeOf(error)));
