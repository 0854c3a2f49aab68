import { openAccount, signIn } from "./account.mjs";
import { launch } from "./site.mjs";
import { readFileSync } from "node:fs";
const browser = await launch();
const account = await openAccount();
try {
    const ada = await signIn(browser, account.console("Ada"));
    for (let round = 0; round < 4; round += 1) {
        const visitor = await (await browser.newContext()).newPage();
        await visitor.goto(account.shop);
        const devtools = await visitor.context().newCDPSession(visitor);
        await devtools.send("Emulation.setCPUThrottlingRate", { rate: 4 });
        await browser.startTracing(visitor, { path: `/tmp/trace${round}.json`, categories: ["devtools.timeline", "v8.execute", "disabled-by-default-v8.compile", "toplevel", "v8", "disabled-by-default-devtools.timeline", "disabled-by-default-v8.cpu_profiler"] });
        await visitor.getByTestId("launcher").click();
        await visitor.locator("[data-testid=panel][data-tab=leading]").waitFor();
        await visitor.waitForTimeout(1500);
        await browser.stopTracing();
        const { traceEvents } = JSON.parse(readFileSync(`/tmp/trace${round}.json`, "utf8"));
        const main = traceEvents.filter((e) => e.ph === "X" && e.dur > 1500);
        const tasks = main.filter((e) => /RunTask|ThreadControllerImpl::RunTask/.test(e.name) && e.dur > 30000);
        for (const task of tasks) {
            console.log(`round ${round} task ${(task.dur / 1000).toFixed(0)} ms at ${((task.ts - traceEvents.find((e) => e.ts > 0).ts) / 1000).toFixed(0)} thread ${task.tid}`);
            for (const e of main.filter((e) => e.tid === task.tid && e.pid === task.pid && e !== task && e.ts >= task.ts && e.ts + e.dur <= task.ts + task.dur)) {
                console.log(`    ${((e.ts - task.ts) / 1000).toFixed(1)} +${(e.dur / 1000).toFixed(1)} ${e.name} ${JSON.stringify(e.args?.data ?? e.args).slice(0, 180)}`);
            }
        }
    }
} finally {
    await browser.close();
    await account.close();
}
