// Opens a notebook in JupyterLab and does with it what a learner does, step by step.
//
// usage: node act.mjs CHROMIUM URL SCREENSHOTS STEPS
// STEPS is a JSON array of arrays: the name of a step of the table below, and what it is about. Prints a JSON array with what
// each step has to tell, and makes the screenshots SCREENSHOTS-<name>.png.

import { open } from "./page.mjs";

const [executablePath, url, screenshots, steps] = process.argv.slice(2);

const lab = await open(executablePath, url, 16000);
const { page } = lab;

const actions = {
  // Each of these two tells of all cells once they have ended.
  "run all": async () => (await lab.runAll(), await lab.cells()),
  "restart and run all": async () => (await lab.restartAndRunAll(), await lab.cells()),

  // Runs a cell, and does not wait for its end.
  start: (index) => lab.start(index),

  // Waits until a running cell shows this.
  shows: (index, text) => lab.cell(index).locator(".jp-OutputArea-output", { hasText: text }).first().waitFor(),

  // Presses ■.
  interrupt: () => lab.interrupt(),

  // Waits for a cell's end, and tells of the cell.
  ended: async (index) => (await lab.ended(index), (await lab.cells())[index]),

  // Types this at the end of a cell, presses Tab, and tells what is offered.
  complete: async (index, text) => {
    await lab.cell(index).locator(".cm-content").click();
    await page.keyboard.press("Control+End");
    await page.keyboard.type(text);
    await page.keyboard.press("Tab");
    const offered = page.locator(".jp-Completer:not(.lm-mod-hidden) .jp-Completer-item");
    await offered.first().waitFor();
    return await offered.locator(".jp-Completer-match").allInnerTexts();
  },

  // Takes one of what is offered, and tells what the cell has then.
  take: async (index, label) => {
    const items = page.locator(".jp-Completer:not(.lm-mod-hidden) .jp-Completer-item");
    await items.filter({ has: page.locator(`.jp-Completer-match:text-is("${label}")`) }).first().click();
    await page.locator(".jp-Completer:not(.lm-mod-hidden)").waitFor({ state: "hidden" });
    return await lab.cell(index).locator(".cm-content").innerText();
  },

  // A picture of the whole notebook.
  look: async (name) => {
    const end = await lab.panel.locator(".jp-Cell").last().boundingBox();
    await page.screenshot({
      path: `${screenshots}-${name}.png`,
      clip: { x: 0, y: 0, width: 1280, height: Math.min(16000, end.y + end.height) },
    });
  },
};

const told = [];
try {
  for (const [name, ...about] of JSON.parse(steps)) told.push((await actions[name](...about)) ?? null);
  console.log(JSON.stringify(told));
} catch (error) {
  await page.screenshot({ path: `${screenshots}-failed.png` });
  console.error(`after ${told.length} steps`);
  throw error;
} finally {
  await lab.browser.close();
}
