/** Rendered on the server: the chat is in the page's markup, and comes alive in the browser. */

import { Chat } from "./chat";

type Given = Promise<Record<string, string | string[] | undefined>>;

export default async function Page({ searchParams }: { searchParams: Given }) {
    const { account = "", relay = "" } = await searchParams;
    return (
        <main>
            <h1>A shop</h1>
            <Chat account={String(account)} relay={String(relay)} />
        </main>
    );
}
