// Opens a notebook in JupyterLab as a user would, runs all its cells from the menu, and writes down what the page shows.
//
// The page is so high that JupyterLab, which leaves out what cannot be seen, shows all of the notebook.
//
// usage: node run_notebook.mjs CHROMIUM URL SCREENSHOT
// Prints a JSON array with one object per code cell: its prompt, its source and the text of its outputs.

import { chromium } from "playwright-core";

const [executablePath, url, screenshot] = process.argv.slice(2);

// Chromium does not start its sandbox as root, which CI containers are.
const browser = await chromium.launch({
  executablePath,
  args: [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
  ],
});
const page = await browser.newPage({ viewport: { width: 1280, height: 7000 } });
try {
  // A guard against a hang; what is waited for is always something on the page.
  page.setDefaultTimeout(300_000);
  await page.goto(url);
  const notebook = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)");
  await notebook.locator(".jp-CodeCell").first().waitFor();
  await idle();
  await page.locator(".lm-MenuBar-itemLabel", { hasText: /^Run$/ }).click();
  await page.locator(".lm-Menu-itemLabel", { hasText: /^Run All Cells$/ }).click();
  // All cells are marked with [*] at once; one that has ended has a number, and one that was not run has nothing.
  await page.waitForFunction(() => {
    const prompts = [...document.querySelectorAll(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-CodeCell .jp-InputPrompt")];
    const texts = prompts.map((prompt) => prompt.textContent.trim());
    return texts.some((text) => /^\[\d+\]:$/.test(text)) && !texts.includes("[*]:");
  });
  await idle();
  const cells = await notebook.locator(".jp-CodeCell").evaluateAll((all) =>
    all.map((cell) => ({
      prompt: cell.querySelector(".jp-InputPrompt").textContent.trim(),
      source: cell.querySelector(".jp-InputArea-editor .cm-content").innerText,
      outputs: [...cell.querySelectorAll(".jp-OutputArea-output")].map((output) => output.innerText),
      coloured: cell.querySelectorAll(".jp-InputArea-editor .cm-content span[class]").length > 0,
    })),
  );
  const end = await notebook.locator(".jp-Cell").last().boundingBox();
  await page.screenshot({ path: screenshot, clip: { x: 0, y: 0, width: 1280, height: end.y + end.height } });
  console.log(JSON.stringify({ kernel: await notebook.locator(".jp-KernelName").innerText(), cells }));

  // The status bar tells it; the mark above the notebook says idle also while there is no kernel yet.
  async function idle() {
    await page.locator("#jp-main-statusbar", { hasText: "Rust (Kissaten) | Idle" }).waitFor();
  }
} catch (error) {
  await page.screenshot({ path: screenshot });
  throw error;
} finally {
  await browser.close();
}
