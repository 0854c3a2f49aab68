/** What the pages say, in English. It is the form of the other languages: what one lacks does not compile. */

import type { Role } from "sottovoce";

/** Somebody or something in a sentence: where it begins one, and further in. */
export interface Named {
    first: string;
    inside: string;
    own: boolean;
}

const before = (readable: boolean) => `${readable ? "can" : "cannot"} read what was said before`;

export const english = {
    /** BCP 47, for dates, times and plurals. */
    tag: "en",
    direction: "ltr" as "ltr" | "rtl",
    us: "us",
    names: {
        you: { first: "You", inside: "you" },
        visitor: { first: "The visitor", inside: "the visitor" },
        somebody: { first: "Somebody", inside: "somebody" },
        nameless: (role: string) => `An ${role}`,
        bot: (name: string) => `${name} (bot)`,
    },
    roles: {
        visitor: "visitor",
        agent: "agent",
        supervisor: "supervisor",
        administrator: "administrator",
        bot: "bot",
        vault: "storage server",
        auditor: "auditor",
    } satisfies Record<Role, string> as Record<Role, string>,
    levels: {
        e2ee: (brand: string) => `End-to-end encrypted with ${brand}’s support team`,
        storage: (brand: string) => `Encrypted; ${brand} and its chat service can read it`,
        transport: (brand: string) => `Encrypted on the way; ${brand}’s chat service stores it readable`,
        unknown: "Checking who can read this chat …",
    },
    team: (name: string, readers: number | undefined) =>
        readers === undefined
            ? `${name} (team)`
            : `${name} (team of ${readers} ${readers === 1 ? "person" : "people"})`,
    system: {
        waiting: "Your messages are encrypted and wait for somebody to answer.",
        created: (who: Named) => `${who.first} started the chat.`,
        joined: (who: Named) => `${who.first} joined the chat.`,
        tookOver: (who: Named, from: Named) => `${who.first} joined the chat and took over from ${from.inside}.`,
        transferring: (who: Named, to: string | undefined, history: boolean) =>
            `${who.first} ${who.own ? "are" : "is"} handing the chat over to ${to ?? "a team"}, who ${before(history)}.`,
        invited: (who: Named, added: Named, role: string, history: boolean) =>
            `${who.first} added ${added.inside} (${role}), who ${before(history)}.`,
        left: (who: Named) => `${who.first} left the chat.`,
        removed: (who: Named, names: string) => `${who.first} removed ${names} from the chat.`,
        rekeyed: (who: Named) => `${who.first} renewed the encryption.`,
        closed: (who: Named) => `${who.first} closed the chat.`,
    },
    states: {
        none: "",
        sending: "Sending …",
        sent: "Sent",
        delivered: "Delivered",
        read: "Read",
        failed: "Not sent",
    },
    placeholders: {
        unsupported: "This message is of a kind that this version cannot show.",
        staffOnly: "The team wrote a note among themselves.",
        beforeJoining: "From before you joined: you don’t have access to this message.",
        invalid: (code: string) => `Something that nobody here wrote was left out (${code}).`,
    },
    marks: {
        "not-acknowledged": "Nobody else has confirmed this message in time.",
        "two-with-one-sequence": "Its author sent two different messages in the place of one.",
        gap: "A message of its author is missing before this one.",
        "time-off": "Its time is not right.",
    },
    mark: (code: string) => `Please note: ${code}`,
    connection: {
        online: "Connected",
        connecting: "Connecting …",
        trying: "Not connected, trying again …",
        offline: "You are offline",
        none: "Not available",
    },
    failures: {
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
        "not-identified": "This website could not say who you are, so the chat did not begin. Please try again.",
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
        "wasm-unavailable": "This browser or this page does not allow WebAssembly, which the encryption needs.",
        banned: "This chat is not available to you for a while.",
        closed: "The chat is closed.",
        erased: "The service erased this chat.",
        expired: "The account’s settings have expired, so nothing can be sent now.",
        revoked: "This device is no longer allowed in.",
        throttled: "That was too much at once. Please wait a moment.",
        unavailable: "The service cannot do that now.",
    },
    failure: (code: string) => `It could not be done (${code}).`,
    alarms: {
        "audit-fork": "the key manager’s log was rewritten",
        "audit-rolled-back": "the key manager’s log was set back",
        "not-signed": "a key was offered that nobody who may sign it has signed",
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
    },
    alarm: {
        other: "what arrived is not what was agreed",
        whole: (what: string, stops: boolean, code: string) =>
            `Something is wrong: ${what}. ${
                stops ? "To be safe, nothing more is sent here." : "You can go on writing."
            } (${code})`,
        unreadable:
            "This chat was started on another device, or this browser cleared it. You can start anew; the team still has the old one.",
        erased: "The service erased this chat. What you see is kept on this device only.",
        expired: "The service keeps this chat no longer: its time is over. What you see is kept on this device only.",
    },
    chat: {
        title: (brand: string) => `Chat with ${brand}`,
        away: "Put the chat away",
        save: "Save the transcript",
        saveText: "as text",
        savePage: "as a page",
        log: "Conversation",
        earlier: "Earlier messages",
        welcome: "Ask us anything. You can write at once; somebody will answer.",
        noStorage: "This browser stores nothing, so the chat ends when you leave the page.",
        typing: (who: string) => `${who} is typing …`,
        label: "Your message",
        placeholder: "Write a message",
        stopped: "Nothing can be sent at the moment.",
        tooLong: "This is too long for one message.",
        send: "Send",
        retry: "Try again",
        discard: "Delete",
        closed: "This chat is closed.",
        again: "Start a new chat",
        end: "End chat",
        endIt: "End it",
        goOn: "Go on",
        none: "The chat is not available here.",
        otherWay: "Reach us another way",
        returned: (role: string) =>
            `${role} joined before your text was sent. See who can read this, then send it again.`,
        today: "Today",
        yesterday: "Yesterday",
    },
    note: (author: string | undefined) => (author === undefined ? "Private note" : `Private note, ${author}`),
    sheet: {
        label: "About this chat’s privacy",
        back: "Back",
        who: "Who can read this",
        you: "You",
        gateway: ", through a gateway",
        pending: ", asked to take over",
        waiting:
            "Until somebody takes the chat, the whole team can read what you write. Afterwards only those named here can.",
        transferring: "Whoever is asked to take over is named here as well.",
        encrypted: "Messages are encrypted on your device for these people.",
        serviceHasNoKeys: "The service that carries the chat has no keys.",
        noServerHasKeys: "No server has the keys, also not the service that carries the chat.",
        archived: (brand: string) =>
            `${brand} keeps the keys in a key manager of its own: authorised people there can open this chat later, with a reason that is recorded.`,
        details: "What this page says about you",
        detailsWhy: "It goes with the chat, encrypted, to those who can read it.",
        detailNames: { page: "Page", language: "Language" },
        sees: "What the service sees",
        seen: "When messages are sent and roughly how long they are, your network address, which devices take part and how far each has read.",
        notWritten: "Not what is written.",
        kept: "How long it is kept",
        days: (days: number) =>
            `The service deletes the encrypted messages ${days === 1 ? "one day" : `${days} days`} after the last one.`,
        unknownDays: "This is known once the chat is connected.",
        here: "This browser keeps the chat until you start a new one.",
        notHere: "This browser keeps nothing: the chat ends when you leave the page.",
        code: "Who served the code",
        pinned: (host: string) =>
            `This page pins the chat’s code by its hash, so ${host}, which delivers it, cannot change it unnoticed. You trust this website.`,
        served: (host: string) =>
            `This chat’s code came from ${host} and this page does not pin it by a hash. You trust this website and that server to deliver it unchanged.`,
        own: "This chat’s code is a part of this website. You trust the website to deliver it unchanged.",
    },
    transcript: {
        title: (brand: string) => `Chat with ${brand}`,
        saved: (when: string) => `Saved on ${when} on the visitor’s device.`,
        verified: "Every message below was signed by its author’s device, and this device checked it.",
        ended: "The end of the chat is confirmed.",
        notEnded: "The end of the chat is not confirmed: more may have been said.",
        alarms: "Something was wrong with this chat:",
    },
};

export type Phrases = typeof english;
