/**
 * Puts the chat on the page as a shop would: one script element. A real shop writes its values
 * into the page; the demo's differ with each account, so they stand in `config.json`.
 */

interface ShopConfig {
    account: string;
    entryPoint: string;
    name?: string;
    relay?: string;
    widget?: string;
}

async function embed(): Promise<void> {
    const answer = await fetch("./config.json", { cache: "no-cache" });
    const config = (await answer.json()) as ShopConfig;
    const script = document.createElement("script");
    script.async = true;
    script.src = config.widget ?? "/widget/loader.js";
    script.dataset.account = config.account;
    script.dataset.entryPoint = config.entryPoint;
    script.dataset.name = config.name ?? "Alba Ceramics";
    if (config.relay !== undefined) script.dataset.relay = config.relay;
    document.head.append(script);
}

void embed();
