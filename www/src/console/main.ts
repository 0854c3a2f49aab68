/** Starts the console: asks who this is, then shows the desk. */

import { html, render } from "lit-html";
import { Device } from "sottovoce";
import { init } from "sottovoce/staff";
import wasm from "sottovoce/staff.wasm?url";
import { failure } from "../conversation/phrases.js";
import { Desk } from "./desk.js";
import {
    loadConfiguration,
    rememberName,
    rememberedName,
    takeInvitation,
    type Configuration,
} from "./configuration.js";

async function start(): Promise<void> {
    const configuration = await loadConfiguration();
    const { invitation, name } = takeInvitation();
    const known = rememberedName();
    const exists = await Device.exists({ account: configuration.account, kind: staff("") });
    if (exists && known !== undefined) open(configuration, known, invitation);
    else if (invitation !== undefined && name !== undefined) open(configuration, name, invitation);
    else askForName(configuration, invitation, name ?? known ?? "");
}

function staff(name: string, invitation?: string) {
    const kind = { type: "staff", name } as const;
    return invitation === undefined ? kind : { ...kind, invitation };
}

function open(configuration: Configuration, name: string, invitation: string | undefined): void {
    rememberName(name);
    const device = new Device({
        ...configuration,
        kind: staff(name, invitation),
        load: () => init(new URL(wasm, import.meta.url)),
    });
    new Desk(device, configuration, document.body);
}

function askForName(configuration: Configuration, invitation: string | undefined, name: string): void {
    const submit = (event: SubmitEvent) => {
        event.preventDefault();
        const field = (event.target as HTMLFormElement).querySelector("input");
        const given = field?.value.trim() ?? "";
        if (given !== "") open(configuration, given, invitation);
    };
    render(
        html`<main class="welcome">
            <h1>Sottovoce console</h1>
            <form @submit=${submit}>
                <label for="name">Your name, as visitors will read it</label>
                <input id="name" autocomplete="name" maxlength="64" required data-testid="name" .value=${name} />
                <button class="primary" data-testid="begin">
                    ${invitation === undefined ? "Ask to join" : "Join"}
                </button>
            </form>
            <p class="explain">
                This browser makes its own keys, which never leave it. An administrator of the account then
                approves it.
            </p>
        </main>`,
        document.body,
    );
}

start().catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : failure("unexpected");
    render(html`<main class="welcome"><h1>Sottovoce console</h1><p role="alert">${reason}</p></main>`, document.body);
});
