// All runs of a state directory, the newest first.

import { about, ask, byId, clock, el, follow, keyed, me, plural, put, state, time, zones } from "./page.js";

const RUNS = 25;
let from = 0;
let shown;

const cells = (run) => {
  const word = run.standing ?? "unknown";
  const link = `/runs/${encodeURIComponent(run.run)}`;
  const name = el("a", { href: link }, run.runbook ?? "not readable");
  const began = run.started_at ? time(run.started_at, Date.now()) : "";
  const what = run.problem ?? run.headline ?? "";
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
  put(byId("count"), `${plural(page.total, "run")}, ${page.driven} going on`);
  document.querySelector("main > .pager").hidden = page.from === 0 && page.runs.length >= page.total;
  byId("newer").disabled = page.from === 0;
  byId("older").disabled = page.from + page.runs.length >= page.total;
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
  look().catch(problem);
};

byId("newer").addEventListener("click", () => turn(-RUNS));
byId("older").addEventListener("click", () => turn(RUNS));
zones(() => {
  if (!shown) return;
  for (const row of byId("runs").tBodies[0].rows) delete row.dataset.said;
  draw(shown);
});
setInterval(() => put(byId("clock"), time(new Date())), 500);
me();
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
