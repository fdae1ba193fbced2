// Uses a slider of a notebook's first cell in a frontend that is not JupyterLab, as a user does.
//
// usage: node elsewhere.mjs CHROMIUM URL SCREENSHOT
// Where the frontend shows cells, the first is run; where it runs them by itself, as voila does, the slider is waited for.

import { chromium } from "playwright-core";

const [executablePath, url, screenshot] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath, args: ["--headless", "--no-sandbox", "--disable-gpu"] });
const page = await browser.newPage({ viewport: { width: 1280, height: 1200 } });
// A guard against a hang.
page.setDefaultTimeout(50_000);
try {
  await page.goto(url);
  const slider = page.locator(".widget-slider .noUi-handle").first();
  const prompt = page.locator(".jp-CodeCell .jp-InputPrompt", { hasText: /^\[[\d ]*\]:$/ }).first();
  await slider.or(prompt).first().waitFor();
  if (!(await slider.isVisible())) {
    await page.locator(".jp-CodeCell .cm-content").first().click();
    await page.keyboard.press("Shift+Enter");
  }
  await slider.waitFor();
  await slider.focus();
  for (let n = 0; n < 3; n++) await page.keyboard.press("ArrowRight");
  await page.locator(".widget-readout", { hasText: /^3$/ }).first().waitFor();
  await page.getByText("cups: 3").first().waitFor();
  console.log(JSON.stringify({ shown: await page.locator("body").innerText() }));
} finally {
  await page.screenshot({ path: screenshot });
  await browser.close();
}
