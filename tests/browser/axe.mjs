/** What axe-core finds in a page that is open. */

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

/** @import { Page } from "playwright-core" */

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/**
 * What somebody cannot perceive or use (WCAG 2.2 A and AA), by axe's rules.
 * @param {Page} page
 * @param {string} part A selector.
 * @returns {Promise<string[]>}
 */
export async function violations(page, part) {
    await page.evaluate(await readFile(AXE, "utf8"));
    return page.evaluate(
        async ({ part, runOnly }) => {
            const axe = Reflect.get(window, "axe");
            const { violations } = await axe.run(part, { runOnly, resultTypes: ["violations"] });
            return violations.map(
                (/** @type {any} */ { id, nodes }) =>
                    `${id}: ${nodes.map((/** @type {any} */ one) => one.html).join(" ").slice(0, 300)}`,
            );
        },
        { part, runOnly: RULES },
    );
}
