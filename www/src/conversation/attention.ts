/** Calls the visitor back: the page's title counts what was not seen, and a short sound is heard. */

const COUNTED = /^\(\d+\) /;

export class Attention {
    readonly #sounds: () => boolean;
    #count = 0;
    #audio: AudioContext | undefined;
    /** Puts the count back when the page changes its title. */
    readonly #titles = new MutationObserver(() => this.#write());

    /** Is told whether a sound is wanted. */
    constructor(sounds: () => boolean) {
        this.#sounds = sounds;
    }

    /** Shows how much was not seen. Only the tab that leads calls with more than none. */
    show(count: number): void {
        if (count === this.#count) return;
        if (count > this.#count) this.#sound();
        this.#count = count;
        this.#titles.disconnect();
        this.#write();
        if (count > 0) this.#titles.observe(document.head, { childList: true, subtree: true, characterData: true });
    }

    stop(): void {
        this.show(0);
        void this.#audio?.close();
        this.#audio = undefined;
    }

    #write(): void {
        const plain = document.title.replace(COUNTED, "");
        const wanted = this.#count === 0 ? plain : `(${this.#count}) ${plain}`;
        if (document.title !== wanted) document.title = wanted;
    }

    /** Two soft notes. Browsers let pages sound only after a person has touched them. */
    #sound(): void {
        if (!this.#sounds() || navigator.userActivation?.hasBeenActive === false) return;
        try {
            const audio = (this.#audio ??= new AudioContext());
            const gain = audio.createGain();
            const start = audio.currentTime;
            gain.gain.setValueAtTime(0.08, start);
            gain.gain.exponentialRampToValueAtTime(0.001, start + 0.4);
            gain.connect(audio.destination);
            for (const [pitch, after] of [[660, 0], [880, 0.12]] as const) {
                const note = audio.createOscillator();
                note.frequency.value = pitch;
                note.connect(gain);
                note.start(start + after);
                note.stop(start + after + 0.25);
            }
        } catch {
            // Where there is no sound, the count is enough.
        }
    }
}
