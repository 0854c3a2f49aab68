/**
 * `<sottovoce-chat>`: what a page may ask of it and what it tells the page. Importing
 * `sottovoce/widget` defines the element; on a server that does nothing.
 */

import type { Level, Role } from "./wasm/visitor/sottovoce.js";

export type Locale = "en" | "it" | "ar" | "ja";
export type Theme = "light" | "dark" | "auto";

/**
 * Asked for a short-lived token (JWT) that says who the visitor is. Its `cnf` is the thumbprint of
 * the device's key, which is given as base64url.
 */
export type Identify = (device: string) => string | Promise<string>;

/** Somebody who answers. */
export interface AgentDetail {
    name: string;
    role: Role;
}

export interface MessageDetail {
    contact: string;
    id: string;
    /** Whether the visitor wrote it. */
    own: boolean;
    /** The author's name; empty for the visitor. */
    name: string;
    text: string;
    /** The author's time in milliseconds since 1970. */
    time: number;
}

export interface SecurityDetail {
    level: Level | undefined;
    /** Who can read what is written now. */
    readers: readonly AgentDetail[];
    teams: readonly string[];
    /** What is wrong, as stable codes. */
    alarms: readonly { code: string; stopsSending: boolean }[];
}

/** What the page is told, by name. */
export interface ChatEvents {
    /** Commands work; who asks later is told at once. */
    ready: undefined;
    open: undefined;
    close: undefined;
    /** How many messages have not been seen. */
    unread: number;
    /** A message is new, from either side. */
    message: MessageDetail;
    "conversation:start": { contact: string };
    "conversation:end": { contact: string };
    "agent:join": AgentDetail;
    "agent:leave": AgentDetail;
    /** The chat waits for somebody, or somebody has taken it. */
    queue: "waiting" | "taken";
    /** How the connection is. */
    status: "offline" | "connecting" | "online" | "refused";
    /** Who can read this, or whether something is wrong, has changed. */
    security: SecurityDetail;
    /** Something could not be done. */
    error: { code: string };
}

export type ChatHandler<Name extends keyof ChatEvents> = (detail: ChatEvents[Name]) => void;

/** What a page may ask for. */
export interface ChatCommands {
    /** Opens the chat. From here on keys are made and stored. */
    open(): Promise<void>;
    /** Puts the chat away; it goes on in the background. */
    close(): void;
    toggle(): Promise<void>;
    /** Shows the launcher. */
    show(): void;
    /** Hides launcher and chat; the chat goes on in the background. */
    hide(): void;
    /** Says how to learn who the visitor is, for chats that begin from now on. */
    identify(token: Identify | undefined): void;
    /**
     * Says something of the visitor, by name, such as an order's number: it goes with the chat, encrypted, when
     * that begins or at once. Names of 1 to 64 bytes, values of at most 1,024, 30 in all; an empty value takes
     * back what was said. The visitor can read it.
     */
    setDetails(details: Readonly<Record<string, string>>): void;
    /** Forgets the chat, its keys and who the visitor is, in this browser. */
    logout(): Promise<void>;
    setLocale(locale: Locale | "auto"): void;
    setTheme(theme: Theme): void;
    /** Calls the handler at each such event; returns how to stop that. */
    on<Name extends keyof ChatEvents>(name: Name, handler: ChatHandler<Name>): () => void;
    off<Name extends keyof ChatEvents>(name: Name, handler: ChatHandler<Name>): void;
    /** Ends it and takes it off the page. What is stored stays. */
    destroy(): void;
}

/** The element; each event is a `CustomEvent` of that name as well. */
export interface SottovoceChatElement extends HTMLElement, ChatCommands {}

/** Attributes of the element; in the script element of the snippet each begins with `data-`. */
export interface ChatAttributes {
    /** The account's id, which pins its root key. */
    account: string;
    "entry-point": string;
    /** The relay's address; without, that of the loader's script. */
    relay?: string;
    /** What the business is called. */
    name?: string;
    locale?: Locale | "auto";
    theme?: Theme;
    /** The business's colour, as CSS writes colours. */
    "brand-color"?: string;
    /** The corner that it stands in; without, where lines of the page end. */
    position?: "right" | "left";
    /** Whether a new message can be heard. */
    sound?: "on" | "off";
    "next-root"?: string;
    "lowest-level"?: Level;
    "lowest-policy"?: string;
    "fallback-link"?: string;
    /** Where the core is, if not beside the package's own files. */
    wasm?: string;
}

/** `window.sottovoce("open")`: any command by its name, also before the loader has come. */
export interface ChatQueue {
    <Name extends keyof ChatEvents>(command: "on" | "off", name: Name, handler: ChatHandler<Name>): unknown;
    <Command extends Exclude<keyof ChatCommands, "on" | "off">>(
        command: Command,
        ...values: Parameters<ChatCommands[Command]>
    ): unknown;
    /** Calls from before. */
    q?: unknown[][];
    /** The loader has come. */
    live?: true;
}

declare global {
    interface Window {
        sottovoce?: ChatQueue;
    }
    interface HTMLElementTagNameMap {
        "sottovoce-chat": SottovoceChatElement;
    }
}
