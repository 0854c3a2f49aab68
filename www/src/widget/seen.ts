/** How far the visitor has read, so that no tab counts again what another has shown. */

const SEEN = "sottovoce:seen";

export class Seen {
    readonly #listeners = new AbortController();
    #contact: string | undefined;
    #position = 0;

    /** Calls `changed` when another tab shows something. */
    constructor(changed: () => void) {
        const [contact, position] = (read() ?? "").split(" ");
        this.#contact = contact;
        this.#position = Number(position ?? 0) || 0;
        const { signal } = this.#listeners;
        addEventListener(
            "storage",
            ({ key, newValue }) => {
                if (key !== SEEN || newValue === null) return;
                const [there, at] = newValue.split(" ");
                if (there === this.#contact) this.#position = Math.max(this.#position, Number(at) || 0);
                changed();
            },
            { signal },
        );
    }

    of(contact: string): number {
        return this.#contact === contact ? this.#position : 0;
    }

    set(contact: string, position: number): void {
        this.#contact = contact;
        this.#position = position;
        write(`${contact} ${position}`);
    }

    forget(): void {
        this.#contact = undefined;
        this.#position = 0;
        forgetSeen();
    }

    stop(): void {
        this.#listeners.abort();
    }
}

export function forgetSeen(): void {
    write(undefined);
}

function read(): string | undefined {
    try {
        return localStorage.getItem(SEEN) ?? undefined;
    } catch {
        return undefined;
    }
}

function write(value: string | undefined): void {
    try {
        if (value === undefined) localStorage.removeItem(SEEN);
        else localStorage.setItem(SEEN, value);
    } catch {
        // Without storage each page counts for itself.
    }
}
