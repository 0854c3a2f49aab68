/** The business's colour, and what is legible on it. */

/** Least contrast of text (WCAG 2.2, 1.4.3). */
const LEAST = 4.5;

/** Styles for the colour that the page gives, or none if it gives none that is understood. */
export function brandStyle(element: Element): string {
    const given = element.getAttribute("brand-color") ?? "";
    const channels = parsed(given.trim());
    if (!channels) return "";
    // White or black: one of them always reaches 4.58.
    const ink = contrast(luminance(channels), 1) >= LEAST ? "#fff" : "#000";
    return `:host{--brand:rgb(${channels.join(" ")});--brand-ink:${ink}}`;
}

function parsed(colour: string): number[] | undefined {
    const [, short, long] = /^#(?:([0-9a-f]{3})|([0-9a-f]{6}))$/i.exec(colour) ?? [];
    const hex = long ?? short?.replace(/./g, "$&$&");
    return hex?.match(/../g)?.map((pair) => Number.parseInt(pair, 16));
}

/** Relative luminance, from 0 to 1 (WCAG 2.2). */
function luminance(channels: number[]): number {
    const [red = 0, green = 0, blue = 0] = channels.map((channel) => {
        const part = channel / 255;
        return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: number, other: number): number {
    return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
}
