/** What a peer wrote as text nodes and links, and times as people write them. */

import { html, type TemplateResult } from "lit-html";
import { words } from "./phrases.js";

/** A message's bubble; one of a few emoji and nothing else is shown larger. */
export function written(text: string): TemplateResult {
    const large = isFewEmoji(text);
    return html`<div class="bubble ${large ? "large" : ""}" dir="auto">${linked(text)}</div>`;
}

const EMOJI = /^(?:\p{Extended_Pictographic}|\p{Emoji_Modifier}|\p{Regional_Indicator}|[\u200d\ufe0f\s])+$/u;
const LONGEST_EMOJI = 32;

function isFewEmoji(text: string): boolean {
    // Most texts have a plain letter, which is quicker to see than that everything is an emoji.
    return text.length <= LONGEST_EMOJI && text.trim() !== "" && !/[!-~]/.test(text) && EMOJI.test(text);
}

const ADDRESS = /\b(?:https?:\/\/|mailto:)[^\s<>"“”]+/gi;
/** What ends a sentence rather than an address. */
const AFTER = /[.,;:!?'’»、。！？]+$/;

/** Web and mail addresses become links, the rest stays text. */
export function linked(text: string): (string | TemplateResult)[] {
    const parts: (string | TemplateResult)[] = [];
    let end = 0;
    for (const { 0: found, index } of text.matchAll(ADDRESS)) {
        const address = withoutBracket(found.replace(AFTER, ""));
        if (!isSafe(address)) continue;
        parts.push(
            text.slice(end, index),
            html`<a href=${address} target="_blank" rel="noopener noreferrer nofollow">${address}</a>`,
        );
        end = index + address.length;
    }
    parts.push(text.slice(end));
    return parts;
}

/** A bracket that was opened before the address ends it. */
function withoutBracket(address: string): string {
    return address.endsWith(")") && !address.includes("(") ? address.slice(0, -1) : address;
}

function isSafe(address: string): boolean {
    try {
        return ["http:", "https:", "mailto:"].includes(new URL(address).protocol);
    } catch {
        return false;
    }
}

/** The browser's own variants of the language that is spoken come first. */
function locales(): string[] {
    const { tag } = words();
    return [...navigator.languages.filter((one) => one.startsWith(tag)), tag];
}

const formats = new Map<string, Intl.DateTimeFormat>();

function format(name: string, options: Intl.DateTimeFormatOptions, moment: number): string {
    const key = `${words().tag} ${name}`;
    let known = formats.get(key);
    if (!known) formats.set(key, (known = new Intl.DateTimeFormat(locales(), options)));
    try {
        return known.format(moment);
    } catch {
        // A peer may have written a time that no calendar has.
        return "";
    }
}

/** Makes what `time` needs while nobody waits for it: a slow phone takes a while. */
export function prepareTimes(): void {
    setTimeout(() => time(Date.now()), 200);
}

/** The time of the day. */
export function time(moment: number): string {
    return format("time", { hour: "2-digit", minute: "2-digit" }, moment);
}

/** Numbers days of the person's own calendar, to tell whether two moments are on one. */
export function dayNumber(moment: number): number {
    const date = new Date(moment);
    return (date.getFullYear() * 12 + date.getMonth()) * 31 + date.getDate();
}

/** The day, as people name it today. */
export function day(moment: number): string {
    const now = new Date();
    const { today, yesterday } = words().chat;
    if (dayNumber(moment) === dayNumber(now.getTime())) return today;
    now.setDate(now.getDate() - 1);
    if (dayNumber(moment) === dayNumber(now.getTime())) return yesterday;
    return format("day", { weekday: "long", day: "numeric", month: "long", year: "numeric" }, moment);
}

/** Calls whenever a day begins, for what `day` says; returns how to stop that. */
export function atMidnight(call: () => void): () => void {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const wait = () => {
        const now = new Date();
        const next = new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1);
        timer = setTimeout(() => {
            call();
            wait();
        }, next.getTime() - now.getTime());
    };
    wait();
    return () => clearTimeout(timer);
}

/** Day and time. */
export function dateAndTime(moment: number): string {
    return format("both", { dateStyle: "medium", timeStyle: "medium" }, moment);
}
