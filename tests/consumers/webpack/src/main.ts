/** The queue of commands, before the element is there. */

import type { ChatEvents, ChatQueue } from "sottovoce/widget";

const given = new URLSearchParams(location.search);
const security: ChatEvents["security"][] = [];

// The chat is a part of its own, which the page asks for when it is ready.
await import("sottovoce/widget");
const chat = document.createElement("sottovoce-chat");
for (const name of ["account", "relay"] as const) chat.setAttribute(name, given.get(name) ?? "");
chat.setAttribute("entry-point", "shop");
chat.on("security", (detail) => security.push(detail));
chat.on("message", ({ text }) => (document.title += ` ${text}`));
document.body.append(chat);

/** What a page with the snippet would call. */
export function open(queue: ChatQueue | undefined): void {
    queue?.("open");
    queue?.("on", "unread", (count: number) => console.info(count));
}
