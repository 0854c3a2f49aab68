/** The business's colour, and what is legible on it. */

/** Least contrast of text (WCAG 2.2, 1.4.3). */
const LEAST = 4.5;

/** Styles for the colour that the page gives, or none if it is not one. `probe` is an element on the page. */
export function brandStyle(colour: string | null, probe: HTMLElement): string {
    const channels = channelsOf(colour?.trim() ?? "", probe);
    if (!channels) return "";
    // White or black: one of them always reaches 4.58.
    const ink = contrast(luminance(channels), 1) >= LEAST ? "#fff" : "#000";
    const numbers = channels.map((channel) => Math.round(channel * 255));
    return `:host{--brand:rgb(${numbers.join(" ")});--brand-ink:${ink}}`;
}

/** Red, green and blue, each from 0 to 1, of any colour that the browser understands. */
function channelsOf(colour: string, probe: HTMLElement): number[] | undefined {
    if (!CSS.supports("color", colour)) return undefined;
    // However a colour is written: what is mixed is told as sRGB.
    probe.style.color = `color-mix(in srgb, ${colour}, ${colour})`;
    const [, told] = /^color\(srgb ([^/)]+)/.exec(getComputedStyle(probe).color) ?? [];
    probe.removeAttribute("style");
    return told?.trim().split(" ").map((channel) => Math.min(1, Math.max(0, Number.parseFloat(channel) || 0)));
}

/** Relative luminance, from 0 to 1 (WCAG 2.2). */
function luminance(channels: number[]): number {
    const [red = 0, green = 0, blue = 0] = channels.map((channel) =>
        channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4,
    );
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: number, other: number): number {
    return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
}
