/** What this browser remembers of how its agent likes the console. Where nothing can be stored it lasts as long as the page. */

const PREFIX = "sottovoce:console:";

export type Theme = "auto" | "light" | "dark";

export class Preferences {
    readonly #memory = new Map<string, string>();

    get theme(): Theme {
        const theme = this.#get("theme");
        return theme === "light" || theme === "dark" ? theme : "auto";
    }

    set theme(theme: Theme) {
        this.#set("theme", theme);
        this.showTheme();
    }

    /** Lets the page follow the theme. */
    showTheme(): void {
        document.documentElement.dataset["theme"] = this.theme;
    }

    get sounds(): boolean {
        return this.#get("sounds") !== "off";
    }

    set sounds(wanted: boolean) {
        this.#set("sounds", wanted ? "on" : "off");
    }

    /** Whether desktop notifications are wanted; the browser has to allow them too. */
    get notifications(): boolean {
        return this.#get("notifications") === "on";
    }

    set notifications(wanted: boolean) {
        this.#set("notifications", wanted ? "on" : "off");
    }

    /** How far chats were seen, by their ids. */
    get seen(): Map<string, number> {
        try {
            const list: unknown = JSON.parse(this.#get("seen") ?? "[]");
            return new Map(Array.isArray(list) ? list.filter(isSeen) : []);
        } catch {
            return new Map();
        }
    }

    set seen(positions: Map<string, number>) {
        this.#set("seen", JSON.stringify([...positions]));
    }

    #get(name: string): string | undefined {
        const known = this.#memory.get(name);
        if (known !== undefined) return known;
        try {
            return localStorage.getItem(PREFIX + name) ?? undefined;
        } catch {
            return undefined;
        }
    }

    #set(name: string, value: string): void {
        try {
            localStorage.setItem(PREFIX + name, value);
        } catch {
            this.#memory.set(name, value);
        }
    }
}

function isSeen(pair: unknown): pair is [string, number] {
    return Array.isArray(pair) && typeof pair[0] === "string" && typeof pair[1] === "number";
}
