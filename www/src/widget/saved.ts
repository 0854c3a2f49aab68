/** The transcript as a file, made on this device: who, when, what, and whether it was verified. */

import type { Conversation, Item } from "sottovoce";
import { alarm, mark, nameOf, placeholder, roleName, sentence, stateLabel, systemLine, words } from "../conversation/phrases.js";
import { dateAndTime } from "../conversation/text.js";

interface Line {
    when: string;
    who: string;
    text: string;
    remarks: string[];
}

/** Hands the transcript to the browser's downloads. */
export function save(kind: "text" | "page", conversation: Conversation, brand: string, alarms: readonly string[]): void {
    const head = heading(conversation, brand, alarms);
    const lines = conversation.items.map(line);
    const text = kind === "text";
    const content = text ? asText(head, lines) : asPage(head, lines);
    const type = text ? "text/plain;charset=utf-8" : "text/html;charset=utf-8";
    const url = URL.createObjectURL(new Blob([content], { type }));
    const link = document.createElement("a");
    link.href = url;
    link.download = `chat-${new Date().toISOString().slice(0, 10)}.${text ? "txt" : "html"}`;
    link.click();
    // The browser reads the file after this.
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

function heading({ view }: Conversation, brand: string, alarms: readonly string[]): string[] {
    const { transcript } = words();
    const wrong = alarms.map((code) => `${transcript.alarms} ${alarm(code, false)}`);
    return [
        transcript.title(brand),
        sentence(view?.level, brand),
        transcript.saved(dateAndTime(Date.now())),
        ...(wrong.length > 0 ? wrong : [transcript.verified]),
        view?.state === "closed" && view.caughtUp ? transcript.ended : transcript.notEnded,
    ];
}

function line(item: Item): Line {
    const { body, author, time } = item;
    const when = dateAndTime(time);
    const remarks = item.marks.map(mark);
    switch (body.type) {
        case "text":
        case "note": {
            const role = author && !author.own ? ` (${roleName(author.role)})` : "";
            const state = stateLabel(item.state);
            return { when, who: nameOf(author) + role, text: body.text, remarks: state ? [state, ...remarks] : remarks };
        }
        case "system":
            return { when, who: "", text: systemLine(body.event, author, "visitor"), remarks };
        default:
            return { when, who: "", text: placeholder(body) ?? "", remarks };
    }
}

function asText(head: string[], lines: Line[]): string {
    const said = lines.map(({ when, who, text, remarks }) => {
        const after = remarks.length > 0 ? ` [${remarks.join("; ")}]` : "";
        // Lines of a text are indented, so that none can pose as somebody's message.
        return `${when}  ${who === "" ? "*" : `${who}:`} ${text.replaceAll(/\r\n|[\n\r\u2028\u2029\u0085]/g, "\n    ")}${after}`;
    });
    return `${head.join("\n")}\n\n${said.join("\n")}\n`;
}

function asPage(head: string[], lines: Line[]): string {
    const [title = "", ...about] = head;
    const page = document.implementation.createHTMLDocument(title);
    page.documentElement.lang = words().tag;
    page.documentElement.dir = words().direction;
    const charset = page.createElement("meta");
    charset.setAttribute("charset", "utf-8");
    const style = page.createElement("style");
    style.textContent =
        "body{max-width:42em;margin:2em auto;padding:0 1em;font:1em/1.5 system-ui,sans-serif;color-scheme:light dark}" +
        "dt{margin-top:1em;font-weight:600}dd{margin:0;white-space:pre-wrap;overflow-wrap:anywhere}small{opacity:.7;font-weight:400}";
    page.head.prepend(charset, style);
    const add = (parent: Element, name: string, text: string) => {
        const element = page.createElement(name);
        element.textContent = text;
        element.dir = "auto";
        parent.append(element);
        return element;
    };
    add(page.body, "h1", title);
    for (const text of about) add(page.body, "p", text);
    const list = add(page.body, "dl", "");
    for (const { when, who, text, remarks } of lines) {
        const name = add(list, "dt", who === "" ? "" : `${who} `);
        add(name, "small", [when, ...remarks].join(" · "));
        add(list, "dd", text);
    }
    return `<!doctype html>\n${page.documentElement.outerHTML}`;
}
