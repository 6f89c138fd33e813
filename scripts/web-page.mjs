// Looks at the page of runs as a person, a keyboard and a screen reader would. Called by scripts/web-page.
//
//     node scripts/web-page.mjs TOOLS CHROMIUM OUT BINARY [--accept] [--states]
//
// One line for each thing that is wrong; exits 1 when there is one. `--states` looks at the kept states alone, and
// `--accept` keeps what is found of them.

import { createRequire } from "node:module";
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const [tools, chromium, out, binary, ...asked] = process.argv.slice(2);
const accepts = asked.includes("--accept");
const statesOnly = asked.includes("--states") || accepts;
/** Where what a screen reader is told of each state is kept. */
const kept = "tests/snapshots/page";
const require = createRequire(path.join(path.resolve(tools), "package.json"));
const { chromium: browserType } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const folder = mkdtempSync(path.join(tmpdir(), "web-page-"));
const state = path.join(folder, "state");
const children = [];

let wrong = 0;
const say = (what) => {
  wrong += 1;
  console.log(`WRONG: ${what}`);
};
const check = (holds, what) => holds || say(what);

/** What the program says; its status does not matter to whoever looks at a run that failed. */
const backroad = (...words) => {
  try {
    return execFileSync(binary, ["--state-dir", state, ...words], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  } catch (error) {
    return error.stdout ?? "";
  }
};
const json = (...words) => JSON.parse(backroad("--output", "json", ...words));

/** Starts what goes on until the end of this look, and gives its first line. */
const start = async (...words) => {
  const child = spawn(binary, ["--state-dir", state, ...words], { stdio: ["ignore", "pipe", "ignore"] });
  children.push(child);
  let text = "";
  for await (const part of child.stdout) {
    text += part;
    if (text.includes("\n")) break;
  }
  return text.split("\n")[0];
};

const until = async (what, look, seconds = 120) => {
  const end = Date.now() + seconds * 1000;
  while (Date.now() < end) {
    const found = await look();
    if (found) return found;
    await sleep(200);
  }
  say(`in ${seconds} s it did not come: ${what}`);
  return undefined;
};

/* The runbooks: the shipped one, for two people of a role; one that is held; two thousand steps. */

const shipped = readFileSync("runbooks/dr-circuit.yaml", "utf8").replace(/^failback: .*$/m, "");
/** On a host under load minutes of a fast simulator pass: nothing here is about time. */
const patient = (text) => text.replaceAll(/timeout: (2|5|15)m/g, "timeout: 9h").replace("expires_after: 4h", "expires_after: 9d");
const put = (name, text) => {
  writeFileSync(path.join(folder, name), text);
  return path.join(folder, name);
};
const world = readFileSync("runbooks/worlds/two-circuits.yaml", "utf8");
const markup = `<img src=x onerror="document.title='struck'"><b>bold</b>`;
const twoPeople = put("two-people.yaml", patient(shipped)
  .replace("source_region: eastasia", "source_region: eastasia\nroles:\n  network_lead:\n    description: Whoever leads the network.\n    people: [mei, jun]\n    contact: \"+65 5550 100\"\npeople: { trust_names: true }")
  .replace("      expires_after: 9d", "      expires_after: 9d\n      approvals: 2\n      role: network_lead")
  .replace("title: DR circuit is provisioned, with private peering", `title: 'DR circuit is provisioned ${markup.replaceAll("'", "''")}'`));
put("world.yaml", world);
const drillable = (text) => text.replace("worlds/two-circuits.yaml", "world.yaml");
const held = put("held.yaml", drillable(shipped).replace(/(action: gateway\.ensure\n)/, "$1    on_failure: ask\n"));
const many = ["runbook: many-steps", "title: Two thousand steps", "profiles:", "  drill: { world: world.yaml, people: { approve_after: 1m } }", "steps:"];
for (let n = 0; n < 2000; n += 1) {
  many.push(`  s${n}:`, `    title: Step number ${n}`, "    action: wait", "    with: { duration: 20s }");
  if (n >= 20) many.push(`    needs: s${n - 20}`);
}
const manySteps = put("many.yaml", many.join("\n"));

/* The browser. */

const browser = await browserType.launch({ executablePath: chromium, args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--font-render-hinting=none"] });
const url = await start("web", "--allow-actions");

const open = async (name, refused = false) => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  page.on("pageerror", (error) => say(`${name}: ${error.message}`));
  page.on("console", (message) => message.type() === "error" && !refused && say(`${name}: ${message.text()}`));
  page.on("request", (request) => request.url().startsWith(url) || request.url() === "about:blank" || say(`${name} asks ${request.url()}`));
  return page;
};

/** Looks at a page in light, dark and on a phone: axe, its width, a picture of each. */
const judge = async (page, name) => {
  for (const [device, width, height] of [["desktop", 1280, 900], ["phone", 360, 740]]) {
    await page.setViewportSize({ width, height });
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await sleep(150);
      const found = await page.evaluate(`(() => { ${axe}; return axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }).then((r) => r.violations.map((v) => v.id + ": " + v.help + " (" + v.nodes.length + "): " + v.nodes[0].html.slice(0, 160))) })()`);
      for (const violation of found) say(`${name}, ${device}, ${colorScheme}: ${violation}`);
      await page.screenshot({ path: path.join(out, `${name}-${device}-${colorScheme}.png`), fullPage: false });
    }
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    check(wide <= 1, `${name}: at ${width} px the page is ${wide} px too wide`);
  }
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.screenshot({ path: path.join(out, `${name}-whole.png`), fullPage: true });
  writeFileSync(path.join(out, `${name}.txt`), `${await page.locator("body").ariaSnapshot()}\n`);
};

const standing = (page) => page.locator("#standing").innerText().then((text) => text.replace(/[^A-Z ]/g, "").trim());
const stands = (page, ...words) => until(`${words.join(" or ")} on the page`, async () => {
  const now = await standing(page).catch(() => "");
  return words.includes(now) && now;
});
const looked = async (page, run, at) => {
  await page.goto("about:blank");
  await page.goto(`${url}runs/${run}${at ? `#at=${at}` : ""}`);
  await until("the head of the page", () => page.locator("#standing").innerText());
  await sleep(900);
};

/* Kept states: what a screen reader is told of a run in each standing. All are moments of drills, whose times and
   outcomes follow from their seed, so that a difference is one of the page or of the run. */

/** The place of the first event of which the journal says this. */
const eventOf = (run, words) => {
  const line = backroad("journal", run).split("\n").find((one) => words.test(one));
  return line === undefined ? undefined : Number(line.trim().split(" ")[0]);
};

const STATES = [];
/** A state, and what a person must find there; both stand in the kept file. */
const stateOf = (name, run, at, finds, ...texts) => STATES.push({ name, run, at, finds, texts });

const drilled = (...words) => {
  backroad("drill", "--seed", "7", ...words);
  return json("runs").runs[0].run;
};

/** A run's id is chance by intent; an account, a process and where the state is are this host's own. Nothing else differs by the host. */
const ofAnyHost = (told, run) => told.replaceAll(run, "RUN").replaceAll(`--state-dir ${state}`, "--state-dir STATE").replaceAll(/\(account [^)]*\)/g, "(account ACCOUNT)").replaceAll(/taken up by [^()"]*\(process \d+\)/g, "taken up by A PROCESS");

/** Where the first line that differs begins to, as it was and as it is. */
const difference = (before, now) => {
  const [was, is] = [before.split("\n"), now.split("\n")];
  const at = is.findIndex((line, n) => line !== was[n]);
  const place = at < 0 ? is.length : at;
  const [old, fresh] = [was[place] ?? "", is[place] ?? ""];
  let same = 0;
  while (same < old.length && old[same] === fresh[same]) same += 1;
  const part = (line) => JSON.stringify(line.slice(Math.max(0, same - 40), same + 80));
  return `line ${place + 1} was ${part(old)} and is ${part(fresh)}`;
};

const keepStates = async () => {
  const page = await open("states");
  // The page's own clock stands, so that nothing but the run tells a time.
  await page.clock.setFixedTime(new Date("2026-03-14T04:00:00Z"));
  mkdirSync(kept, { recursive: true });
  for (const { name, run, at, finds, texts } of STATES) {
    if (!run || at === undefined) {
      say(`the state ${name} is not reached any more`);
      continue;
    }
    await looked(page, run, at);
    await until(`${name}: steps and journal`, async () => (await page.locator("#steps tr").count()) && (await page.locator("#journal tr").count()));
    await until(`${name}: the map`, () => page.locator("#networks-card").evaluate((card) => card.hidden || card.querySelector("#map img")?.getAttribute("alt")));
    const told = await page.locator("body").ariaSnapshot();
    const text = `# ${finds}\n\n${ofAnyHost(told, run)}\n`;
    writeFileSync(path.join(out, `state-${name}.txt`), text);
    await page.screenshot({ path: path.join(out, `state-${name}.png`), fullPage: true });
    for (const part of texts) check(text.includes(part), `${name}: nobody finds ${JSON.stringify(part)}`);
    const file = path.join(kept, `${name}.txt`);
    if (accepts) {
      writeFileSync(file, text);
      continue;
    }
    let before = "";
    try {
      before = readFileSync(file, "utf8");
    } catch {
      // One that was never kept differs from its first line on.
    }
    if (before !== text) say(`${name} is told otherwise: ${difference(before, text)} (${file}; the whole of it is in ${out}/state-${name}.txt). If it shall be so: scripts/web-page --accept, and look at the difference.`);
  }
  const names = new Set(STATES.map((one) => `${one.name}.txt`));
  for (const file of readdirSync(kept)) check(names.has(file), `${kept}/${file} is of no state that is looked at`);
  await page.close();
};

const lookAtStates = async () => {
  const good = drilled("runbooks/dr-circuit.yaml");
  stateOf("running", good, eventOf(good, /step_succeeded +gateway:/) - 1, "A run that goes on: what Azure builds and how long that usually takes, how much is done, when the end is expected, and that nobody is asked.", "RUNNING", "Nobody has to do anything now.");
  const patientPeople = drilled(put("late.yaml", drillable(shipped).replace("approve_after: 4m", "approve_after: 40m")));
  stateOf("waiting", patientPeople, eventOf(patientPeople, / approved /) - 1, "A run that waits: whom it asks, the question, the command that answers it, and until when.", "WAITING", "backroad approve RUN go_ahead");
  stateOf("succeeded", good, json("status", good).events, "A run that succeeded: how long it took against its objective, and the networks as they are now.", "SUCCEEDED");
  const failed = drilled("runbooks/dr-circuit.yaml", "--bad-day", "stuck-gateway");
  stateOf("failed", failed, json("status", failed).events, "A run that failed: which step, why, whom to call, and what is left to do.", "FAILED");
  const doubted = drilled(held, "--bad-day", "stuck-gateway");
  stateOf("in-doubt", doubted, json("status", doubted).events, "A run in which nobody knows whether something landed: which step, what was seen, and what a person can say.", "IN DOUBT");
  const owing = drilled("runbooks/same-circuit-swap.yaml", "--world", "runbooks/worlds/one-circuit-kept-source-dead.yaml");
  stateOf("owed", owing, json("status", owing).events, "A run that reached its goal and still owes something: what, and the command that meets it.", "Owed");
  const asking = drilled(put("asking.yaml", drillable(shipped).replace("approve_after: 4m", "absent: true").replace(/ *expires_after: 4h\n/, "")));
  backroad("pause", asking, "--by", "mei", "--reason", "the bridge is not complete");
  stateOf("paused", asking, eventOf(asking, / paused /), "A run that a person paused: who and why, and the command that lifts it.", "PAUSED", "the bridge is not complete", "backroad resume RUN");
  const undone = drilled("runbooks/dr-circuit.yaml");
  const before = json("status", undone).events;
  backroad("undo", undone, "--reason", "the drill is over");
  stateOf("undoing", undone, before + 8, "A run that is taken back: what is put back now, what was asked for by whom, and what stays.", "UNDOING");
  await keepStates();
};

const all = async () => {
  /* A whole failover, watched from its first step to its last. */
  const served = JSON.parse(await start("sim", "serve", "--speed", "60", "--world", "runbooks/worlds/two-circuits.yaml"));
  const { run } = json("run", twoPeople, "--profile", "live", "--endpoint", served.endpoint, "--clock-factor", "60", "--detach");
  const watcher = await open("watcher");
  // Never drilled: it is not ready.
  for (let look = 0; look < 2; look += 1) backroad("ready", twoPeople, "--profile", "live", "--world", "runbooks/worlds/two-circuits.yaml");
  await watcher.goto(url);
  await until("the trend of readiness", () => watcher.locator("#ready .strip span").count());
  check((await watcher.locator("#ready").innerText()).includes("not ready"), "a runbook that is not ready is not shown so");
  await until("the run in the list", () => watcher.locator(`a[href="/runs/${run}"]`).count());
  await judge(watcher, "runs");
  await looked(watcher, run);
  await until("the question on the page", () => watcher.locator("#asks .ask").count());
  check((await watcher.locator("#asks").innerText()).includes(`backroad approve ${run} go_ahead`), "the command is not beside the question");
  check((await watcher.locator("#asks h3").first().innerText()).includes("0 of 2"), "the count is not beside the question");
  check((await watcher.locator("#asks form").count()) === 0, "who has no link is offered a form");
  check((await watcher.title()) !== "struck", "markup in a title ran");
  check((await watcher.locator("#steps img, #steps b").count()) === 0, "markup in a title became elements");
  check((await watcher.locator("#steps").innerText()).includes("<b>bold</b>"), "markup in a title is not shown as it is");

  /* Two people with links of their own, by keyboard alone. */
  const people = {};
  for (const name of ["mei", "jun"]) {
    const link = json("web", "invite", name, "--role", "network_lead").url;
    const page = await open(name);
    await page.goto(link);
    check(!page.url().includes("#"), "the secret stays in the address");
    if (name === "mei") await judge(page, "enter");
    await page.locator("#enter").focus();
    await page.keyboard.press("Enter");
    await page.waitForURL(url);
    await until(`${name} is known`, async () => (await page.locator("#me").innerText()).includes(name));
    // Over the keys to the run, as somebody without a mouse.
    await until("the run in the list", () => page.locator(`a[href="/runs/${run}"]`).count());
    await until("the link is reached by Tab", async () => {
      await page.keyboard.press("Tab");
      return page.evaluate((path) => document.activeElement?.getAttribute("href") === path, `/runs/${run}`);
    }, 20);
    await page.keyboard.press("Enter");
    await until(`forms for ${name}`, () => page.locator("#asks form").count());
    people[name] = page;
    const again = await open(`${name} again`, true);
    await again.goto(link);
    await again.locator("#enter").click();
    await until("a used link is refused", async () => (await again.locator("#said").innerText()).includes("used already"));
  }
  const press = async (page, label) => {
    await until(`${label} is reached by Tab`, async () => {
      await page.keyboard.press("Tab");
      return page.evaluate((text) => document.activeElement?.textContent === text, label);
    }, 30);
    await page.keyboard.press("Enter");
  };
  const map = (page) => page.locator("#map img").getAttribute("alt");
  await until("the map", async () => (await watcher.locator("#map img").evaluate((image) => image.complete && image.naturalWidth)) > 0);
  check((await map(watcher)).includes("Still to come: "), "the map does not tell what is to come");
  check((await map(watcher)).includes("As before: "), "the map does not tell what stood before");
  await watcher.locator("#networks-card").screenshot({ path: path.join(out, "map-at-work.png") });
  /* What weighs stands behind a line of its own, and takes a reason. */
  check((await watcher.locator("#weighty").isVisible()) === false, "who has no link is offered what weighs");
  await people.mei.locator("#weighty > summary").click();
  await until("what weighs", () => people.mei.getByRole("button", { name: "Undo the run" }).count());
  await people.mei.getByRole("button", { name: "Undo the run" }).click();
  await until("a reason is asked for", async () => (await people.mei.locator("#weighty .outcome").innerText()).includes("takes a reason"));
  const row = people.mei.locator("#steps tr", { hasText: "connection ·" }).first();
  await row.locator("details.say > summary").click();
  await until("a step can be skipped, or why not", async () => /Skip it|kept by/.test(await row.locator(".here").innerText()));
  await judge(people.mei, "asked");
  await row.locator("details.say > summary").click();
  await press(people.mei, "Pause");
  await stands(watcher, "PAUSED");
  await judge(watcher, "paused");
  await until("the pause is known to the other", () => people.jun.getByRole("button", { name: "Resume" }).count());
  await press(people.jun, "Resume");
  await stands(watcher, "RUNNING", "WAITING");
  await until("forms again", () => people.mei.getByRole("button", { name: "Approve" }).count());
  await press(people.mei, "Approve");
  await until("one of two", async () => (await watcher.locator("#asks h3").first().innerText()).includes("1 of 2"));
  await judge(watcher, "running");
  await press(people.jun, "Approve");
  await until("nobody is asked any more", async () => (await watcher.locator("#asks .ask").count()) === 0);
  await stands(watcher, "SUCCEEDED");
  await sleep(1500);
  check((await map(watcher)).includes("New: ") && !(await map(watcher)).includes("Still to come"), `the map at the end: ${await map(watcher)}`);
  await watcher.locator("#networks-card").screenshot({ path: path.join(out, "map-done.png") });
  await judge(watcher, "done");
  const journal = backroad("journal", run);
  for (const name of ["mei", "jun"]) check(new RegExp(`approved .*${name} \\(account .*by invitation`).test(journal), `the journal does not know ${name}`);

  /* Somebody else undoes another run from the page, with a reason. */
  const second = JSON.parse(await start("sim", "serve", "--speed", "60", "--world", "runbooks/worlds/two-circuits.yaml"));
  const other = json("run", twoPeople, "--profile", "live", "--endpoint", second.endpoint, "--clock-factor", "60", "--detach").run;
  await looked(watcher, other);
  await looked(people.mei, other);
  await until("forms of the other run", () => people.mei.locator("#weighty").isVisible());
  await until("the gateway is at work", async () => (await map(watcher))?.includes("At work: "));
  await people.mei.locator("#weighty > summary").click();
  await people.mei.locator("#weighty input").fill("the source is back");
  await people.mei.getByRole("button", { name: "Undo the run" }).click();
  await stands(watcher, "UNDOING", "UNDONE");
  await stands(watcher, "UNDONE");
  check(/undo.*mei \(account .*by invitation/.test(backroad("journal", other)), "the journal does not know who undid");
  const phone = async (page, name) => {
    await page.setViewportSize({ width: 360, height: 740 });
    await page.locator("#networks-card").scrollIntoViewIfNeeded();
    await sleep(300);
    await page.locator("#networks-card").screenshot({ path: path.join(out, `${name}.png`) });
    await page.setViewportSize({ width: 1280, height: 900 });
  };
  await phone(watcher, "map-phone");

  /* The same page is the replay. */
  await watcher.locator("#at").focus();
  for (let n = 0; n < 12; n += 1) await watcher.keyboard.press("ArrowLeft");
  await until("an earlier moment", async () => (await watcher.locator("#at-out").innerText()).includes("after event"));
  await looked(watcher, run, 45);
  check((await standing(watcher)) !== "SUCCEEDED", "the replay shows the end");
  await until("the map of that moment", async () => (await map(watcher)).includes("Still to come: "));
  await watcher.emulateMedia({ colorScheme: "dark" });
  await sleep(300);
  await watcher.locator("#networks-card").screenshot({ path: path.join(out, "map-replay-dark.png") });
  await watcher.emulateMedia({ colorScheme: "light" });
  await judge(watcher, "replay");

  /* Runs in each standing. */
  const last = () => json("runs").runs[0].run;
  backroad("drill", "runbooks/dr-circuit.yaml", "--bad-day", "stuck-gateway");
  await looked(watcher, last());
  check((await standing(watcher)) === "FAILED", "a run that failed is not shown so");
  await judge(watcher, "failed");
  backroad("drill", held, "--bad-day", "stuck-gateway");
  await looked(watcher, last());
  check(["IN DOUBT", "WAITING"].includes(await standing(watcher)), `a run that is held is shown ${await standing(watcher)}`);
  await judge(watcher, "in-doubt");
  backroad("drill", "runbooks/same-circuit-swap.yaml", "--world", "runbooks/worlds/one-circuit-kept-source-dead.yaml");
  const owing = last();
  await looked(watcher, owing);
  await judge(watcher, "owed");
  check(await watcher.locator("#owed-card").isVisible(), "what is owed is not shown");
  backroad("drill", "runbooks/dr-circuit.yaml");
  const undone = last();
  const before = json("status", undone).events;
  backroad("undo", undone, "--reason", "the drill is over");
  await looked(watcher, undone);
  check((await standing(watcher)) === "UNDONE", "a run that was undone is not shown so");
  await looked(watcher, undone, before + 8);
  check((await standing(watcher)) === "UNDOING", "an undo is not shown as one");
  await judge(watcher, "undoing");

  /* Two thousand steps. */
  backroad("drill", manySteps);
  await looked(watcher, last());
  check((await watcher.locator("#steps tr").count()) <= 100, "more rows than are seen are drawn");
  await watcher.getByRole("button", { name: "Later steps" }).click();
  await until("the second hundred", async () => (await watcher.locator("#steps-part").innerText()).startsWith("101 "));
  await judge(watcher, "many");
  const size = await watcher.evaluate(async (path) => (await (await fetch(path)).text()).length, `/runs/${last()}/now`);
  check(size < 100_000, `the head of two thousand steps has ${size} bytes`);
};

try {
  await lookAtStates();
  if (!statesOnly) await all();
} catch (error) {
  say(`it broke: ${error.stack}`);
} finally {
  await browser.close();
  for (const child of children) child.kill();
  rmSync(folder, { recursive: true, force: true });
}
console.log(`The page was looked at: ${wrong} things wrong. Pictures are in ${out}.`);
process.exit(wrong ? 1 : 0);
