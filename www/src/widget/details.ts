/** What the page says of its visitor: what it was asked to pass on, which page it is, the visitor's language. */

import type { Detail } from "sottovoce";

/** Limits of SPEC 5.3, in bytes of UTF-8 but for the first. */
const MOST = 32;
const LONGEST_NAME = 64;
const LONGEST_VALUE = 1024;

/** The details that can be sent, and whether some cannot: too long, or too many. */
export function detailsOf(given: Readonly<Record<string, string>>): { details: Detail[]; tooMuch: boolean } {
    const own: Detail[] = [
        // What stands behind the path may be a secret of the page's.
        { name: "page", value: location.origin === "null" ? "" : location.origin + location.pathname },
        { name: "language", value: navigator.language },
    ];
    const all = [...own.filter(({ name }) => !Object.hasOwn(given, name)), ...Object.entries(given).map(pair)];
    const fit = all.filter(({ name, value }) => bytes(value) <= LONGEST_VALUE && name !== "" && bytes(name) <= LONGEST_NAME);
    const details = fit.slice(0, MOST);
    return { details, tooMuch: details.length < all.length };
}

/** Those of the details that are not known yet; an empty value is as good as none. */
export function news(details: readonly Detail[], known: readonly Detail[]): Detail[] {
    const before = new Map(known.map(({ name, value }) => [name, value]));
    return details.filter(({ name, value }) => (before.get(name) ?? "") !== value);
}

function pair([name, value]: [string, unknown]): Detail {
    return { name, value: String(value ?? "") };
}

function bytes(text: string): number {
    return new TextEncoder().encode(text).length;
}
