// One run: how it stands now, and how it stood after any of its events.

import { about, ask, bare, byId, clock, el, follow, keyed, me, plural, put, rich, standing, state, time, zones } from "./page.js";

const run = decodeURIComponent(location.pathname.split("/")[2] ?? "");
const base = `/runs/${encodeURIComponent(run)}`;
/** Rows of steps and of events that are on the page at once. */
const ROWS = 100;
const EVENTS = 25;

/** The newest head, the one that is shown, and after which event it stands; none: now. */
let newest, shown, place;
/** When the newest came, and how fast its clock goes against ours. */
let heard, rate = 1;
let who = { name: null, actions: false };
const parts = { steps: 0, show: "all", journal: null };

/* Time: the run's own clock goes on between two words from it. */

const arrived = (board) => {
  const now = performance.now();
  if (newest && heard && newest.run === board.run && board.driven) {
    const [ours, its] = [now - heard, new Date(board.now.at) - new Date(newest.now.at)];
    if (ours > 300 && its >= 0) rate = Math.min(its / ours, 100000);
  } else if (board.mode === "drill") rate = 0;
  if (!board.driven) rate = board.mode === "drill" ? 0 : 1;
  heard = now;
  newest = board;
};

const ended = (board) => ["succeeded", "failed", "undone", "undo_incomplete", "cancelled"].includes(board.now.standing);

/** How much has gone by in the run since what is shown was told, in seconds. */
const since = () => {
  if (place || !shown || ended(shown) || !heard) return 0;
  return ((performance.now() - heard) * rate) / 1000;
};

const moment = () => new Date(new Date(shown.now.at).getTime() + since() * 1000);

/* The head. */

const mood = (word) => ({ good: "good", warn: "warn", bad: "bad" })[standing(word)[1]] ?? "";

const VERDICTS = {
  holds: ["holds", "good"], at_risk: ["at risk", "warn"], will_be_missed: ["will be missed", "bad"],
  missed: ["missed", "bad"], met: ["met", "good"], abandoned: ["no recovery comes of this run", "warn"], none: ["none", ""],
};

const fact = (name, value, more, kind) => {
  const said = el("dd", { class: kind || undefined }, value);
  if (more) said.append(el("small", {}, more));
  return [el("dt", {}, name), said];
};

const drawFacts = () => {
  const { now } = shown;
  const elapsed = now.elapsed_seconds + since();
  const facts = [];
  const add = (...given) => facts.push(el("div", {}, ...fact(...given)));
  add(ended(shown) ? "Took" : "Elapsed", clock(elapsed), `since ${time(shown.started_at, moment())}`);
  if (now.objective_seconds !== null) {
    const [word, kind] = VERDICTS[now.objective] ?? [now.objective, ""];
    add("Objective", clock(now.objective_seconds), word, kind);
  }
  const end = now.expected_end;
  if (end) {
    const still = end.stands_still ? "once it goes on" : "";
    const range = `${bare(end.from, moment())} to ${end.to ? bare(end.to, moment()) : "open"}`;
    const answers = end.answers ? `; ${plural(end.answers, "answer")} of people before it` : "";
    add("Expected end", time(end.likely, moment()), `${range}${answers}${still ? `; ${still}` : ""}`);
  } else if (shown.ended_at) {
    add("Ended", time(shown.ended_at, shown.started_at), shown.recovery_seconds ? `recovered after ${clock(shown.recovery_seconds)}` : shown.short ?? "");
  }
  add("Steps done", `${now.done[0]} of ${now.done[1]}`, Object.entries(shown.counts).filter(([word]) => !["succeeded", "pending"].includes(word)).map(([word, count]) => `${count} ${word.replaceAll("_", " ")}`).join(", "));
  byId("facts").replaceChildren(...facts);
  drawTrack(elapsed);
};

