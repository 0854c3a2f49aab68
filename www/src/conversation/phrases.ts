/** What the pages say about events, states and codes, in plain words. */

import type {
    Author,
    ContactView,
    ItemBody,
    Item,
    Level,
    MessageState,
    Role,
    TeamView,
} from "sottovoce";

/** Who is reading: the wording differs. */
export type Reader = "visitor" | "staff";

const ROLES: Readonly<Record<Role, string>> = {
    visitor: "visitor",
    agent: "agent",
    supervisor: "supervisor",
    administrator: "administrator",
    bot: "bot",
    vault: "storage server",
    auditor: "auditor",
};

export function roleName(role: Role): string {
    return ROLES[role];
}

/** How an author is named in a sentence. */
export function nameOf(author: Author | undefined): string {
    if (!author) return "Somebody";
    if (author.own) return "You";
    if (author.role === "visitor") return "The visitor";
    const name = author.name || `An ${roleName(author.role)}`;
    return author.role === "bot" ? `${name} (bot)` : name;
}

/** The one true sentence for a level. */
export function sentence(level: Level | undefined, brand: string): string {
    switch (level) {
        case "e2ee":
            return `End-to-end encrypted with ${brand}’s support team`;
        case "storage":
            return `Encrypted; ${brand} and its chat service can read it`;
        case "transport":
            return `Encrypted on the way; ${brand}’s chat service stores it readable`;
        case undefined:
            return "Checking who can read this chat …";
    }
}

/** A team and how many people that is. */
export function teamName(team: TeamView): string {
    if (team.readers === undefined) return `${team.name} (team)`;
    return `${team.name} (team of ${team.readers} ${team.readers === 1 ? "person" : "people"})`;
}

type System = Extract<ItemBody, { type: "system" }>["event"];

/** The system line for something that happened. */
export function systemLine(event: System, author: Author | undefined, reader: Reader): string {
    const who = nameOf(author);
    const history = "history" in event && event.history;
    const readable = history ? "can read what was said before" : "cannot read what was said before";
    switch (event.type) {
        case "created":
            return reader === "visitor"
                ? "Your messages are encrypted and wait for somebody to answer."
                : `${who} started the chat.`;
        case "joined":
            return event.replaced
                ? `${who} joined the chat and took over from ${lower(nameOf(event.replaced))}.`
                : `${who} joined the chat.`;
        case "transferring": {
            const to = event.to ? lower(nameOf(event.to)) : (event.team ?? "a team");
            return `${who} ${verb(author, "is", "are")} handing the chat over to ${to}, who ${readable}.`;
        }
        case "invited":
            return `${who} added ${lower(nameOf(event.who))} (${roleName(event.who.role)}), who ${readable}.`;
        case "removed": {
            const [only] = event.who;
            if (event.who.length === 1 && event.teams.length === 0 && only?.device === author?.device) {
                return `${who} left the chat.`;
            }
            const names = [...event.who.map((one) => lower(nameOf(one))), ...event.teams];
            return `${who} removed ${names.join(", ")} from the chat.`;
        }
        case "rekeyed":
            return `${who} renewed the encryption.`;
        case "closed":
            return `${who} closed the chat.`;
    }
}

function verb(author: Author | undefined, third: string, second: string): string {
    return author?.own ? second : third;
}

function lower(name: string): string {
    return name === "You" ? "you" : name.replace(/^The visitor$/, "the visitor");
}

/** How far an own message got. */
export function stateLabel(state: MessageState): string {
    switch (state) {
        case "none":
            return "";
        case "sending":
            return "Sending …";
        case "sent":
            return "Sent";
        case "delivered":
            return "Delivered";
        case "read":
            return "Read";
        case "failed":
            return "Not sent";
    }
}

/** What stands in place of an item that has no text. */
export function placeholder(body: ItemBody): string | undefined {
    switch (body.type) {
        case "unsupported":
            return "This message is of a kind that this version cannot show.";
        case "staffOnly":
            return "A private note that you cannot read.";
        case "beforeJoining":
            return "From before you joined: you don’t have access to this message.";
        case "invalid":
            return `Something that nobody here wrote was left out (${body.code}).`;
        default:
            return undefined;
    }
}

/** Where a contact stands, for its heading. */
export function contactState(view: ContactView): string {
    const claimed = view.participants.find(
        ({ author, pending }) => !pending && author.role !== "visitor" && author.role !== "vault",
    );
    switch (view.state) {
        case "waiting":
            return "Waiting for somebody to answer";
        case "open":
            return claimed ? `With ${lower(nameOf(claimed.author))}` : "Open";
        case "transferring":
            return "Being handed over";
        case "closed":
            return "Closed";
    }
}

/** Things that people should know about a message. */
export function mark(code: string): string {
    switch (code) {
        case "late":
            return "Written before something that it did not know of.";
        case "not-acknowledged":
            return "Not yet confirmed by anybody else.";
        default:
            return `Note: ${code}`;
    }
}

const FAILURES: Readonly<Record<string, string>> = {
    "too-large": "It is too long.",
    "epoch-taken": "Somebody else was quicker.",
    "not-authorised": "You may not do that here.",
    closed: "The chat is closed.",
    offline: "There is no connection.",
    "policy-expired": "The team’s settings have expired, so nothing can be sent now.",
    "wasm-unavailable":
        "This browser or this page does not allow WebAssembly, which the encryption needs.",
    "wasm-not-loaded": "The chat’s code could not be loaded or was not the expected one.",
    "insecure-relay": "The page would connect without encryption, which is refused.",
    "read-only": "The chat is open in another tab. This one can only show it.",
    "no-randomness": "The browser gave no randomness, so no keys can be made.",
};

/** Why something could not be done. */
export function failure(code: string): string {
    return FAILURES[code] ?? `It could not be done (${code}).`;
}

/** What an alarm means. */
export function alarm(code: string, stopsSending: boolean): string {
    if (code === "state-unreadable") {
        return "This chat was started on another device, or this browser cleared it. You can start anew; the team still has the old one.";
    }
    const consequence = stopsSending
        ? "To be safe, nothing more is sent here."
        : "You can go on writing.";
    return `Something does not fit: ${ALARMS[code] ?? "what arrived is not what was agreed"}. ${consequence} (${code})`;
}

const ALARMS: Readonly<Record<string, string>> = {
    "policy-expired": "the team’s signed settings have expired",
    "policy-fork": "there are two different versions of the team’s signed settings",
    "policy-lower": "the team’s signed settings are older than ones already seen",
    "lower-version": "the team’s signed settings are older than ones already seen",
    fork: "two different versions of this chat were shown",
    gap: "a part of this chat is missing",
    "wrong-seal": "somebody was given a wrong key",
    "level-too-low": "the chat would be less protected than this page demands",
};

/** The reason that an own message failed. */
export function itemFailure(item: Item): string {
    return item.failure === undefined ? "" : failure(item.failure);
}
