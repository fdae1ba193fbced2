// Opens a notebook in JupyterLab, runs all of its cells, and then types into the last one, with Tab and Shift-Tab.
//
// usage: node type_and_tab.mjs CHROMIUM URL SCREENSHOTS
// Makes the screenshots SCREENSHOTS-{completer,tooltip,doc}.png, and prints a JSON object: what the completer offered, what
// stood in the cell when the first of it was chosen, what the tooltip said, and what a `:doc` cell shows.

import { launch } from "./page.mjs";

const [executablePath, url, screenshots] = process.argv.slice(2);

const browser = await launch(executablePath);
const page = await browser.newPage({ viewport: { width: 1100, height: 700 } });
try {
  // A guard against a hang; what is waited for is always something on the page.
  page.setDefaultTimeout(300_000);
  await page.goto(url);
  const notebook = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)");
  await notebook.locator(".jp-CodeCell").first().waitFor();
  await idle();
  await menu("Run", "Run All Cells");
  await notebook.locator(".jp-InputPrompt", { hasText: /^\[1\]:$/ }).waitFor();
  await idle();

  const cell = notebook.locator(".jp-CodeCell").last();
  await cell.locator(".cm-content").click();
  await page.keyboard.type("pla");
  await page.keyboard.press("Tab");
  const completer = page.locator(".jp-Completer:not(.lm-mod-hidden)");
  await completer.locator(".jp-Completer-item").first().waitFor();
  const offered = await completer.locator(".jp-Completer-item").evaluateAll((items) =>
    items.map((item) => [...item.querySelectorAll(".jp-Completer-match, .jp-Completer-typeExtended")].map((part) => part.textContent.trim())),
  );
  await page.screenshot({ path: `${screenshots}-completer.png` });
  await page.keyboard.press("Enter");
  await completer.waitFor({ state: "hidden" });
  const chosen = await cell.locator(".cm-content").innerText();

  await page.keyboard.type(".moved(");
  await page.keyboard.press("Shift+Tab");
  const tooltip = page.locator(".jp-Tooltip");
  await tooltip.waitFor();
  const told = await tooltip.innerText();
  await page.screenshot({ path: `${screenshots}-tooltip.png` });
  await page.keyboard.press("Escape");
  await tooltip.waitFor({ state: "hidden" });

  await cell.locator(".cm-content").click();
  await page.keyboard.press("Control+a");
  await page.keyboard.type(":doc Place");
  await page.keyboard.press("Shift+Enter");
  const output = notebook.locator(".jp-OutputArea-output", { hasText: "Somewhere." });
  await output.waitFor();
  const documented = await output.innerText();
  await page.screenshot({ path: `${screenshots}-doc.png` });
  console.log(JSON.stringify({ offered, chosen, told, documented }));

  // The status bar tells it; the mark above the notebook says idle also while there is no kernel yet.
  async function idle() {
    await page.locator("#jp-main-statusbar", { hasText: "Rust (Kissaten) | Idle" }).waitFor();
  }

  async function menu(bar, ...items) {
    await page.locator(".lm-MenuBar-itemLabel", { hasText: new RegExp(`^${bar}$`) }).click();
    for (const item of items) await page.locator(".lm-Menu-itemLabel", { hasText: new RegExp(`^${item}$`) }).click();
  }
} catch (error) {
  await page.screenshot({ path: `${screenshots}-failed.png` });
  throw error;
} finally {
  await browser.close();
}
