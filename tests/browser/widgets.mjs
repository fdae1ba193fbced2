// Uses widgets in JupyterLab as a user does: with keys, with the mouse, in two tabs, after a reload, when their kernel is gone.
//
// usage: node widgets.mjs CHROMIUM ADDRESS NOTEBOOK SCREENSHOTS
// The notebook's cells are those of test_widgets.py. Prints a JSON object of what was seen.

import { open, openIn } from "./page.mjs";

const [executablePath, address, notebook, screenshots] = process.argv.slice(2);
const seen = {};

// What a slider says beside itself.
const readout = (lab) => lab.cell(0).locator(".widget-readout");
const reads = (lab, value) => readout(lab).filter({ hasText: new RegExp(`^${value}$`) }).waitFor();
const shows = (lab, index, text) => lab.cell(index).locator(".jp-OutputArea-output", { hasText: text }).first().waitFor();
const handle = (lab) => lab.cell(0).locator(".noUi-handle");
const press = async (lab, key, times) => {
  await handle(lab).focus();
  for (let n = 0; n < times; n++) await lab.page.keyboard.press(key);
};

const lab = await open(executablePath, `${address}/lab/tree/${notebook}`, 2000);
const { page, browser } = lab;
try {
  await lab.start(0);
  await lab.ended(0);
  await press(lab, "ArrowRight", 3);
  await shows(lab, 0, "cups: 3");

  // A drag while a cell awaits a click, and the click.
  await lab.start(1);
  await shows(lab, 1, "runs");
  const box = await handle(lab).boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.mouse.down();
  await page.mouse.move(box.x + 600, box.y + box.height / 2, { steps: 20 });
  await page.mouse.up();
  await shows(lab, 0, "cups: 10");
  await reads(lab, 10);
  seen.whileItRuns = (await lab.prompts())[1];
  await page.screenshot({ path: `${screenshots}-running.png` });
  await lab.cell(1).locator("button.jupyter-button", { hasText: "Stop" }).click();
  await lab.ended(1);
  seen.stopped = (await lab.cells())[1].outputs.join("\n");

  // Another tab has the same widget, and each hears of the other.
  const saved = page.waitForResponse(
    (response) => response.request().method() === "PUT" && response.url().includes("/api/contents/"),
  );
  await page.keyboard.press("Control+s");
  await saved;
  const other = await openIn(browser, await browser.newPage({ viewport: { width: 1280, height: 2000 } }), `${address}/lab/workspaces/other/tree/${notebook}`);
  await reads(other, 10);
  await press(other, "ArrowLeft", 2);
  await reads(lab, 8);
  await press(lab, "ArrowLeft", 1);
  await reads(other, 7);
  seen.twoTabs = await readout(other).innerText();
  await other.page.screenshot({ path: `${screenshots}-other.png` });
  await other.page.close();

  // A reload.
  await page.reload();
  await lab.idle();
  await reads(lab, 7);
  await press(lab, "ArrowRight", 2);
  await reads(lab, 9);
  await lab.start(2);
  await lab.ended(2);
  seen.afterReload = (await lab.cells())[2].outputs;

  // A text that is submitted.
  await lab.start(3);
  await lab.cell(3).locator("input[type=text]").fill("Ada");
  await page.keyboard.press("Enter");
  await lab.ended(3);
  seen.submitted = (await lab.cells())[3].outputs.join("\n");

  // The process of the widgets ends, and then the kernel is restarted.
  await lab.start(4);
  await lab.ended(4);
  await lab.cell(0).locator(".jupyter-widgets-disconnected").first().waitFor();
  await page.screenshot({ path: `${screenshots}-dead.png` });
  await lab.start(0);
  await lab.ended(0);
  await reads(lab, 0);
  await lab.menu("Kernel", "Restart Kernel…");
  await page.locator(".jp-Dialog button.jp-mod-accept").click();
  await lab.cell(0).locator(".jupyter-widgets-disconnected").first().waitFor();
  await lab.idle();
  await page.screenshot({ path: `${screenshots}-restarted.png` });
  console.log(JSON.stringify(seen));
} catch (error) {
  await page.screenshot({ path: `${screenshots}-failed.png` });
  console.error(JSON.stringify(seen));
  throw error;
} finally {
  await browser.close();
}
