// Opens JupyterLab's panel of variables and reads it.
//
// usage: node variables.mjs CHROMIUM URL SCREENSHOTS
// Prints a JSON object: the rows of the panel when the cells have run, when one of them is unfolded, and when one more has run.

import { open } from "./page.mjs";

const [executablePath, url, screenshots] = process.argv.slice(2);
const seen = {};
const lab = await open(executablePath, url, 1400);
const { page, browser } = lab;
// The panel draws them as a tree, names and values.
const panel = page.locator(".jp-DebuggerVariables");
const rows = async () => await panel.locator("jp-tree-item").evaluateAll((all) => all.map((row) => row.textContent));
const names = (name) => panel.locator(".jp-DebuggerVariables-name", { hasText: new RegExp(`^${name}$`) }).first();
try {
  await lab.start(0);
  await lab.ended(0);
  await lab.panel.locator(".jp-DebuggerBugButton").click();
  await page.locator('.jp-SideBar.jp-mod-right [data-id="jp-debugger-sidebar"]').click();
  await names("order").waitFor();
  seen.listed = await rows();
  await panel.locator("jp-tree-item", { hasText: "order" }).first().click();
  await page.keyboard.press("ArrowRight");
  await names("drinks").waitFor();
  seen.unfolded = await rows();
  await page.screenshot({ path: `${screenshots}-variables.png` });
  await lab.start(1);
  await lab.ended(1);
  await names("cups").waitFor();
  seen.later = await rows();
  console.log(JSON.stringify(seen));
} catch (error) {
  await page.screenshot({ path: `${screenshots}-variables-failed.png` });
  console.error(JSON.stringify(seen), await panel.innerHTML().catch(() => ""));
  throw error;
} finally {
  await browser.close();
}