const drawTrack = (elapsed) => {
  const { objective_seconds: goal, expected_end: end } = shown.now;
  const to = end ? elapsed + (end.to_seconds ?? end.likely_seconds * 1.5) : elapsed;
  const whole = Math.max(goal ?? 0, to, elapsed, 1) * 1.02;
  const percent = (seconds) => `${Math.min(100, Math.max(0, (seconds / whole) * 100))}%`;
  const track = byId("track");
  const piece = (kind) => track.querySelector(`.${kind}`) ?? track.appendChild(el("span", { class: kind }));
  piece("done").style.width = percent(elapsed);
  const range = piece("range");
  range.hidden = !end;
  if (end) {
    range.style.left = percent(elapsed + end.from_seconds);
    range.style.width = percent(Math.max(whole * 0.004, (end.to_seconds ?? to - elapsed) - end.from_seconds));
  }
  const line = piece("goal");
  line.hidden = goal === null;
  if (goal !== null) line.style.left = percent(goal);
  const words = [`${clock(elapsed)} gone`];
  if (end) words.push(`the end is expected ${clock(elapsed + end.from_seconds)} to ${end.to_seconds === null ? "open" : clock(elapsed + end.to_seconds)} after the beginning`);
  if (goal !== null) words.push(`the objective is ${clock(goal)} (the line)`);
  const text = words.join("; ");
  put(byId("track-words"), text);
  if (track.getAttribute("aria-label") !== text) track.setAttribute("aria-label", text);
};

const drawHead = () => {
  const { now } = shown;
  put(byId("run-id"), shown.run);
  put(byId("title"), shown.title || shown.runbook);
  const word = now.standing.replaceAll("_", " ");
  document.title = `${word.toUpperCase()} – ${shown.runbook} – backroad`;
  byId("hero").className = `hero ${mood(now.standing)}`;
  const [mark] = standing(now.standing);
  const place = byId("standing");
  if (place.dataset.word !== word) {
    place.dataset.word = word;
    place.replaceChildren(el("span", { class: "mark", "aria-hidden": "true" }, mark), ` ${word.toUpperCase()}`);
  }
  put(byId("sentence"), now.headline);
  const tags = [["mode", shown.mode], ["runbook", shown.runbook]];
  if (shown.profile) tags.push(["profile", shown.profile]);
  if (shown.by) tags.push(["started by", shown.by]);
  for (const day of shown.bad_days) tags.push(["bad day", day]);
  byId("tags").replaceChildren(...tags.map(([name, value]) => el("span", { class: name === "mode" && value === "live" ? "tag live" : "tag" }, name === "mode" ? value : `${name} ${value}`)));
  problem(shown.stale);
  put(byId("foot"), `Azure: ${shown.endpoint}. Event ${shown.event} of ${shown.events}.`);
};

const problem = (text) => {
  const place = byId("problem");
  place.hidden = !text;
  put(place, text ?? "");
};

/* People. */

const VERBS = {
  approval: "Approve", manual: "Do by hand", decision: "Choose", failure: "Decide", held: "Settle", paused: "Let it go on", interrupted: "Take it up",
};

const askKey = (one) => `${one.kind}/${one.step ?? ""}/${one.since ?? ""}`;

const makeAsk = () => el("article", { class: "ask" }, el("h3"), el("p", { class: "for" }), el("p", { class: "question" }), el("ul", { class: "ways" }), el("div", { class: "here" }));

