"use client";

import { useRef, useState } from "react";
import { SottovoceChat, type ChatHandlers } from "sottovoce/react";
import type { SottovoceChatElement } from "sottovoce/widget";

export function Chat({ account, relay }: { account: string; relay: string }) {
    const chat = useRef<SottovoceChatElement>(null);
    const [last, setLast] = useState("");
    const on: ChatHandlers = { message: ({ text }) => setLast(text) };
    return (
        <>
            <button type="button" onClick={() => void chat.current?.open()}>
                Ask us
            </button>
            <output>{last}</output>
            <SottovoceChat ref={chat} account={account} relay={relay} entry-point="shop" name="ACME" on={on} />
        </>
    );
}
