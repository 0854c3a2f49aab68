/** What the settings call things. */

import type { DeviceId, Level, Role, SettingsView } from "sottovoce";
import { roleName } from "../../conversation/phrases.js";

type Plan = SettingsView["plan"];

export const LEVELS: readonly Level[] = ["transport", "storage", "e2ee"];

/** From open to closed. */
export function rank(level: Level): number {
    return LEVELS.indexOf(level);
}

export const LEVEL_TITLES: Readonly<Record<Level, string>> = {
    transport: "Encrypted on the way",
    storage: "Encrypted where it is stored",
    e2ee: "End-to-end encrypted",
};

/** One true sentence for each level: who can read a chat there. */
export function levelWords(level: Level, view: SettingsView): string {
    switch (level) {
        case "transport":
            return "The storage server keeps chats readable: whoever runs the service can read them.";
        case "storage":
            return "Each chat is stored under a key of its own in the key manager: whoever runs storage server and key manager together can read it.";
        case "e2ee":
            return view.archive === "keyManager"
                ? "Only the people in a chat can read it, and those whom your own key manager lets open it, with a recorded reason: the service has no keys."
                : "Only the people in a chat can read it, on their own devices: no server has the keys.";
    }
}

export const PLANS: Readonly<Record<Plan, string>> = {
    solo: "Solo",
    starter: "Starter",
    plus: "Plus",
    enterprise: "Enterprise",
};

/** The levels that a plan allows. */
export function allowedBy(plan: Plan): readonly Level[] {
    return plan === "enterprise" ? ["storage", "e2ee"] : ["transport"];
}

/** Roles that the policy can let join besides agents. */
export const JOINING: readonly Role[] = ["supervisor", "bot", "vault", "auditor"];

/** What roles are, for those who give them. */
export const ROLE_WORDS: Readonly<Partial<Record<Role, string>>> = {
    agent: "Agent: answers visitors",
    supervisor: "Supervisor: an agent who may also be invited to watch",
    bot: "Bot: a program that answers, always shown as one",
    vault: "Storage server: keeps chats below end-to-end encryption",
    auditor: "Auditor: opens archived chats, with a recorded reason",
};

export function roles(names: readonly Role[]): string {
    return names.length === 0 ? "nobody else" : list(names.map((role) => `${roleName(role)}s`));
}

/** `a, b and c`. */
export function list(words: readonly string[]): string {
    const last = words.at(-1) ?? "";
    return words.length < 2 ? last : `${words.slice(0, -1).join(", ")} and ${last}`;
}

export function count(number: number, one: string, many = `${one}s`): string {
    return `${number} ${number === 1 ? one : many}`;
}

const DATE = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

export function date(time: number): string {
    return DATE.format(time);
}

const HOUR = 3600;
const DAY = 24 * HOUR;

/** A duration given in seconds. */
export function duration(seconds: number): string {
    if (seconds === 0) return "not at all";
    if (seconds % DAY === 0) return count(seconds / DAY, "day");
    if (seconds % HOUR === 0) return count(seconds / HOUR, "hour");
    return count(seconds, "second");
}

export function bytes(number: number): string {
    const units = ["bytes", "KiB", "MiB", "GiB"];
    let unit = 0;
    while (number >= 1024 && number % 1024 === 0 && unit < units.length - 1) {
        number /= 1024;
        unit += 1;
    }
    return `${number} ${units[unit] ?? ""}`;
}

/** The beginning of a device's id: enough for people to compare. */
export function short(device: DeviceId): string {
    return device.slice(0, 12);
}

/** What is said after a change, which the newest view already shows. */
export function saved(view: SettingsView | undefined): string {
    return view === undefined
        ? "Done."
        : `Signed and published: version ${view.version} of the rules, valid until ${date(view.expires)}.`;
}