const fillAsk = (node, one) => {
  const [head, whom, question, ways] = node.children;
  const count = one.needed > 1 ? ` – ${one.given} of ${one.needed}` : "";
  put(head, `${VERBS[one.kind] ?? one.kind}${one.step ? `: ${one.step}` : ""}${count}`);
  const told = [one.role ? `For ${one.role}` : "For anybody"];
  if (one.people?.length) told.push(`(${one.people.join(", ")})`);
  if (one.contact) told.push(`– ${one.contact}`);
  if (one.not_by_starter) told.push("– not whoever started the run");
  if (one.by?.length) told.push(`– yes from ${one.by.join(", ")}`);
  const left = el("span", { class: "left" });
  left.dataset.until = one.expires_at ?? "";
  left.dataset.then = one.then ?? "";
  left.dataset.since = one.since ?? "";
  const said = JSON.stringify([told, one.expires_at, one.since]);
  if (whom.dataset.said !== said) {
    whom.dataset.said = said;
    whom.replaceChildren(told.join(" "), " ", left);
  }
  put(question, one.question);
  const typed = JSON.stringify(one.ways);
  if (ways.dataset.said !== typed) {
    ways.dataset.said = typed;
    ways.replaceChildren(...one.ways.map((way) => el("li", {}, el("code", {}, way.command), el("span", {}, way.what))));
  }
};

const drawDeadlines = () => {
  for (const left of document.querySelectorAll("#asks .left")) {
    const { until, then, since: from } = left.dataset;
    const waited = from ? `, asked ${about((moment() - new Date(from)) / 1000)} ago` : "";
    if (until) {
      const seconds = (new Date(until) - moment()) / 1000;
      put(left, seconds > 0 ? `– until ${time(until, moment())}: ${clock(seconds)} left, then ${then.startsWith("the ") ? then : `it ${then}`}${waited}` : `– its time was up at ${time(until, moment())}`);
    } else put(left, waited ? `–${waited.slice(1)}` : "");
  }
};

const drawPeople = () => {
  const asks = shown.now.asks;
  keyed(byId("asks"), asks, askKey, makeAsk, fillAsk);
  byId("no-asks").hidden = asks.length > 0;
  byId("more-asks").hidden = !shown.hidden.asks;
  put(byId("more-asks"), `And ${shown.hidden.asks} more: backroad status ${shown.run}`);
  byId("said-box").hidden = shown.said.length === 0;
  byId("said").replaceChildren(...shown.said.map((line) => el("li", {}, line)));
  drawDeadlines();
};

/* Acting: only with a link of one's own, and only at the present. */

const commandOf = (form) => `${form.command}/${form.step ?? ""}/${form.choice ?? ""}`;

const send = async (form, reason, outcome, buttons) => {
  buttons.forEach((button) => (button.disabled = true));
  put(outcome, "Sending…");
  outcome.className = "outcome";
  try {
    await ask(`${base}/act`, { command: form.command, step: form.step, choice: form.choice, reason: reason || null, token: form.token });
    put(outcome, "It is in the journal.");
  } catch (error) {
    put(outcome, error.message);
    outcome.className = "outcome bad";
    buttons.forEach((button) => (button.disabled = false));
  }
};

/** The forms of one question, with one place for the reason; what each does stands beside it where that is not plain. */
const formOf = (forms, about, explained = false) => {
  const needs = forms.filter((form) => form.reason).map((form) => form.label);
  const reason = el("input", { type: "text", maxlength: 2000, autocomplete: "off" });
  const outcome = el("p", { class: "outcome", role: "status" });
  const buttons = [];
  const row = el("div", { class: "buttons" });
  for (const form of forms) {
    const kind = form.reason ? "stop" : form.command === "approve" || form.command === "resume" ? "go" : "";
    const button = el("button", { type: "button", class: kind || undefined, title: form.what }, form.label);
    button.addEventListener("click", () => {
      if (form.reason && !reason.value.trim()) {
        put(outcome, `“${form.label}” takes a reason; it goes into the journal.`);
        outcome.className = "outcome bad";
        reason.focus();
        return;
      }
      send(form, reason.value.trim(), outcome, buttons);
    });
    buttons.push(button);
    row.append(button);
  }
  const label = needs.length ? `Reason (needed for ${needs.join(", ")})` : "Reason, if there is one to tell";
  const told = explained ? el("ul", { class: "lines" }, ...forms.map((form) => el("li", {}, el("strong", {}, form.label), `: ${form.what}`))) : "";
  return el("form", { class: "act", "aria-label": about }, told, el("label", {}, label, reason), row, outcome);
};

