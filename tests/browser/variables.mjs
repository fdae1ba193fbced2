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
const rows = async () => (await panel.innerText()).split("\n").map((line) => line.trim()).filter(Boolean);
try {
  await lab.start(0);
  await lab.ended(0);
  await lab.panel.locator(".jp-DebuggerBugButton").click();
  await panel.getByText("order", { exact: true }).waitFor();
  seen.listed = await rows();
  await panel.locator("li", { hasText: "order" }).locator("svg, [data-icon], .jp-icon3").first().click();
  await panel.getByText("drinks").first().waitFor();
  seen.unfolded = await rows();
  await page.screenshot({ path: `${screenshots}-variables.png` });
  await lab.start(1);
  await lab.ended(1);
  await panel.getByText("cups", { exact: true }).waitFor();
  seen.later = await rows();
  console.log(JSON.stringify(seen));
} catch (error) {
  await page.screenshot({ path: `${screenshots}-variables-failed.png` });
  console.error(JSON.stringify(seen), await panel.innerHTML().catch(() => ""));
  throw error;
} finally {
  await browser.close();
}
