/** How a chat begins: what is written at once waits until the contact exists, and is not lost. */

import { SottovoceError, codeOf, type Detail, type Device } from "sottovoce";
import type { Identify } from "sottovoce/widget";
import type { Drafts } from "../conversation/composer.js";
import type { EarlyText } from "../conversation/transcript.js";

/** The name of the draft that is being written. */
export const DRAFT = "draft";
/** Where texts that wait are kept, as a draft would be. */
export const EARLY = "early";

export class Beginning {
    readonly #device: Device | undefined;
    readonly #drafts: Drafts;
    /** Whether a contact was asked for. */
    #asked = false;
    #texts: EarlyText[] = [];

    /** What waited when the page was left is a draft again. */
    constructor(device: Device | undefined, drafts: Drafts) {
        this.#device = device;
        this.#drafts = drafts;
        const left = drafts.get(EARLY);
        if (left !== "") drafts.giveBack(DRAFT, left);
        this.#keep();
    }

    /** The texts that wait. */
    get texts(): readonly EarlyText[] {
        return this.#texts;
    }

    /**
     * Lets a text wait, and asks for a contact if nothing waited before. The page's token says who the
     * visitor is, if it wants to say it; its details go with the contact.
     *
     * Throws SottovoceError `not-identified` where the page has no token, and what `command` throws.
     */
    async add(text: string, entryPoint: string, identify: Identify | undefined, details: Detail[]): Promise<void> {
        this.#texts.push({ key: crypto.randomUUID(), text });
        this.#keep();
        if (this.#asked) return;
        this.#asked = true;
        try {
            const identity = identify && (await this.#identity(identify));
            await this.#device?.command({
                type: "start",
                entryPoint,
                details,
                ...(identity === undefined ? {} : { identity }),
            });
        } catch (error) {
            this.giveUp();
            throw error;
        }
    }

    /** The contact is there: the texts are the caller's to send. */
    take(): readonly EarlyText[] {
        const texts = this.#texts;
        this.#texts = [];
        this.#asked = false;
        this.#keep();
        return texts;
    }

    /** No contact came of it: the texts are a draft again. */
    giveUp(): void {
        for (const { text } of this.take().toReversed()) this.#drafts.giveBack(DRAFT, text);
    }

    async #identity(identify: Identify): Promise<string> {
        const device = await this.#ownDevice();
        try {
            return await identify(device);
        } catch (cause) {
            throw new SottovoceError("not-identified", `The page gave no token (${codeOf(cause)}).`, { cause });
        }
    }

    /** The own device's name, as soon as it is known. */
    #ownDevice(): Promise<string> {
        return new Promise((resolve) => {
            const look = () => {
                const own = this.#device?.state.account?.own.device;
                if (own === undefined) return false;
                resolve(own);
                return true;
            };
            if (look()) return;
            const stop = this.#device?.subscribe(() => look() && stop?.());
        });
    }

    #keep(): void {
        this.#drafts.set(EARLY, this.#texts.map(({ text }) => text).join("\n"));
    }
}
