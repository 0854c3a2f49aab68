/** Devices: those that ask to be let in, and those that are. */

import { html, nothing, type TemplateResult } from "lit-html";
import { repeat } from "lit-html/directives/repeat.js";
import type { DeviceEntry, EnrolmentEntry, Role, SettingsView } from "sottovoce";
import { roleName } from "../../conversation/phrases.js";
import { type Choice, Form, Forms, Invalid, textOf, ticked } from "./form.js";
import type { Scene, Section } from "./settings.js";
import { ROLE_WORDS, date, list, saved, short } from "./words.js";

/** Roles that belong to no team. */
const TEAMLESS: readonly Role[] = ["vault", "auditor"];

export class DevicesSection implements Section {
    readonly #scene: Scene;
    readonly #requests: Forms;
    readonly #known: Form;

    constructor(scene: Scene) {
        this.#scene = scene;
        this.#requests = new Forms(scene.refresh);
        this.#known = new Form("devices", scene.refresh);
        scene.administration.lookUpDevices();
    }

    page(view: SettingsView): TemplateResult {
        const found = this.#scene.device.state.devices;
        if (!found) return html`<p role="status">Looking …</p>`;
        const { requests, devices } = found;
        const valid = (entry: DeviceEntry) => entry.state === "valid";
        const ended = devices.filter((entry) => !valid(entry));
        const unknown = view.revoked.filter((device) => !devices.some((entry) => entry.device === device));
        return html`<section aria-labelledby="requests-title">
                <h2 id="requests-title">Waiting to be let in</h2>
                ${requests.length === 0
                    ? html`<p class="explain" data-testid="no-requests">
                          Nobody. Whoever opens the console for the first time is asked for a name, and appears here.
                      </p>`
                    : html`<p class="explain">
                              Anybody can ask, by any name. Compare the beginning of the device with what its console
                              shows, over a channel that you trust.
                          </p>
                          ${repeat(requests, ({ device }) => device, (request) => this.#request(view, request))}`}
            </section>
            <section aria-labelledby="known-title">
                <h2 id="known-title">Let in</h2>
                ${this.#known.outcome()}
                <ul class="cards" data-testid="devices">
                    ${repeat(devices.filter(valid), ({ device }) => device, (entry) => this.#device(view, entry))}
                </ul>
            </section>
            ${ended.length + unknown.length === 0
                ? nothing
                : html`<details>
                      <summary>No longer valid (${ended.length + unknown.length})</summary>
                      <ul class="cards" data-testid="devices-ended">
                          ${repeat(ended, ({ device }) => device, (entry) => this.#device(view, entry))}
                          ${unknown.map((device) => html`<li class="card">Revoked device <code>${short(device)}</code></li>`)}
                      </ul>
                  </details>`}`;
    }

    #request(view: SettingsView, request: EnrolmentEntry): TemplateResult {
        const form = this.#requests.of(`request-${short(request.device)}`);
        const roles = Object.entries(ROLE_WORDS).filter(
            ([role]) => role === "agent" || role === "vault" || view.roles.includes(role as Role),
        );
        const teams = view.teams.map(({ id, name }): Choice => [id, name]);
        return html`<form
            novalidate
            class="card"
            data-testid="request-card"
            aria-label="Request of ${request.name}"
            @submit=${form.submit((data) => this.#approve(request, data))}
        >
            <h3>${request.name}</h3>
            <p class="explain">Device <code>${short(request.device)}</code>, asked ${date(request.time)}</p>
            ${form.text("name", "Name that visitors read", request.name)}
            ${form.text("subject", "Short name of the person", shortName(request.name), {
                hint: "The same for all devices of one person, such as ada.",
            })}
            ${form.choice("role", "Role", roles, "agent")}
            ${form.checks("teams", "Teams", teams, teams.length === 1 ? teams.map(([id]) => id) : [], "A storage server or auditor belongs to none.")}
            ${form.end("Let in for 30 days")}
        </form>`;
    }

    async #approve(request: EnrolmentEntry, data: FormData): Promise<string> {
        const name = textOf(data, "name", "It needs a name.");
        const subject = textOf(data, "subject", "It needs a short name.");
        const role = (Object.keys(ROLE_WORDS) as Role[]).find((known) => known === data.get("role"));
        if (role === undefined) throw new Invalid("role", "Choose a role.");
        const teamless = TEAMLESS.includes(role);
        const teams = teamless ? [] : ticked(data, "teams").sort();
        if (!teamless && teams.length === 0) throw new Invalid("teams", "Choose the teams that it belongs to.");
        await this.#scene.administration.approve({ request: request.request, subject, name, role, teams });
        this.#requests.forget(`request-${short(request.device)}`);
        this.#known.say(true, `${name} is let in as ${roleName(role)}.`);
        this.#scene.administration.lookUpDevices();
        return "Let in.";
    }

    #device(view: SettingsView, entry: DeviceEntry): TemplateResult {
        const { device, name, subject, role, teams, own, available } = entry;
        const administers = view.administrators.includes(device);
        const named = teams.map((id) => view.teams.find((team) => team.id === id)?.name ?? id);
        const here = own ? "this browser" : available ? "connected" : "away";
        return html`<li class="card" data-testid="device" data-device=${device} data-state=${entry.state}>
            <div>
                <strong>${name}</strong> <small>${subject}</small>
                <p>
                    ${roleName(role)}${administers ? ", administrator" : ""}${named.length === 0 ? "" : `, ${list(named)}`}
                    <br />
                    <small>
                        ${standing(entry)}${entry.state === "valid" ? `, ${here}` : ""}, device <code>${short(device)}</code>
                    </small>
                </p>
            </div>
            ${own || entry.state === "revoked"
                ? nothing
                : html`<button
                      type="button"
                      class="plain"
                      aria-label="Revoke ${name}’s device ${short(device)}"
                      data-testid="revoke"
                      @click=${() => void this.#revoke(entry, administers)}
                  >
                      Revoke
                  </button>`}
        </li>`;
    }

    async #revoke({ device, name }: DeviceEntry, administers: boolean): Promise<void> {
        const words = html`<p>
                This device is shut out at once: it can send nothing and reads nothing of what comes. What it has read
                already it may keep. Its teams make new keys.
            </p>
            ${administers
                ? html`<p>
                      It is an administrator: what it signed is void too, such as devices that it let in, which have to be
                      approved again.
                  </p>`
                : nothing}
            <p>That cannot be undone. Whoever uses it begins anew, with new keys, and is approved again.</p>`;
        if (!(await this.#scene.question.ask(`Revoke ${name}’s device?`, words, "Revoke it"))) return;
        await this.#known.run(async () => {
            await this.#scene.administration.change([`revoke=${device}`]);
            this.#scene.administration.lookUpDevices();
            return `${name}’s device is revoked. ${saved(this.#scene.device.state.settings)}`;
        });
    }
}

const ENDS: Readonly<Record<string, string>> = {
    expired: "Its time has run out",
    revoked: "Revoked",
    "not-signed": "Let in by somebody who is no administrator any more",
};

function standing({ state, expires }: DeviceEntry): string {
    return state === "valid" ? `Until ${date(expires)}` : (ENDS[state] ?? `Not valid (${state})`);
}

/** `Ada Lovelace` as `ada`. */
function shortName(name: string): string {
    const plain = name.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
    return plain.split(/\s+/)[0] ?? plain;
}
