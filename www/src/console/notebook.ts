/** What teams keep for their members, encrypted to them: canned replies and the names of labels. */

import type { Mirror } from "sottovoce";

/** A reply that a team keeps. */
export interface Reply {
    readonly team: string;
    readonly shortcut: string;
    readonly text: string;
}

export interface Notebook {
    readonly team: string;
    readonly replies: readonly { shortcut: string; text: string }[];
    readonly labels: readonly string[];
}

/** The notebooks of this device's own teams. */
export function ownNotebooks(state: Mirror): Notebook[] {
    return (state.account?.ownTeams ?? []).flatMap((team) => {
        const known = state.notebooks.get(team);
        return known === undefined ? [] : [{ team, replies: known.replies, labels: known.labels }];
    });
}

/** All replies of the own teams, by their shortcuts; of two with one name the first team's. */
export function ownReplies(state: Mirror): Reply[] {
    const replies = new Map<string, Reply>();
    for (const { team, replies: kept } of ownNotebooks(state)) {
        for (const { shortcut, text } of kept) {
            if (!replies.has(shortcut)) replies.set(shortcut, { team, shortcut, text });
        }
    }
    return [...replies.values()].sort((a, b) => a.shortcut.localeCompare(b.shortcut));
}

export interface Names {
    /** The visitor's. */
    readonly name: string | undefined;
    readonly agent: string;
    readonly business: string;
}

/** A reply with its placeholders filled in; one that nothing is known for goes, with the space before it. */
export function filled(text: string, names: Names): string {
    return text.replaceAll(/(\s?)\{\{\s*(name|agent|business)\s*\}\}/g, (_, space: string, placeholder: keyof Names) => {
        const value = names[placeholder];
        return value === undefined ? "" : space + value;
    });
}
