/** What the pages say about events, states and codes, in the language that is spoken. */

import type { Author, ContactView, Item, ItemBody, Level, MessageState, Mirror, Role, TeamView } from "sottovoce";
import { english, type Named, type Phrases } from "./languages/english.js";

/** Who is reading: the wording differs. */
export type Reader = "visitor" | "staff";

let spoken: Phrases = english;

/** Chooses the language of the page. */
export function speak(phrases: Phrases): void {
    spoken = phrases;
}

/** The language that is spoken. */
export function words(): Phrases {
    return spoken;
}

export function roleName(role: Role): string {
    return spoken.roles[role];
}

/** How an author is named where a sentence begins. */
export function nameOf(author: Author | undefined): string {
    return named(author).first;
}

function named(author: Author | undefined): Named {
    const { names } = spoken;
    if (!author) return { ...names.somebody, own: false };
    if (author.own) return { ...names.you, own: true };
    if (author.role === "visitor") return { ...names.visitor, own: false };
    const plain = author.name || names.nameless(roleName(author.role));
    const name = author.role === "bot" ? names.bot(plain) : plain;
    return { first: name, inside: name, own: false };
}

/** The one true sentence for a level. */
export function sentence(level: Level | undefined, brand: string): string {
    return level === undefined ? spoken.levels.unknown : spoken.levels[level](brand);
}

/** A team and how many people that is. */
export function teamName(team: TeamView): string {
    return spoken.team(team.name, team.readers);
}

type System = Extract<ItemBody, { type: "system" }>["event"];

/** The system line for something that happened. */
export function systemLine(event: System, author: Author | undefined, reader: Reader): string {
    const who = named(author);
    const { system } = spoken;
    switch (event.type) {
        case "created":
            return reader === "visitor" ? system.waiting : system.created(who);
        case "joined":
            return event.replaced ? system.tookOver(who, named(event.replaced)) : system.joined(who);
        case "transferring":
            return system.transferring(who, event.to ? named(event.to).inside : event.team, event.history);
        case "invited":
            return system.invited(who, named(event.who), roleName(event.who.role), event.history);
        case "removed": {
            const [only] = event.who;
            if (event.who.length === 1 && event.teams.length === 0 && only?.device === author?.device) {
                return system.left(who);
            }
            const names = [...event.who.map((one) => named(one).inside), ...event.teams];
            return system.removed(who, new Intl.ListFormat(spoken.tag, { type: "unit" }).format(names));
        }
        case "rekeyed":
            return system.rekeyed(who);
        case "closed":
            return system.closed(who);
    }
}

/** How far an own message got. */
export function stateLabel(state: MessageState): string {
    return spoken.states[state];
}

/** What stands in place of an item that has no text. */
export function placeholder(body: ItemBody): string | undefined {
    switch (body.type) {
        case "unsupported":
        case "staffOnly":
        case "beforeJoining":
            return spoken.placeholders[body.type];
        case "invalid":
            return spoken.placeholders.invalid(body.code);
        default:
            return undefined;
    }
}

/** Where a contact stands, for its heading in the console. */
export function contactState(view: ContactView): string {
    const claimed = view.participants.find(
        ({ author, pending }) => !pending && author.role !== "visitor" && author.role !== "vault",
    );
    switch (view.state) {
        case "waiting":
            return "Waiting for somebody to answer";
        case "open":
            return claimed ? `With ${named(claimed.author).inside}` : "Open";
        case "transferring":
            return "Being handed over";
        case "closed":
            return "Closed";
    }
}

/** What a list says about a code, if anything. */
function known(list: Readonly<Record<string, string>>, code: string): string | undefined {
    return Object.hasOwn(list, code) ? list[code] : undefined;
}

/** Things that people should know about a message. */
export function mark(code: string): string {
    return known(spoken.marks, code) ?? spoken.mark(code);
}

/** Why something could not be done. */
export function failure(code: string): string {
    return known(spoken.failures, code) ?? spoken.failure(code);
}

/** Reasons for a goodbye that pass without anybody's doing. */
const PASSING = new Set(["going-away", "throttled", "timed-out", "too-slow", "unavailable"]);

/** How the connection is. */
export function connection({ connection: { state }, refusal }: Mirror): string {
    if (refusal !== undefined && !PASSING.has(refusal)) return failure(refusal);
    if (state === "online" || state === "connecting") return spoken.connection[state];
    return navigator.onLine ? spoken.connection.trying : spoken.connection.offline;
}

/** What an alarm means. */
export function alarm(code: string, stopsSending: boolean): string {
    if (code === "state-unreadable") return spoken.alarm.unreadable;
    if (code === "erased" || code === "expired") return spoken.alarm[code];
    return spoken.alarm.whole(known(spoken.alarms, code) ?? spoken.alarm.other, stopsSending, code);
}

/** The reason that an own message failed. */
export function itemFailure(item: Item): string {
    return item.failure === undefined ? "" : failure(item.failure);
}
