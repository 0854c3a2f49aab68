/** What an agent does in the console with a visitor's chat, in as few words as tests need. */

/** @import { Page } from "playwright-core" */

/**
 * Opens the chat that has waited longest, and takes it.
 * @param {Page} agent
 */
export async function take(agent) {
    await agent.getByTestId("shelf-waiting").getByTestId("inbox-item").first().click();
    await agent.getByTestId("claim").click();
    await agent.locator("[data-testid=contact][data-state=open]").waitFor();
}

/**
 * Closes the chat that is open, so that the next test finds an empty desk.
 * @param {Page} agent
 */
export async function finish(agent) {
    await agent.getByTestId("close").click();
    await agent.getByTestId("close-confirm").click();
    await agent.locator("[data-testid=contact][data-state=closed]").waitFor();
}
