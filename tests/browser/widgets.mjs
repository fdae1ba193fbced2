// Uses widgets as a user does, with keys and the mouse, in two tabs, after a reload, when their kernel is gone: in JupyterLab, in
// Notebook 7 and in voila, side by side.
//
// usage: node widgets.mjs CHROMIUM ADDRESS SCREENSHOTS
// The notebooks and their cells are those of test_widgets.py. Prints a JSON object of what was seen in each.

import { launch, newPage, openIn } from "./page.mjs";

const [executablePath, address, screenshots] = process.argv.slice(2);
const browser = await launch(executablePath);

// What a page's slider is found by, whatever the frontend.
const slider = (page) => ({
  handle: page.locator(".noUi-handle").first(),
  reads: (value) => page.locator(".widget-readout", { hasText: new RegExp(`^${value}$`) }).first().waitFor(),
  // Until it stands there. A notebook that has just run a cell takes the focus once more, and then a key is not the slider's.
  async press(key, value) {
    const readout = page.locator(".widget-readout").first();
    for (let n = 0; n < 100 && (await readout.innerText()) !== String(value); n++) {
      const before = await readout.innerText();
      await this.handle.focus();
      await page.keyboard.press(key);
      const moved = page.locator(".widget-readout", { hasText: new RegExp(`^(?!${before}$)`) }).first();
      await moved.waitFor({ timeout: 500 }).catch(() => {});
    }
    await this.reads(value);
  },
  // To the right end and beyond, with the button down all the way.
  async drag() {
    const box = await this.handle.boundingBox();
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    await page.mouse.down();
    await page.mouse.move(box.x + 600, box.y + box.height / 2, { steps: 20 });
    await page.mouse.up();
  },
});
const shows = (lab, index, text) => lab.cell(index).locator(".jp-OutputArea-output", { hasText: text }).first().waitFor();

async function save(page) {
  const saved = page.waitForResponse(
    (response) => response.request().method() === "PUT" && response.url().includes("/api/contents/"),
  );
  await page.keyboard.press("Control+s");
  await saved;
}

async function inJupyterLab(page) {
  const lesson = "tree/widgets.ipynb";
  const seen = {};
  const lab = await openIn(browser, page, `${address}/lab/${lesson}`);
  const cups = slider(page);
  await lab.start(0);
  await lab.ended(0);
  await cups.press("ArrowRight", 3);
  await shows(lab, 0, "cups: 3");

  Object.assign(seen, await dragsAndStops(page, lab, cups, "lab-running"));

  // Another tab has the same widget, and each hears of the other.
  await save(page);
  const tab = await openIn(browser, await newPage(browser, 2000), `${address}/lab/workspaces/other/${lesson}`);
  const theirs = slider(tab.page);
  await theirs.reads(10);
  await theirs.press("ArrowLeft", 8);
  await cups.reads(8);
  await cups.press("ArrowLeft", 7);
  await theirs.reads(7);
  seen.twoTabs = await tab.page.locator(".widget-readout").first().innerText();
  await tab.page.close();

  // A reload.
  await page.reload();
  await lab.idle();
  await cups.reads(7);
  await cups.press("ArrowRight", 9);
  await lab.start(2);
  await lab.ended(2);
  seen.afterReload = (await lab.cells())[2].outputs;
  await page.screenshot({ path: `${screenshots}-lab.png` });

  // A text that is submitted.
  await lab.start(3);
  await lab.cell(3).locator("input[type=text]").fill("Ada");
  await page.keyboard.press("Enter");
  await lab.ended(3);
  seen.submitted = (await lab.cells())[3].outputs.join("\n");

  // The process of the widgets ends, and then the kernel is restarted.
  const dead = lab.cell(0).locator(".jupyter-widgets-disconnected").first();
  await lab.start(4);
  await lab.ended(4);
  await dead.waitFor();
  await page.screenshot({ path: `${screenshots}-lab-dead.png` });
  await lab.start(0);
  await lab.ended(0);
  await slider(page).reads(0);
  await lab.menu("Kernel", "Restart Kernel…");
  await page.locator(".jp-Dialog button.jp-mod-accept").click();
  await dead.waitFor();
  await lab.idle();
  await page.screenshot({ path: `${screenshots}-lab-restarted.png` });
  return seen;
}

// A drag while a cell awaits a click, and the click: what stood beside the cell meanwhile, and what it printed at its end.
async function dragsAndStops(page, lab, cups, picture) {
  await lab.start(1);
  await shows(lab, 1, "runs");
  await cups.drag();
  await shows(lab, 0, "cups: 10");
  await cups.reads(10);
  const whileItRuns = (await lab.prompts())[1];
  await page.screenshot({ path: `${screenshots}-${picture}.png` });
  await lab.cell(1).locator("button.jupyter-button", { hasText: "Stop" }).click();
  await lab.ended(1);
  return { whileItRuns, stopped: (await lab.cells())[1].outputs.join("\n") };
}

// With the mouse: its page (7.6) takes the arrow keys away from sliders, those of ipykernel as well.
async function inNotebook7(page) {
  const seen = {};
  const lab = await openIn(browser, page, `${address}/notebooks/notebook7.ipynb`);
  const cups = slider(page);
  await lab.start(0);
  await lab.ended(0);
  await cups.reads(0);
  Object.assign(seen, await dragsAndStops(page, lab, cups, "notebook7"));
  await save(page);
  await page.reload();
  await lab.idle();
  await cups.reads(10);
  await lab.start(2);
  await lab.ended(2);
  seen.afterReload = (await lab.cells())[2].outputs;
  return seen;
}

// voila runs the cells itself before it shows them, and each page has a kernel of its own.
async function inVoila(page) {
  const url = `${address}/voila/render/voila.ipynb`;
  await page.goto(url);
  const cups = slider(page);
  const told = (which, text) => which.locator(".widget-label", { hasText: text }).first().waitFor();
  await cups.reads(0);
  await cups.press("ArrowRight", 3);
  await told(page, "3 cups");
  await told(page, "runs");
  await cups.drag();
  await told(page, "10 cups");
  await page.locator("button.jupyter-button", { hasText: "Stop" }).click();
  await told(page, "stopped");
  await page.screenshot({ path: `${screenshots}-voila.png` });
  const other = await newPage(browser, 1000);
  await other.goto(url);
  const theirs = slider(other);
  await theirs.reads(0);
  await theirs.press("ArrowRight", 4);
  await told(other, "4 cups");
  await cups.reads(10);
  await other.close();
  await page.reload();
  await cups.reads(0);
  await cups.press("ArrowRight", 1);
  await told(page, "1 cups");
  await page.locator(".progress-bar").nth(1).waitFor({ state: "attached" });
  return { shown: await page.locator("body").innerText(), bars: await page.locator(".progress-bar").count() };
}

async function guarded(name, use) {
  const page = await newPage(browser, 2000);
  try {
    return [name, await use(page)];
  } catch (error) {
    await page.screenshot({ path: `${screenshots}-${name}-failed.png` }).catch(() => {});
    error.message = `${name}: ${error.message}`;
    throw error;
  }
}

try {
  const frontends = { lab: inJupyterLab, notebook7: inNotebook7, voila: inVoila };
  const all = await Promise.all(Object.entries(frontends).map(([name, use]) => guarded(name, use)));
  console.log(JSON.stringify(Object.fromEntries(all)));
} finally {
  await browser.close();
}
