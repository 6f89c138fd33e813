// All runs of a state directory, the newest first.

import { about, ask, byId, clock, el, follow, keyed, me, plural, put, state, time, zones } from "./page.js";

const RUNS = 25;
/** Which page: its place stands in the address, so that a link to it can be sent. */
let from = Math.max(0, Number.parseInt(new URLSearchParams(location.hash.slice(1)).get("from") ?? "0", 10) || 0);
let shown;

const cells = (run) => {
  const word = run.standing ?? "unknown";
  const link = `/runs/${encodeURIComponent(run.run)}`;
  const name = el("a", { href: link }, run.runbook ?? "not readable");
  const began = run.started_at ? time(run.started_at, Date.now()) : "";
  const what = run.problem ?? run.short ?? run.headline ?? "";
  return [
    el("td", {}, state(word, word.replaceAll("_", " "))),
    el("td", {}, name, el("small", {}, el("code", {}, run.run), run.mode ? ` · ${run.mode}` : "", run.by ? ` · by ${run.by.split(" (")[0]}` : "")),
    el("td", {}, what),
    el("td", { class: "gates" }, run.open_gates?.join(", ") ?? ""),
    el("td", { class: "num", title: began }, run.age_seconds === undefined || run.age_seconds === null ? "–" : `${about(run.age_seconds)} ago`),
    el("td", { class: "num" }, run.recovery_seconds ? clock(run.recovery_seconds) : "–"),
  ];
};

const draw = (page) => {
  shown = page;
  const body = byId("runs").tBodies[0];
  keyed(body, page.runs, (run) => run.run, () => el("tr"), (row, run) => {
    const said = JSON.stringify(run);
    if (row.dataset.said === said) return;
    row.dataset.said = said;
    const focused = row.contains(document.activeElement);
    row.replaceChildren(...cells(run));
    if (focused) row.querySelector("a")?.focus();
  });
  byId("none").hidden = page.total > 0;
  byId("runs").hidden = page.total === 0;
  byId("problem").hidden = true;
  const part = from ? `${page.from + 1} to ${page.from + page.runs.length} of ` : "";
  put(byId("count"), `${part}${plural(page.total, "run")}, ${page.driven} going on`);
  byId("more-runs").hidden = page.from === 0 && page.runs.length >= page.total;
  byId("newer").disabled = page.from === 0;
  byId("older").disabled = page.from + page.runs.length >= page.total;
};

/* Readiness: as each look found it. */

const CHANGED = { true: ["✓", "good", "ready"], false: ["✗", "bad", "not ready"] };

const verdict = (ready) => {
  const [mark, mood, word] = CHANGED[ready];
  return el("span", { class: `state ${mood}` }, el("span", { class: "mark", "aria-hidden": "true" }, mark), word);
};

/** A tall stroke for each look that found it ready, a short one for each that did not. */
const strip = (one) => {
  const strokes = one.trend.map((ready) => el("span", { class: ready ? "yes" : "no" }));
  const words = `ready at ${one.ready} of ${plural(one.looks, "look")}`;
  return el("td", {}, el("span", { class: "strip", "aria-hidden": "true" }, ...strokes), el("small", {}, words));
};

const changesOf = (one) => {
  const [now, ...before] = one.changes;
  const cell = el("td", {}, now?.why || (now ? "Nothing was amiss." : "It was never looked at."));
  if (before.length) {
    const lines = before.map((change) => el("li", {}, `${time(change.at, 0)}: ${CHANGED[change.ready][2]}${change.simulated ? " (simulated)" : ""}. ${change.why}`));
    cell.append(el("details", {}, el("summary", {}, plural(before.length, "earlier verdict")), el("ul", { class: "lines" }, ...lines)));
  }
  return cell;
};

const drawReady = ({ runbooks }) => {
  byId("ready-card").hidden = runbooks.length === 0;
  const ready = runbooks.filter((one) => one.changes[0]?.ready).length;
  put(byId("ready-count"), `${ready} of ${runbooks.length} ready`);
  keyed(byId("ready"), runbooks, (one) => one.runbook, () => el("tr"), (row, one) => {
    const said = JSON.stringify(one);
    if (row.dataset.said === said) return;
    row.dataset.said = said;
    const [now] = one.changes;
    row.replaceChildren(
      el("th", { scope: "row" }, one.runbook),
      el("td", {}, now ? verdict(now.ready) : "", now?.simulated ? el("small", {}, "by a simulator") : ""),
      el("td", {}, now ? time(now.at, 0) : "–", one.last ? el("small", {}, `looked at ${about((Date.now() - new Date(one.last)) / 1000)} ago`) : ""),
      strip(one),
      changesOf(one),
    );
  });
};

const lookReady = async () => {
  try {
    drawReady(await ask("/readiness"));
  } catch (error) {
    problem(error);
  }
};

const problem = (error) => {
  const place = byId("problem");
  put(place, error.message);
  place.hidden = false;
};

const look = async () => {
  draw(await ask(`/runs?from=${from}`));
};

const turn = (by) => {
  from = Math.max(0, from + by);
  history.replaceState(null, "", from ? `#from=${from}` : location.pathname);
  look().catch(problem);
};

byId("newer").addEventListener("click", () => turn(-RUNS));
byId("older").addEventListener("click", () => turn(RUNS));
zones(() => {
  if (!shown) return;
  for (const row of [...byId("runs").tBodies[0].rows, ...byId("ready").rows]) delete row.dataset.said;
  lookReady();
  draw(shown);
});
setInterval(() => put(byId("clock"), time(new Date())), 500);
me();
lookReady();
setInterval(lookReady, 60000);
follow("/events", {
  look,
  events: {
    runs: (page) => {
      if (page.problem) problem(new Error(page.problem));
      else if (from === 0) draw(page);
      else look().catch(problem);
    },
  },
});