/** What is said to a run rarely, and weighs: it stands behind a line of its own. */
const WEIGHTY = ["retry_all", "source_down", "undo"];

const drawForms = async () => {
  if (!who.name && !who.actions) return;
  let given = { forms: [], why_not: null, note: null };
  if (!place) {
    try {
      given = await ask(`${base}/forms`);
    } catch {
      return;
    }
  }
  const note = byId("note");
  const text = place || ended(shown) ? "" : who.actions ? (given.why_not ?? given.note ?? "") : "";
  note.hidden = !text;
  if (note.textContent !== text.replaceAll("`", "")) note.replaceChildren(...rich(text));
  const lay = (target, forms, words, wrap = (form) => form, explained = false) => {
    const said = forms.map(commandOf).join(" ");
    if ((target.dataset.said ?? "") === said) return;
    target.dataset.said = said;
    const inside = target.contains(document.activeElement);
    target.replaceChildren(...(forms.length ? [wrap(formOf(forms, words, explained))] : []));
    // The form that had the focus is gone: the reader is left beside it, not at the page's beginning.
    if (inside) (target.querySelector("button") ?? byId("main")).focus();
  };
  for (const node of byId("asks").children) {
    const step = node.dataset.key.split("/")[1];
    lay(node.querySelector(".here"), given.forms.filter((form) => step && form.step === step), `Answer ${step}`);
  }
  const ofRun = given.forms.filter((form) => !form.step);
  lay(byId("run-forms"), ofRun.filter((form) => !WEIGHTY.includes(form.command)), "The run itself", (form) => {
    form.prepend(el("h3", {}, "The run itself"));
    return form;
  });
  const weighty = ofRun.filter((form) => WEIGHTY.includes(form.command));
  byId("weighty").hidden = weighty.length === 0;
  lay(byId("weighty-forms"), weighty, "What else can be said to the run", undefined, true);
  mayAct = ofRun.length > 0;
};

/** Whether this person may say something to the run now. */
let mayAct = false;

/** Shows what can be said about a step, when somebody opens it: as the run stands then. */
const openStep = async (node, step) => {
  const here = node.querySelector(".here");
  if (!node.open) return here.replaceChildren();
  try {
    const { forms, why_not: why } = await ask(`${base}/forms?step=${encodeURIComponent(step)}`);
    here.replaceChildren(forms.length ? formOf(forms, `Step ${step}`, true) : el("p", { class: "soft" }, ...rich(why ?? "Nothing can be said about it now.")));
  } catch (error) {
    here.replaceChildren(el("p", { class: "outcome bad" }, error.message));
  }
};

const SAYABLE = { pending: "Skip", running: "Try again or skip", waiting: "Answer or skip", failed: "Try again or skip", timed_out: "Try again or skip", held: "Look again or leave", skipped: "Try again" };

/** What opens the forms of a step; none where nothing can be said about it. */
const sayable = (step) => {
  const label = SAYABLE[step.status];
  if (!label || !mayAct || place || step.undoing) return "";
  const node = el("details", { class: "say" }, el("summary", {}, label, el("span", { class: "unseen" }, `: ${step.name}`)), el("div", { class: "here" }));
  node.addEventListener("toggle", () => openStep(node, step.name));
  return node;
};

/* At work, owed, reached. */

const drawWork = () => {
  const { azure, next } = shown.now;
  keyed(byId("azure"), azure, (one) => one.step, () => el("li", {}, el("strong"), el("span", { class: "num" }), el("span", { class: "doing" })), (node, one) => {
    const [name, gone, doing] = node.children;
    node.className = one.undoing ? "undoing" : "";
    put(name, one.step);
    gone.dataset.since = one.since;
    put(gone, clock(one.for_seconds + since()));
    const usually = one.usually ? `; ${one.usually}` : "";
    const said = `${one.doing}${usually}`;
    if (doing.dataset.said !== `${said}${one.late}`) {
      doing.dataset.said = `${said}${one.late}`;
      doing.replaceChildren(said, one.late ? el("span", { class: "late" }, " – later than nearly all that were recorded") : "");
    }
  });
  byId("no-azure").hidden = azure.length > 0;
  const more = shown.hidden.azure ? ` And ${shown.hidden.azure} more at work.` : "";
  put(byId("next"), `${next.length ? `Next: ${next.join(", ")}.` : ended(shown) ? "" : "Nothing else can begin yet."}${more}`);
  byId("next").hidden = !byId("next").textContent;
};

