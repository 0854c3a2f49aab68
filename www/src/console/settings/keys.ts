/** The account's key manager: whose it is, where it answers, what is archived there, whether it works. */

import { html, nothing, type TemplateResult } from "lit-html";
import type { KeyManagerCheck, SettingsView } from "sottovoce";
import { command, copyField } from "./copy.js";
import { Form, Invalid, optionalTextOf } from "./form.js";
import type { Scene, Section } from "./settings.js";
import { saved } from "./words.js";

export class KeyManagerSection implements Section {
    readonly #scene: Scene;
    readonly #form: Form;
    readonly #test: Form;
    #checks: KeyManagerCheck[] | undefined;

    constructor(scene: Scene) {
        this.#scene = scene;
        this.#form = new Form("keys", scene.refresh);
        this.#test = new Form("test", scene.refresh);
    }

    page(view: SettingsView): TemplateResult {
        return html`<p class="lead" data-testid="keys-state">${state(view)}</p>
            ${view.keyManager === undefined ? nothing : copyField("identity", "Identity", view.keyManager.identity)}
            ${this.#naming(view)} ${this.#settings(view)}
            ${view.keyManager === undefined ? nothing : this.#testing(view)}`;
    }

    /** Which key manager it is stands in the root statement, which no browser can sign. */
    #naming(view: SettingsView): TemplateResult {
        const { account, relay } = this.#scene;
        const run = [
            ...(view.keyManager === undefined ? [`sottovoce keymanager create --dir keys --account=${account}`] : []),
            "sottovoce account key-manager --dir account --identity=IDENTITY --operator customer",
            `sottovoce policy publish --dir account --relay ${new URL(relay).origin}`,
        ];
        return html`<details ?open=${view.keyManager === undefined}>
            <summary>${view.keyManager === undefined ? "Name a key manager" : "Name another one"}</summary>
            <p class="explain">
                Which key manager counts, and who operates it, is signed by the account’s root key. That is done where the
                root key is kept, with
                <code>--operator customer</code> for one that your organisation runs, <code>platform</code> for one that
                whoever runs the relay runs.
                ${view.keyManager === undefined ? "" : "Another key manager voids the keys of the one before: close what is open first."}
            </p>
            ${command(run.join("\n"))}
        </details>`;
    }

    #settings(view: SettingsView): TemplateResult {
        const named = view.keyManager !== undefined;
        const refused = archiveRefused(view);
        return html`<form novalidate @submit=${this.#form.submit((data) => this.#save(view, data))}>
            <h2>Use</h2>
            ${this.#form.text("key-manager-url", "Where it answers", view.keyManagerUrl ?? "", {
                type: "url",
                maxlength: 1024,
                hint: "Begins with https://; the relay carries requests there, sealed. Empty for none.",
            })}
            ${this.#form.check(
                "archive",
                "Archive new chats",
                view.archive === "keyManager",
                refused ?? "Closed chats can be opened through the key manager, with a reason that is recorded. Visitors are told so before they write.",
                !named || (refused !== undefined && view.archive === "none"),
            )}
            ${this.#form.check(
                "last-resort",
                "Let chats begin when the key manager’s keys issued ahead are used up",
                view.lastResort,
                "They begin on a key of all, until somebody answers. Without this, nobody can begin a chat then.",
                !named,
            )}
            ${this.#form.end("Sign and publish")}
        </form>`;
    }

    async #save(view: SettingsView, data: FormData): Promise<string> {
        const url = optionalTextOf(data, "key-manager-url");
        if (url !== "" && !URL.canParse(url)) throw new Invalid("key-manager-url", "It must be an address that begins with https://.");
        const archive = data.get("archive") === null ? "none" : "key-manager";
        const before = view.archive === "keyManager" ? "key-manager" : "none";
        const lastResort = data.get("last-resort") !== null;
        if (archive === "key-manager" && url === "") {
            throw new Invalid("key-manager-url", "An archive needs an address where the key manager answers.");
        }
        const settings = [
            ...(url === (view.keyManagerUrl ?? "") ? [] : [`key-manager-url=${url === "" ? "none" : url}`]),
            ...(archive === before || view.keyManager === undefined ? [] : [`archive=${archive}`]),
            ...(lastResort === view.lastResort || view.keyManager === undefined ? [] : [`last-resort=${lastResort ? "yes" : "no"}`]),
        ];
        if (settings.length === 0) return "Nothing was changed.";
        await this.#scene.administration.change(settings);
        return saved(this.#scene.device.state.settings);
    }

    #testing(view: SettingsView): TemplateResult {
        const test = async () => {
            this.#checks = undefined;
            this.#checks = await this.#scene.administration.testKeyManager();
            const failed = this.#checks.filter(({ passed }) => !passed).length;
            if (failed === 0) return "Everything is as it has to be.";
            this.#test.say(false, failed === 1 ? "One thing is not as it has to be." : `${failed} things are not as they have to be.`);
            return undefined;
        };
        return html`<section aria-labelledby="test-title">
            <h2 id="test-title">Test the connection</h2>
            <p class="explain">
                This browser asks the key manager through the relay, as clients do. The keys that it issues are used for
                chats to come; the questions stand in its log.
            </p>
            <button
                type="button"
                class="plain"
                aria-disabled=${this.#test.busy || view.keyManagerUrl === undefined}
                data-testid="test-send"
                @click=${() => void this.#test.run(test)}
            >
                Test connection
            </button>
            ${this.#test.outcome()}
            ${this.#checks === undefined
                ? nothing
                : html`<ul class="checks" data-testid="checks">
                      ${this.#checks.map(check)}
                  </ul>`}
        </section>`;
    }
}

