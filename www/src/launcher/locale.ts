/** Which language the chat speaks, and the few words that are needed before it is loaded. */

import type { Locale } from "sottovoce/widget";

interface Words {
    us: string;
    label: (brand: string) => string;
    unread: (count: number) => string;
    unavailable: string;
}

export const WORDS: Readonly<Record<Locale, Words>> = {
    en: {
        us: "us",
        label: (brand) => `Chat with ${brand}`,
        unread: (count) => `${count} unread`,
        unavailable: "The chat could not be loaded. Please try again later.",
    },
    it: {
        us: "noi",
        label: (brand) => `Chatta con ${brand}`,
        unread: (count) => `${count} da leggere`,
        unavailable: "Non è stato possibile caricare la chat. Riprova più tardi.",
    },
    ar: {
        us: "فريقنا",
        label: (brand) => `محادثة مع ${brand}`,
        unread: (count) => `غير المقروء: ${count}`,
        unavailable: "تعذّر تحميل المحادثة. يُرجى المحاولة لاحقًا.",
    },
    ja: {
        us: "サポート",
        label: (brand) => `${brand}とチャット`,
        unread: (count) => `未読${count}件`,
        unavailable: "チャットを読み込めませんでした。しばらくしてからもう一度お試しください。",
    },
};

/** The attribute's language, the page's, or the first that the browser prefers. */
export function localeOf(element: Element): Locale {
    const wanted = [element.getAttribute("locale"), document.documentElement.lang, ...navigator.languages];
    for (const tag of wanted) {
        const [language = ""] = (tag ?? "").toLowerCase().split("-");
        if (Object.hasOwn(WORDS, language)) return language as Locale;
    }
    return "en";
}
