// Looks at rendered documents as a person, a printer and a screen reader would. Called by scripts/documents.
//
//     node scripts/documents.mjs TOOLS CHROMIUM OUT FILE...
//
// For each HTML file: validity, accessibility (axe, light and dark), links and ids, requests (there must be
// none), and pictures at desktop, phone and A4. One line each; exits 1 when something is wrong.

import { createRequire } from "node:module";
import { readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import path from "node:path";

const [tools, chromium, out, ...files] = process.argv.slice(2);
const require = createRequire(path.join(path.resolve(tools), "package.json"));
const puppeteer = require("puppeteer-core");
const { HtmlValidate } = require("html-validate");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const validator = new HtmlValidate({
  extends: ["html-validate:recommended"],
  rules: {
    // The template engine leaves spaces at lines' ends; a page is one file, so its style is inside.
    "no-trailing-whitespace": "off",
    "no-inline-style": "off",
    "long-title": "off",
    // The parts of the document each have a first heading.
    "heading-level": ["error", { allowMultipleH1: true, minInitialRank: "h1" }],
    // A scrollable picture is reached by the keyboard and named for those who cannot see it.
    "prefer-native-element": "off",
    "no-redundant-role": "off",
  },
});

// A browser for each page: one for all of them grows until it is ended.
const open = () =>
  (puppeteer.default ?? puppeteer).launch({
    executablePath: chromium,
    args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--font-render-hinting=none"],
  });
let wrong = 0;
const say = (file, what) => {
  wrong += 1;
  console.log(`${path.basename(file)}: ${what}`);
};

const look = async (file) => {
  const report = await validator.validateFile(file);
  for (const result of report.results) {
    for (const m of result.messages.slice(0, 10)) say(file, `${m.line}:${m.column} ${m.message} [${m.ruleId}]`);
  }
  const browser = await open();
  const page = await browser.newPage();
  const requests = [];
  page.on("request", (request) => requests.push(request.url()));
  await page.setJavaScriptEnabled(true);
  await page.setBypassCSP(true);
  const url = `file://${path.resolve(file)}`;
  for (const scheme of ["light", "dark"]) {
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
    await page.setViewport({ width: 1280, height: 900 });
    await page.goto(url);
    await page.evaluate(axe);
    const judge = async (device) => {
      const found = await page.evaluate(async () =>
        (await axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }))
          .violations.map((v) => `${v.id}: ${v.help} (${v.nodes.length}): ${v.nodes[0].html.slice(0, 140)}`),
      );
      for (const violation of found) say(file, `${device}, ${scheme}: ${violation}`);
    };
    await judge("desktop");
    const name = path.join(out, path.basename(file, ".html"));
    // The cover, and the beginning of the chapters that look different from it.
    const shoot = async (device) => {
      for (const part of ["content", "a-picture", "a-gates", "a-steps", "a-matrix", "a-checklist", "steps", "writes"]) {
        const there = await page.evaluate((id) => {
          const element = document.getElementById(id);
          window.scrollTo(0, id === "content" || !element ? 0 : element.getBoundingClientRect().top + window.scrollY);
          return Boolean(element);
        }, part);
        const what = part === "content" ? "cover" : part.replace(/^a-/, "");
        if (there) await page.screenshot({ path: `${name}-${device}-${scheme}-${what}.png` });
      }
    };
    await shoot("desktop");
    await page.setViewport({ width: 390, height: 844, deviceScaleFactor: 2 });
    await judge("phone");
    await shoot("phone");
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    if (wide > 1) say(file, `${scheme}: on a phone the page is ${wide} px too wide`);
  }
  const broken = await page.evaluate(() => {
    const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
    const twice = ids.filter((id, n) => ids.indexOf(id) !== n);
    const dead = [...document.querySelectorAll('a[href^="#"]')]
      .map((a) => a.getAttribute("href").slice(1))
      .filter((id) => !ids.includes(id));
    return [...twice.map((id) => `the id ${id} is there twice`), ...dead.map((id) => `#${id} leads nowhere`)];
  });
  for (const what of broken) say(file, what);
  const outside = requests.filter((request) => !request.startsWith("file:") && !request.startsWith("data:"));
  for (const request of outside) say(file, `asks for ${request}`);
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "light" }]);
  const pdf = await page.pdf({ format: "A4", preferCSSPageSize: true, printBackground: true, timeout: 120000 });
  writeFileSync(path.join(out, `${path.basename(file, ".html")}.pdf`), pdf);
  const sheets = Buffer.from(pdf).toString("latin1").match(/\/Type\s*\/Page[^s]/g) ?? [];
  console.log(`${path.basename(file)}: ${sheets.length} pages of A4`);
  await browser.close();
};

// As many side by side as there are cores, two at most: a browser takes half a gigabyte.
const waiting = [...files];
const lane = async () => {
  for (let file = waiting.shift(); file; file = waiting.shift()) await look(file);
};
await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, lane));
console.log(`${files.length} documents, ${wrong} things wrong.`);
process.exit(wrong ? 1 : 0);