function check({ name, passed, detail, millis }: KeyManagerCheck): TemplateResult {
    return html`<li data-passed=${passed} data-check=${name} data-testid="check">
        <span aria-hidden="true">${passed ? "✓" : "✗"}</span>
        <div>
            <strong>${CHECKS[name]}</strong> <span class="hidden">${passed ? "passed" : "failed"}</span>
            ${millis > 0 ? html`<small>${millis} ms</small>` : nothing}
            ${passed ? nothing : html`<p>${FAULTS[detail] ?? `It answered “${detail}”.`}</p>`}
        </div>
    </li>`;
}

const CHECKS: Readonly<Record<KeyManagerCheck["name"], string>> = {
    unknown: "It answers, signed by its identity, that it does not know a chat that there is not",
    replay: "It refuses the same request a second time",
    late: "It refuses a request that is too old",
    keys: "It issues keys that clients may seal to",
    speed: "It answers within 250 ms",
};

/** What it did instead. */
const FAULTS: Readonly<Record<string, string>> = {
    "key-manager-missing": "The account’s rules say nowhere to ask.",
    "not-signed": "What answers there is not the key manager that the root key names.",
    "bad-signature": "The answer is not signed by the identity that the root key names.",
    denied: "It refused. Do its rules name this device’s role?",
    granted: "It granted what it has to refuse.",
    malformed: "It could not read what this browser sent, or its answer does not fit.",
    slow: "It took longer.",
    throttled: "It was asked too often. Wait a minute, then try again.",
    unavailable: "It cannot be reached: is it running, and does the relay reach that address?",
};

function state({ keyManager, keyManagerUrl, archive }: SettingsView): string {
    if (keyManager === undefined) {
        return "The account has no key manager. Chats at “Encrypted where it is stored” need one, and so does an archive.";
    }
    const whose =
        keyManager.operator === "customer"
            ? "External: your organisation runs the key manager, so the service has no keys of it."
            : "Internal: whoever runs the service runs the key manager too.";
    const where = keyManagerUrl === undefined ? "It has no address yet, so nobody can ask it." : "";
    const what = archive === "keyManager" ? "New chats are archived there." : "Nothing is archived there.";
    return [whose, where, what].filter((part) => part !== "").join(" ");
}

/** Why nothing can be archived. */
function archiveRefused(view: SettingsView): string | undefined {
    if (view.keyManager === undefined) return "There is no key manager yet.";
    const e2ee = view.entryPoints.some(({ level }) => level === "e2ee");
    if (view.keyManager.operator === "platform" && e2ee) {
        return "The service runs this key manager: an archive there would not be end-to-end encrypted, so clients refuse it.";
    }
    return undefined;
}
