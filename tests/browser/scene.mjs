/** What most files of tests begin with: a browser, an account with its relay, and an agent who is signed in. */

import { after } from "node:test";
import { openAccount, signIn } from "./account.mjs";
import { launch } from "./site.mjs";

/**
 * Begins it; it ends after the file's last test.
 * @param {Parameters<typeof launch>[0]} [options]
 * @param {Parameters<typeof openAccount>[0]} [kind]
 */
export async function scene(options, kind) {
    const browser = await launch(options);
    const account = await openAccount(kind);
    after(async () => {
        await browser.close();
        await account.close();
    });
    const ada = await signIn(browser, account.console("Ada"));
    return { browser, account, ada };
}