const drawLines = (card, list, lines, more = 0) => {
  byId(card).hidden = lines.length === 0;
  byId(list).replaceChildren(...lines.map((line) => el("li", {}, ...rich(line))), more ? el("li", {}, `and ${more} more`) : "");
};

/* Sites and networks that each have a row of their own. */
const REACH_ROWS = 16;

const drawReach = () => {
  byId("reach-card").hidden = shown.reached.length === 0;
  if (!shown.reached.length) return;
  put(byId("reach-caption"), shown.reached_at ? `By the simulated network, as it is since ${time(shown.reached_at, shown.started_at)}` : "By the simulated network");
  const key = (one) => `${one.site}\n${one.network}`;
  const before = new Map(shown.reached_before.map((one) => [key(one), one]));
  const said = (one) => {
    if (!one) return "–";
    const over = one.circuits.length ? ` over ${one.circuits.join(", ")}` : "";
    return `${one.works ? "✓ reached" : `✗ ${one.verdict.replaceAll("_", " ")}`}${over}`;
  };
  const cell = (one) => el("td", one ? { class: one.works ? "yes" : "no" } : {}, said(one));
  /* Of many, those of a site that fare alike share a row, so that the rest of the page is not pushed away. */
  const rows = new Map();
  for (const one of shown.reached) {
    const alike = shown.reached.length > REACH_ROWS ? [one.site, said(before.get(key(one))), said(one)].join("\n") : key(one);
    rows.set(alike, [...(rows.get(alike) ?? []), one]);
  }
  const names = (all) => all.length === 1 ? el("td", {}, all[0].network) : el("td", { title: all.map((one) => one.network).join(", ") }, `${all.length} networks, ${all[0].network} the first`);
  byId("reach").replaceChildren(...[...rows.values()].map((all) => el("tr", {}, el("th", { scope: "row" }, all[0].site), names(all), cell(before.get(key(all[0]))), cell(all[0]))));
};

/* Steps and journal: the part that is on the page, and no more. */

const at = () => (place ? `&at=${place}` : "");

/** Fetches a part, the newest wish last: what comes late for an older one is dropped. */
const latest = () => {
  let turn = 0;
  return async (path, draw) => {
    const mine = ++turn;
    const data = await ask(path);
    if (mine === turn) draw(data);
  };
};
const [stepsPart, journalPart, networksPart, boardPart] = [latest(), latest(), latest(), latest()];

const percent = (seconds, whole) => `${Math.min(100, Math.max(0, (seconds / whole) * 100)).toFixed(2)}%`;

const barsOf = (step, part) => {
  const whole = part.span_seconds;
  const bars = el("span", { class: "bars", "aria-hidden": "true" });
  for (const bar of step.bars) {
    const piece = el("span", { class: bar.at });
    piece.style.left = percent(bar.from, whole);
    piece.style.width = percent(bar.to - bar.from, whole);
    bars.append(piece);
  }
  if (part.now_seconds < whole * 0.995) {
    const cursor = el("span", { class: "cursor" });
    cursor.style.left = percent(part.now_seconds, whole);
    bars.append(cursor);
  }
  if (part.objective_seconds !== null && part.objective_seconds <= whole) {
    const goal = el("span", { class: "goal" });
    goal.style.left = percent(part.objective_seconds, whole);
    bars.append(goal);
  }
  return bars;
};

