"use client";

/** `<sottovoce-chat>` as a React component. */

import {
    createElement,
    forwardRef,
    useEffect,
    useImperativeHandle,
    useRef,
    type ForwardRefExoticComponent,
    type RefAttributes,
} from "react";
import "sottovoce/widget";
import type { ChatAttributes, ChatEvents, ChatHandler, Identify, SottovoceChatElement } from "./widget.js";

export type ChatHandlers = { [Name in keyof ChatEvents]?: ChatHandler<Name> };

export interface SottovoceChatProps extends ChatAttributes {
    identify?: Identify;
    /** What the page says of the visitor: see `setDetails`. */
    details?: Readonly<Record<string, string>>;
    /** Handlers by the name of the event. They may differ at each rendering. */
    on?: ChatHandlers;
}

const NAMES: Readonly<Record<keyof ChatEvents, true>> = {
    ready: true,
    open: true,
    close: true,
    unread: true,
    message: true,
    "conversation:start": true,
    "conversation:end": true,
    "agent:join": true,
    "agent:leave": true,
    queue: true,
    status: true,
    security: true,
    error: true,
};

/** The chat. Its `ref` is the element, which takes the commands. */
export const SottovoceChat: ForwardRefExoticComponent<SottovoceChatProps & RefAttributes<SottovoceChatElement>> =
    forwardRef<SottovoceChatElement, SottovoceChatProps>(({ identify, details, on, ...attributes }, ref) => {
        const element = useRef<SottovoceChatElement>(null);
        const handlers = useRef(on);
        useImperativeHandle<SottovoceChatElement | null, SottovoceChatElement | null>(ref, () => element.current, []);
        useEffect(() => {
            handlers.current = on;
        });
        useEffect(() => element.current?.identify(identify), [identify]);
        // Objects differ at each rendering.
        const said = JSON.stringify(details ?? {});
        useEffect(() => element.current?.setDetails(JSON.parse(said)), [said]);
        useEffect(() => {
            const stops = (Object.keys(NAMES) as (keyof ChatEvents)[]).map((name) =>
                element.current?.on(name, (detail) => {
                    (handlers.current?.[name] as ((detail: unknown) => void) | undefined)?.(detail);
                }),
            );
            return () => stops.forEach((stop) => stop?.());
        }, []);
        return createElement("sottovoce-chat", { ...attributes, ref: element });
    });
