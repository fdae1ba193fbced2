// JupyterLab, and Notebook 7, in a browser as a user has them: a notebook is open, its menus and keys are used, and what the page
// shows is told.
//
// Nothing here waits for time; what is waited for is always something on the page.

import { tmpdir } from "node:os";

import { chromium } from "playwright-core";

// Opens a notebook and waits until its kernel is ready. `height`: of the page. JupyterLab leaves out cells that cannot be
// seen, so a page has to be as high as the notebook if all of it is to be looked at.
export async function open(executablePath, url, height) {
  const browser = await launch(executablePath);
  return await openIn(browser, await newPage(browser, height), url);
}

export async function launch(executablePath) {
  // Chromium does not start its sandbox as root, which CI containers are.
  return await chromium.launch({
    executablePath,
    args: [
      "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync",
    ],
    // Its crash reports would be left in the user's own folder.
    env: { ...process.env, XDG_CONFIG_HOME: tmpdir() },
  });
}

export async function newPage(browser, height) {
  const page = await browser.newPage({ viewport: { width: 1280, height } });
  // A guard against a hang.
  page.setDefaultTimeout(300_000);
  return page;
}

// The same in a tab that is there.
export async function openIn(browser, page, url) {
  await page.addInitScript(() => {
    const cells = ".jp-NotebookPanel:not(.lm-mod-hidden) .jp-CodeCell .jp-InputPrompt";
    window.prompts = () => [...document.querySelectorAll(cells)].map((prompt) => prompt.textContent.trim());
  });
  const lab = new Notebook(browser, page, !new URL(url).pathname.startsWith("/notebooks/"));
  try {
    await page.goto(url);
    await lab.cell(0).waitFor();
    await lab.idle();
  } catch (error) {
    await browser.close();
    throw error;
  }
  return lab;
}

class Notebook {
  constructor(browser, page, hasStatusBar) {
    this.browser = browser;
    this.page = page;
    this.hasStatusBar = hasStatusBar;
    this.panel = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)");
  }

  // A code cell, counted from 0 and without those that are not code.
  cell(index) {
    return this.panel.locator(".jp-CodeCell").nth(index);
  }

  // The status bar tells it; the mark above the notebook says idle also while there is no kernel yet. Notebook 7 has no such bar, and
  // the kernel's name once there is one.
  async idle() {
    if (!this.hasStatusBar) {
      await this.page.locator(".jp-NotebookPanel .jp-KernelName:visible", { hasText: "Rust (Kissaten)" }).waitFor();
      await this.panel.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]').waitFor({ state: "attached" });
      return;
    }
    await this.page.locator("#jp-main-statusbar", { hasText: "Rust (Kissaten) | Idle" }).waitFor();
  }

  async menu(bar, ...items) {
    await this.page.locator(".lm-MenuBar-itemLabel", { hasText: new RegExp(`^${bar}$`) }).click();
    for (const item of items) await this.page.locator(".lm-Menu-itemLabel", { hasText: new RegExp(`^${item}$`) }).click();
  }

  async runAll() {
    // A notebook is opened with the numbers that it was saved with.
    await this.menu("Edit", "Clear Outputs of All Cells");
    await this.page.waitForFunction(() => !/\d/.test(window.prompts().join()));
    await this.menu("Run", "Run All Cells");
    await this.allEnded();
  }

  async restartAndRunAll() {
    await this.menu("Kernel", "Restart Kernel and Run All Cells…");
    const before = (await this.prompts()).join();
    await this.page.locator(".jp-Dialog button.jp-mod-accept").click();
    // The restart takes the numbers away.
    await this.page.waitForFunction((before) => window.prompts().join() !== before, before);
    await this.allEnded();
  }

  // Every cell has its number. That none is marked with [*] any more does not say so: at a cell that fails, JupyterLab takes
  // the marks of all others away, also where the failure is allowed and they go on.
  async allEnded() {
    await this.page.waitForFunction(() => window.prompts().every((prompt) => /^\[\d+\]:$/.test(prompt)));
    await this.idle();
  }

  async prompts() {
    return await this.page.evaluate(() => window.prompts());
  }

  // Runs one cell as Shift-Enter does, without waiting for it.
  async start(index) {
    await this.cell(index).locator(".cm-content").click();
    await this.page.keyboard.press("Shift+Enter");
  }

  async ended(index) {
    await this.cell(index).locator(".jp-InputPrompt", { hasText: /^\[\d+\]:$/ }).waitFor();
    await this.idle();
  }

  // The ■ of the toolbar.
  async interrupt() {
    await this.panel.locator('.jp-Toolbar [data-command="notebook:interrupt-kernel"]').first().click();
  }

  // What is in each code cell.
  async cells() {
    return await this.panel.locator(".jp-CodeCell").evaluateAll((all) =>
      all.map((cell) => ({
        prompt: cell.querySelector(".jp-InputPrompt").textContent.trim(),
        source: cell.querySelector(".jp-InputArea-editor .cm-content").innerText,
        outputs: [...cell.querySelectorAll(".jp-OutputArea-output")].map((output) => output.innerText),
        tables: [...cell.querySelectorAll(".jp-OutputArea-output table")].map((table) =>
          [...table.rows].map((row) => [...row.cells].map((field) => field.innerText)),
        ),
        timelines: cell.querySelectorAll('.jp-OutputArea-output svg[role="img"]').length,
        coloured: cell.querySelectorAll(".jp-InputArea-editor .cm-content span[class]").length > 0,
      })),
    );
  }

  async kernel() {
    return await this.panel.locator(".jp-KernelName").innerText();
  }
}
