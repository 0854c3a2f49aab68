/**
 * Which keys mean what. Letters are told by their place on the keyboard, as Alt makes other letters of them on
 * some systems. What is typed into a field is left alone, save with Alt or the command key.
 */

import { isWriting } from "./panes.js";

const MAC = /mac|iphone|ipad/i.test(navigator.platform);

export interface Keys {
    /** The key's place, as in `KeyboardEvent.code`. */
    readonly code: string;
    /** What it says there. */
    readonly label: string;
    /** Also where it stands elsewhere on the keyboard. */
    readonly key?: string;
    readonly alt?: boolean;
    /** Ctrl, on Apple’s keyboards Command. */
    readonly mod?: boolean;
}

/** Whether a key press is meant. */
export function isPressed({ code, key, alt = false, mod = false }: Keys, event: KeyboardEvent): boolean {
    // AltGr writes letters; Windows reports it as Ctrl and Alt.
    if (event.getModifierState("AltGraph")) return false;
    const command = MAC ? event.metaKey : event.ctrlKey;
    const other = MAC ? event.ctrlKey : event.metaKey;
    if (other || event.altKey !== alt || command !== mod) return false;
    if (!alt && !mod && isWriting(event.target instanceof Element ? event.target : null)) return false;
    if (key !== undefined && event.key === key) return true;
    return event.code === code && (!event.shiftKey || key !== undefined) && (key === undefined || mod);
}

/** The keys as people read them. */
export function keysText({ label, alt = false, mod = false }: Keys): string {
    if (MAC) return `${alt ? "⌥" : ""}${mod ? "⌘" : ""}${label}`;
    return `${mod ? "Ctrl+" : ""}${alt ? "Alt+" : ""}${label}`;
}

/** A letter with Alt, perhaps with the command key. */
export function letter(label: string, mod = false): Keys {
    return { code: `Key${label}`, label, alt: true, mod };
}
