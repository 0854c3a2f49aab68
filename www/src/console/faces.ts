/** How chats and people are shown in few letters. */

import { html, type TemplateResult } from "lit-html";
import type { ContactId, Mirror } from "sottovoce";
import { givenName } from "./customer.js";

const HUES = 8;

/**
 * Who a chat is with: the identity that was verified, else the name that the page gave, else a number, the same
 * on every device.
 */
export function chatName(state: Mirror, contact: ContactId): string {
    const view = state.conversation(contact)?.view;
    return view?.verifiedIdentity ?? (view && givenName(view)) ?? `Visitor ${1000 + (numberOf(contact) % 9000)}`;
}

/** An entry point as people know it. */
export function entryPointName(state: Mirror, id: string): string {
    return state.account?.entryPoints.find((entry) => entry.id === id)?.name ?? id;
}

/** A round picture: initials of somebody who has a name, a figure for somebody who has none. */
export function avatar(name: string | undefined, seed: string): TemplateResult {
    return html`<span class="avatar" data-hue=${numberOf(seed) % HUES} aria-hidden="true"
        >${name === undefined
            ? html`<svg viewBox="0 0 24 24"><circle cx="12" cy="9" r="4" /><path d="M4.500 20c1-4.200 4-6 7.500-6s6.500 1.800 7.500 6z" /></svg>`
            : initials(name)}</span
    >`;
}

/** A chat's picture. */
export function chatAvatar(state: Mirror, contact: ContactId): TemplateResult {
    const view = state.conversation(contact)?.view;
    return avatar(view?.verifiedIdentity ?? (view && givenName(view)), contact);
}

function initials(name: string): string {
    const words = name.split(/[\s._@-]+/u).filter((word) => /^[\p{L}\p{N}]/u.test(word));
    const first = (word: string | undefined) => (word === undefined ? "" : (Array.from(word)[0] ?? ""));
    return (first(words[0]) + (words.length > 1 ? first(words.at(-1)) : "")).toUpperCase() || "?";
}

/** The same number for the same text everywhere (FNV-1a). */
function numberOf(text: string): number {
    let number = 0x811c9dc5;
    for (let index = 0; index < text.length; index += 1) {
        number = Math.imul(number ^ text.charCodeAt(index), 0x01000193) >>> 0;
    }
    return number;
}