const CHANGES = { created: "created", updated: "updated", already_so: "was so already", restored: "restored", removed: "removed", being_removed: "being removed" };

const stepRow = (step, part) => {
  const bad = ["failed", "timed_out", "held", "undo_failed"].includes(step.status);
  const took = step.start === null ? "" : clock((step.end ?? part.now_seconds) - step.start);
  const more = [step.name, step.action, CHANGES[step.change] ?? step.change, step.attempts > 1 ? plural(step.attempts, "attempt") : ""];
  if (step.status === "pending" && step.needs.length) more.push(`needs ${step.needs.join(", ")}`);
  const name = el("td", { class: "name" }, step.title || step.name, step.critical ? el("span", { class: "crit", title: "decides the end" }, el("span", { "aria-hidden": "true" }, "◆"), el("span", { class: "unseen" }, " decides the end")) : "", el("small", {}, more.filter(Boolean).join(" · ")));
  if (step.why) name.append(el("span", { class: "why" }, step.why));
  if (step.call) name.append(el("span", { class: "why" }, `Call: ${step.call}`));
  if (step.by_hand) name.append(el("details", { class: "hand" }, el("summary", {}, "By hand"), el("code", {}, step.by_hand)));
  name.append(sayable(step));
  const word = step.undoing ? "being taken back" : step.status.replaceAll("_", " ");
  return el("tr", { class: bad ? "bad" : step.status }, el("td", { class: "num" }, String(step.number)), el("td", {}, state(step.status, word)), name, el("td", { class: "num began" }, step.start === null ? "" : clock(step.start)), el("td", { class: "num" }, took), el("td", { class: "over" }, barsOf(step, part)));
};

const drawSteps = (part) => {
  parts.steps = part.from;
  const open = new Set([...byId("steps").querySelectorAll("details.hand[open]")].map((one) => one.closest("tr")?.dataset.key));
  // What somebody is filling in is kept as it is.
  const said = new Map([...byId("steps").querySelectorAll("details.say[open]")].map((one) => [one.closest("tr")?.dataset.key, one]));
  const made = part.rows.map((step) => {
    const row = stepRow(step, part);
    row.dataset.key = step.name;
    if (open.has(step.name)) row.querySelector("details.hand")?.setAttribute("open", "");
    const fresh = row.querySelector("details.say");
    if (fresh && said.has(step.name)) fresh.replaceWith(said.get(step.name));
    return row;
  });
  const empty = el("tr", {}, el("td", { colspan: 6 }, "No step is so."));
  if (!byId("steps").contains(document.activeElement)) byId("steps").replaceChildren(...(made.length ? made : [empty]));
  const axis = [0, 0.25, 0.5, 0.75, 1].map((share) => {
    const mark = el("span", {}, clock(part.span_seconds * share));
    mark.style.left = `${share * 100}%`;
    return mark;
  });
  byId("axis").replaceChildren(...axis);
  const last = part.from + part.rows.length;
  put(byId("steps-part"), part.total ? `${part.from + 1} to ${last} of ${part.total}` : "");
  byId("steps-back").disabled = part.from === 0;
  byId("steps-on").disabled = last >= part.total;
  put(byId("counts"), Object.entries(shown.counts).map(([word, count]) => `${count} ${word.replaceAll("_", " ")}`).join(" · "));
};

const drawJournal = (page) => {
  byId("journal").replaceChildren(...page.rows.map((row) => el("tr", {}, el("td", { class: "num" }, String(row.event)), el("td", { class: "num", title: time(row.at, 0) }, row.since), el("td", {}, row.text))));
  const last = page.from + page.rows.length;
  put(byId("journal-part"), page.total ? `${page.from + 1} to ${last} of ${page.total}` : "");
  byId("journal-back").disabled = page.from === 0;
  byId("journal-on").disabled = last >= page.total;
  parts.shownJournal = page;
};

const fetchSteps = () => stepsPart(`${base}/steps?from=${parts.steps}&count=${ROWS}&show=${parts.show}${at()}`, drawSteps);

