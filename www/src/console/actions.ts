/** Everything that keys, palette and help sheet know how to do. */

import type { ContactView } from "sottovoce";
import type { Desk } from "./desk.js";
import { isMember } from "./follow.js";
import { choosePresence, presenceOf } from "./presence.js";
import { letter, type Keys } from "./shortcuts.js";

export interface Action {
    readonly id: string;
    readonly title: string;
    readonly group: string;
    readonly keys?: Keys;
    /** Whether it can be done now; otherwise it always can. */
    can?(desk: Desk): boolean;
    run(desk: Desk): void;
}

/** The chat in use. */
function view(desk: Desk): ContactView | undefined {
    const contact = desk.panes.active;
    return contact === undefined ? undefined : desk.device.state.conversation(contact)?.view;
}

const member = (desk: Desk): boolean => {
    const shown = view(desk);
    return shown !== undefined && isMember(shown) && shown.state !== "closed";
};
const isOpen = (desk: Desk): boolean => desk.panes.active !== undefined;

/** Something that is done to the chat in use. */
const chat = (
    id: string,
    title: string,
    keys: Keys | undefined,
    can: (desk: Desk) => boolean,
    run: (desk: Desk, contact: string) => void,
): Action => ({
    id,
    title,
    group: "This chat",
    ...(keys ? { keys } : {}),
    can: (desk) => isOpen(desk) && can(desk),
    run: (desk) => {
        if (desk.panes.active !== undefined) run(desk, desk.panes.active);
    },
});

export const ACTIONS: readonly Action[] = [
    { id: "next", title: "Next chat", group: "Chats", keys: letter("J"), run: (desk) => desk.step(1) },
    { id: "previous", title: "Previous chat", group: "Chats", keys: letter("K"), run: (desk) => desk.step(-1) },
    { id: "tab", title: "Next tab of the inbox", group: "Chats", keys: letter("N"), run: (desk) => desk.nextShelf() },
    {
        id: "search",
        title: "Search in chats",
        group: "Chats",
        keys: { code: "KeyF", label: "F", mod: true, alt: true },
        run: (desk) => desk.focusSearch(),
    },
    chat("claim", "Take this chat", letter("C"), (desk) => view(desk)?.canClaim ?? false, (desk, contact) => desk.claim(contact)),
    chat("reply", "Write an answer", letter("L"), member, (desk, contact) => desk.write(contact, false)),
    chat("note", "Write a private note", letter("P"), member, (desk, contact) => desk.write(contact, true)),
    chat("transfer", "Hand this chat over", letter("T"), member, (desk, contact) => void desk.openForm(contact, "transfer")),
    chat("close", "Close this chat", letter("E"), member, (desk, contact) => desk.askToClose(contact, false)),
    chat("close-next", "Close this chat and go to the next", letter("E", true), member, (desk, contact) => desk.askToClose(contact, true)),
    chat("labels", "Set labels", letter("B"), member, (desk, contact) => void desk.openForm(contact, "label")),
    chat("details", "Details of this chat", letter("I"), () => true, (desk) => desk.panes.showDetails(!desk.panes.place.details)),
    chat("leave", "Put this chat away", undefined, () => true, (desk, contact) => desk.panes.close(contact)),
    {
        id: "palette",
        title: "Do or find anything",
        group: "Console",
        keys: { code: "KeyK", label: "K", mod: true },
        run: (desk) => void desk.loaded.openSheet("palette"),
    },
    {
        id: "help",
        title: "Keyboard shortcuts",
        group: "Console",
        keys: { code: "Slash", key: "?", label: "?" },
        run: (desk) => void desk.loaded.openSheet("help"),
    },
    {
        id: "replies",
        title: "Replies of the team",
        group: "Console",
        run: (desk) => void desk.loaded.openSheet("replies"),
    },
    {
        id: "available",
        title: "I am available for new chats",
        group: "You",
        can: (desk) => !presenceOf(desk.device.state).available,
        run: (desk) => choosePresence(desk, true),
    },
    {
        id: "away",
        title: "I am away",
        group: "You",
        can: (desk) => presenceOf(desk.device.state).available,
        run: (desk) => choosePresence(desk, false),
    },
    ...(["auto", "light", "dark"] as const).map((theme) => ({
        id: `theme-${theme}`,
        title: { auto: "Colours as the system has them", light: "Light colours", dark: "Dark colours" }[theme],
        group: "You",
        can: (desk: Desk) => desk.preferences.theme !== theme,
        run: (desk: Desk) => desk.setTheme(theme),
    })),
];

/** Another way to the help sheet, which works in fields too. */
export const HELP: Keys = { code: "Slash", key: "/", label: "/", mod: true };
