// Opens a notebook in JupyterLab as a user would, runs all its cells from the menu, and writes down what the page shows,
// in the light theme and in the dark one.
//
// The page is so high that JupyterLab, which leaves out what cannot be seen, shows all of the notebook.
//
// usage: node run_notebook.mjs CHROMIUM URL SCREENSHOTS
// Makes the screenshots SCREENSHOTS-light.png and SCREENSHOTS-dark.png, and prints a JSON object: the name of the
// kernel, the code cells (prompt, source, texts and tables of the outputs), and of each theme the pictures in them.

import { chromium } from "playwright-core";

const [executablePath, url, screenshots] = process.argv.slice(2);

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
  await menu("Run", "Run All Cells");
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
      tables: [...cell.querySelectorAll(".jp-OutputArea-output table")].map((table) =>
        [...table.rows].map((row) => [...row.cells].map((field) => field.innerText)),
      ),
      coloured: cell.querySelectorAll(".jp-InputArea-editor .cm-content span[class]").length > 0,
    })),
  );
  const end = await notebook.locator(".jp-Cell").last().boundingBox();
  const pictures = {};
  for (const theme of ["Light", "Dark"]) {
    await menu("Settings", "Theme", `JupyterLab ${theme}`);
    await page.locator(`body[data-jp-theme-name="JupyterLab ${theme}"]`).waitFor({ state: "attached" });
    pictures[theme.toLowerCase()] = await notebook.locator(".jp-CodeCell").evaluateAll(look);
    await page.screenshot({
      path: `${screenshots}-${theme.toLowerCase()}.png`,
      clip: { x: 0, y: 0, width: 1280, height: end.y + end.height },
    });
  }
  console.log(JSON.stringify({ kernel: await notebook.locator(".jp-KernelName").innerText(), cells, pictures }));

  // Of each cell its pictures: their places on the page, their colours, and what is wrong with them. It runs in the page.
  function look(cells) {
    const plain = ({ x, y, width, height }) => ({ x, y, width, height });
    const within = (inner, outer) =>
      inner.left >= outer.left - 1 && inner.top >= outer.top - 1 && inner.right <= outer.right + 1 && inner.bottom <= outer.bottom + 1;
    const meet = (one, other) =>
      one.left < other.right && other.left < one.right && one.top < other.bottom && other.top < one.bottom;
    const ancestors = (element) => (element ? [element, ...ancestors(element.parentElement)] : []);
    const background = (element) =>
      ancestors(element).map((each) => getComputedStyle(each).backgroundColor).find((colour) => !/, 0\)$|^transparent$/.test(colour));
    const picture = (svg) => {
      const box = svg.getBoundingClientRect();
      const shapes = [...svg.querySelectorAll("text, rect, path, circle, line")];
      const texts = [...svg.querySelectorAll("text")].map((text) => [text.textContent, text.getBoundingClientRect()]);
      return {
        box: plain(box),
        output: plain(svg.closest(".jp-OutputArea-output").getBoundingClientRect()),
        label: svg.getAttribute("aria-label"),
        texts: texts.map(([text]) => text),
        titles: [...svg.querySelectorAll("title")].map((title) => title.textContent),
        colour: getComputedStyle(svg.querySelector("text")).fill,
        background: background(svg),
        outside: shapes.filter((shape) => !within(shape.getBoundingClientRect(), box)).map((shape) => shape.outerHTML),
        overlapping: texts.flatMap(([text, place], index) =>
          texts.slice(index + 1).filter(([, other]) => meet(place, other)).map(([other]) => [text, other]),
        ),
        clippedBy: ancestors(svg.parentElement)
          // The page's body has no height, and what hangs out of it can be seen.
          .filter((each) => each !== document.body && getComputedStyle(each).overflow !== "visible" && !within(box, each.getBoundingClientRect()))
          .map((each) => each.className),
      };
    };
    return cells.map((cell) => [...cell.querySelectorAll(".jp-OutputArea-output svg")].map(picture));
  }

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