const fetchJournal = () => {
  // The newest page, unless another was turned to.
  const from = parts.journal ?? Math.max(0, shown.event - EVENTS);
  return journalPart(`${base}/journal?from=${from}&count=${EVENTS}${at()}`, drawJournal);
};

/** The map as the journal has it at the moment that is shown. */
const drawMap = (map) => {
  const figure = byId("map");
  const source = `${base}/networks/map.svg?at=${place ?? shown.event}`;
  put(figure.querySelector("figcaption"), map.title);
  put(byId("map-words"), map.words);
  figure.querySelector("a").setAttribute("href", source);
  const image = figure.querySelector("img");
  if (image.getAttribute("src") !== source) image.setAttribute("src", source);
  image.setAttribute("alt", `${map.title}. ${map.words}`);
};

const fetchNetworks = () => networksPart(`${base}/networks?${at().slice(1)}`, ({ pictures }) => {
  byId("networks-card").hidden = pictures.length === 0;
  const map = pictures.find((one) => one.name === "map");
  if (map) drawMap(map);
  keyed(byId("networks"), pictures.filter((one) => one !== map), (one) => one.name, () => el("figure", {}, el("figcaption"), el("a", {}, el("img", { loading: "lazy" }))), (node, one) => {
    put(node.querySelector("figcaption"), one.title);
    const moving = one.name === "now" ? `?at=${place ?? shown.event}` : "";
    const source = `${base}/networks/${one.name}.svg${moving}`;
    const [link, image] = [node.querySelector("a"), node.querySelector("img")];
    if (link.getAttribute("href") !== source) {
      link.setAttribute("href", source);
      image.setAttribute("src", source);
    }
    image.setAttribute("alt", `${one.title}. ${one.words}`);
  });
});

let fetched = "", fetching = false, again = false;

/** Fetches what belongs to the head that is shown; one after another, however fast heads come. */
const fetchParts = async () => {
  if (fetching) {
    again = true;
    return;
  }
  fetching = true;
  try {
    const version = `${shown.event}/${shown.now.at}/${place}/${parts.show}`;
    const moved = fetched.split("/")[0] !== String(shown.event) || place;
    fetched = version;
    await drawForms();
    await Promise.all([fetchSteps(), ...(moved ? [fetchJournal(), fetchNetworks()] : [])]);
  } catch (error) {
    problem(error.message);
  } finally {
    fetching = false;
    if (again) {
      again = false;
      setTimeout(fetchParts, 400);
    }
  }
};

/* The whole page. */

const draw = () => {
  drawHead();
  drawFacts();
  drawPeople();
  drawWork();
  drawLines("owed-card", "owed", shown.now.owed, shown.hidden.owed);
  drawLines("stays-card", "stays", shown.stays);
  drawLines("strikes-card", "strikes", shown.strikes);
  drawReach();
  drawReplay();
};

const show = (board) => {
  shown = board;
  draw();
  fetchParts();
};

const tick = () => {
  // The time in a run that goes on is its own: a simulated one may go faster.
  put(byId("clock"), time(shown?.driven && !place ? moment() : new Date()));
  if (!shown || place || ended(shown) || rate === 0) return;
  drawFacts();
  drawDeadlines();
  for (const gone of document.querySelectorAll("#azure .num")) {
    put(gone, clock((moment() - new Date(gone.dataset.since)) / 1000));
  }
};

/* Replay. */

const slider = byId("at");
let playing;

const drawReplay = () => {
  const all = newest?.event ?? shown.events;
  slider.max = String(all);
  if (!place) slider.value = String(all);
  const words = place ? `after event ${place} of ${all}, at ${clock(shown.now.elapsed_seconds)}` : ended(shown) ? `as it ended, after event ${all}` : `now, after event ${all}`;
  put(byId("at-out"), words);
  slider.setAttribute("aria-valuetext", words);
  byId("replay").classList.toggle("past", Boolean(place));
  byId("back").disabled = (place ?? all) <= 1;
  byId("on").disabled = !place;
  byId("now").disabled = !place;
  put(byId("now"), newest && ended(newest) ? "End" : "Now");
};

