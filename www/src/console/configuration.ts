/** Which account this console serves, and what this browser remembers of its agent. */

export interface Configuration {
    account: string;
    relay: string;
    lowestPolicy?: number;
    nextRoot?: string;
}

/** From `config.json` next to the page, or else from the page's own `<meta>` elements. */
export async function loadConfiguration(): Promise<Configuration> {
    const answer = await fetch("./config.json", { cache: "no-cache" }).catch(() => undefined);
    const file: unknown = answer?.ok ? await answer.json() : {};
    const value = (name: string): string | undefined => {
        const inFile: unknown = isObject(file) ? file[name] : undefined;
        if (typeof inFile === "string" && inFile !== "") return inFile;
        const meta = document.querySelector<HTMLMetaElement>(`meta[name="sottovoce-${name}"]`);
        return meta?.content;
    };
    const account = value("account");
    if (account === undefined) throw new Error("The file config.json names no account.");
    const nextRoot = value("nextRoot");
    const lowestPolicy = value("lowestPolicy");
    return {
        account,
        relay: new URL(value("relay") ?? "/", location.href).href,
        ...(nextRoot === undefined ? {} : { nextRoot }),
        ...(lowestPolicy === undefined ? {} : { lowestPolicy: Number(lowestPolicy) }),
    };
}

function isObject(value: unknown): value is { [name: string]: unknown } {
    return typeof value === "object" && value !== null;
}

/** `#invite=CODE&name=NAME`, taken out of the address bar at once: the code is a secret. */
export function takeInvitation(): { invitation?: string; name?: string } {
    const fragment = new URLSearchParams(location.hash.slice(1));
    const invitation = fragment.get("invite");
    const name = fragment.get("name");
    if (invitation !== null) history.replaceState(null, "", location.pathname + location.search);
    return {
        ...(invitation === null ? {} : { invitation }),
        ...(name === null ? {} : { name }),
    };
}

const NAME = "sottovoce:name";

export function rememberedName(): string | undefined {
    try {
        return localStorage.getItem(NAME) ?? undefined;
    } catch {
        return undefined;
    }
}

export function rememberName(name: string): void {
    try {
        localStorage.setItem(NAME, name);
    } catch {
        // It is asked for again next time.
    }
}
