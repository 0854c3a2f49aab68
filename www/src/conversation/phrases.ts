/** What the pages say about events, states and codes, in plain words. */

import type {
    Author,
    ContactView,
    ItemBody,
    Item,
    Level,
    MessageState,
    Mirror,
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
            return "The team wrote a note among themselves.";
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
        case "not-acknowledged":
            return "Nobody else has confirmed this message in time.";
        case "two-with-one-sequence":
            return "Its author sent two different messages in the place of one.";
        case "gap":
            return "A message of its author is missing before this one.";
        case "time-off":
            return "Its time is not right.";
        default:
            return `Please note: ${code}`;
    }
}

const FAILURES: Readonly<Record<string, string>> = {
    "already-on-roster": "They are on this chat already.",
    "cannot-seal": "Somebody’s key is missing, so nothing can be encrypted for them yet.",
    "claim-first": "The chat was handed to you: take it first.",
    "content-too-large": "It is too long.",
    "epoch-taken": "Somebody else was quicker.",
    "nothing-to-claim": "Somebody else was quicker.",
    "insecure-page": "This page came without encryption, so no private chat can start on it.",
    "insecure-relay": "The page would connect without encryption, which is refused.",
    "level-not-allowed": "The protection of this chat does not allow it.",
    "no-key": "This device was let in after the chat began and cannot read it yet.",
    "no-seal-key": "They have no current key, because they were not here lately.",
    "no-team-key": "Nobody of the team has been here lately to make it a key.",
    "no-randomness": "The browser gave no randomness, so no keys can be made.",
    "not-on-roster": "You are not on this chat.",
    "plan-not-allowed": "The service does not allow that level, plan or retention for this account.",
    "policy-not-allowed": "The account’s settings do not allow it.",
    "read-only": "The chat is open in another tab. This one can only show it.",
    "role-not-allowed": "Your role does not allow it.",
    "storage-unavailable": "The browser could not store it.",
    "time-off": "This device’s clock is wrong by more than ten minutes.",
    "too-large": "It is too long.",
    "transfer-under-way": "It is being handed over already.",
    "unknown-account": "The service does not know this account.",
    "wasm-not-loaded": "The chat’s code could not be loaded or was not the expected one.",
    "wasm-unavailable":
        "This browser or this page does not allow WebAssembly, which the encryption needs.",
    banned: "This chat is not available to you for a while.",
    closed: "The chat is closed.",
    erased: "The service erased this chat.",
    expired: "The account’s settings have expired, so nothing can be sent now.",
    revoked: "This device is no longer allowed in.",
    throttled: "That was too much at once. Please wait a moment.",
    unavailable: "The service cannot do that now.",
};

/** Why something could not be done. */
export function failure(code: string): string {
    return FAILURES[code] ?? `It could not be done (${code}).`;
}

/** Reasons for a goodbye that pass without anybody's doing. */
const PASSING = new Set(["going-away", "throttled", "timed-out", "too-slow", "unavailable"]);

/** How the connection is. */
export function connection({ connection: { state }, refusal }: Mirror): string {
    if (refusal !== undefined && !PASSING.has(refusal)) return failure(refusal);
    switch (state) {
        case "online":
            return "Connected";
        case "connecting":
            return "Connecting …";
        case "refused":
        case "offline":
            return navigator.onLine ? "Not connected, trying again …" : "You are offline";
    }
}

const ALARMS: Readonly<Record<string, string>> = {
    "audit-fork": "the key manager’s log was rewritten",
    "audit-rolled-back": "the key manager’s log was set back",
    "not-signed": "a key was offered that the key manager did not sign",
    "bad-signature": "a message was not signed by its author",
    "challenge-repeated": "the service asked twice who this is",
    "level-not-allowed": "somebody was added whom the protection of this chat forbids",
    "log-truncated": "the service hides a part of this chat",
    "not-authenticated": "the service did not wait to learn who this is",
    "rolled-back": "the service showed account settings older than those already known",
    "state-rolled-back": "what this browser stored is older than what it sent",
    "time-off": "this device’s clock is wrong by more than ten minutes",
    "two-with-one-sequence": "somebody sent two different messages in the place of one",
    "wrong-other-seal": "somebody was given a wrong key",
    "wrong-seal": "this device was given a wrong key",
    conflict: "two different versions of the account’s signed settings were shown",
    fork: "two different versions of this chat were shown",
    gap: "a message is missing",
};

/** What an alarm means. */
export function alarm(code: string, stopsSending: boolean): string {
    if (code === "state-unreadable") {
        return "This chat was started on another device, or this browser cleared it. You can start anew; the team still has the old one.";
    }
    if (code === "erased") {
        return "The service erased this chat. What you see is kept on this device only.";
    }
    if (code === "expired") {
        return "The service keeps this chat no longer: its time is over. What you see is kept on this device only.";
    }
    const what = ALARMS[code] ?? "what arrived is not what was agreed";
    const consequence = stopsSending
        ? "To be safe, nothing more is sent here."
        : "You can go on writing.";
    return `Something is wrong: ${what}. ${consequence} (${code})`;
}

/** The reason that an own message failed. */
export function itemFailure(item: Item): string {
    return item.failure === undefined ? "" : failure(item.failure);
}
