// Opens a notebook in JupyterLab as a user would, runs all its cells from the menu, and writes down what the page shows,
// in the light theme and in the dark one.
//
// The page is so high that JupyterLab, which leaves out what cannot be seen, shows all of the notebook.
//
// usage: node run_notebook.mjs CHROMIUM URL SCREENSHOTS
// Makes the screenshots SCREENSHOTS-light.png and SCREENSHOTS-dark.png, and prints a JSON object: the name of the
// kernel, the code cells (prompt, source, texts and tables of the outputs), and of each theme the pictures in them.

import { open } from "./page.mjs";

const [executablePath, url, screenshots] = process.argv.slice(2);

const lab = await open(executablePath, url, 7000);
const { page, panel } = lab;
try {
  await lab.runAll();
  const cells = await lab.cells();
  const end = await panel.locator(".jp-Cell").last().boundingBox();
  const pictures = {};
  for (const theme of ["Light", "Dark"]) {
    await lab.menu("Settings", "Theme", `JupyterLab ${theme}`);
    await page.locator(`body[data-jp-theme-name="JupyterLab ${theme}"]`).waitFor({ state: "attached" });
    pictures[theme.toLowerCase()] = await panel.locator(".jp-CodeCell").evaluateAll(look);
    await page.screenshot({
      path: `${screenshots}-${theme.toLowerCase()}.png`,
      clip: { x: 0, y: 0, width: 1280, height: end.y + end.height },
    });
  }
  console.log(JSON.stringify({ kernel: await lab.kernel(), cells, pictures }));

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
} catch (error) {
  await page.screenshot({ path: `${screenshots}-failed.png` });
  throw error;
} finally {
  await lab.browser.close();
}