/** Goes to how the run stood after an event; to the present after the last. */
const go = async (event) => {
  const all = newest?.event ?? 1;
  const wanted = event === null || event >= all ? null : Math.max(1, event);
  place = wanted;
  history.replaceState(null, "", wanted ? `#at=${wanted}` : location.pathname);
  if (!wanted) {
    stop();
    if (newest) show(newest);
    return;
  }
  slider.value = String(wanted);
  try {
    await boardPart(`${base}/at/${wanted}`, (board) => {
      if (place === wanted) show(board);
    });
  } catch (error) {
    problem(error.message);
  }
};

const stop = () => {
  clearTimeout(playing);
  playing = undefined;
  byId("play").setAttribute("aria-pressed", "false");
  put(byId("play"), "Play");
};

const play = () => {
  const all = newest?.event ?? 1;
  // The whole of it in half a minute, however long it was.
  const by = Math.max(1, Math.round(all / 75));
  const step = async () => {
    await go((place ?? 0) + by);
    if (place) playing = setTimeout(step, 400);
    else stop();
  };
  byId("play").setAttribute("aria-pressed", "true");
  put(byId("play"), "Stop");
  if (!place) place = 1;
  playing = setTimeout(step, 0);
};

let dragged;
slider.addEventListener("input", () => {
  clearTimeout(dragged);
  const wanted = Number(slider.value);
  put(byId("at-out"), `after event ${wanted} of ${slider.max}`);
  dragged = setTimeout(() => go(wanted), 90);
});
byId("back").addEventListener("click", () => go((place ?? newest.event) - 1));
byId("on").addEventListener("click", () => go((place ?? newest.event) + 1));
byId("now").addEventListener("click", () => go(null));
byId("play").addEventListener("click", () => (playing ? stop() : play()));

/* What is turned over and chosen. */

for (const choice of document.querySelectorAll("#show input")) {
  choice.addEventListener("change", () => {
    parts.show = choice.value;
    parts.steps = 0;
    fetchSteps().catch((error) => problem(error.message));
  });
}
const turnSteps = (by) => {
  parts.steps = Math.max(0, parts.steps + by);
  fetchSteps().catch((error) => problem(error.message));
};
byId("steps-back").addEventListener("click", () => turnSteps(-ROWS));
byId("steps-on").addEventListener("click", () => turnSteps(ROWS));
const turnJournal = (by) => {
  const page = parts.shownJournal;
  if (!page) return;
  const from = Math.max(0, page.from + by);
  parts.journal = from + EVENTS >= page.total ? null : from;
  fetchJournal().catch((error) => problem(error.message));
};
byId("journal-back").addEventListener("click", () => turnJournal(-EVENTS));
byId("journal-on").addEventListener("click", () => turnJournal(EVENTS));
for (const form of ["report", "document"]) byId(`${form}-link`).setAttribute("href", `${base}/${form}`);
zones(() => shown && draw());
// A link to another moment of the same run.
addEventListener("hashchange", () => {
  const wanted = Number(/^#at=(\d+)$/.exec(location.hash)?.[1] ?? 0);
  if (wanted && wanted !== place) go(wanted);
});
document.addEventListener("submit", (event) => event.preventDefault());

const hear = (board) => {
  arrived(board);
  const wanted = Number(/^#at=(\d+)$/.exec(location.hash)?.[1] ?? 0);
  if (!shown && wanted) {
    shown = board;
    go(wanted);
  } else if (place) drawReplay();
  else show(board);
};

setInterval(tick, 500);
who = await me();
follow(`${base}/events`, {
  look: async () => hear(await ask(`${base}/now`)),
  events: { board: hear, problem: (said) => problem(said.problem) },
});
