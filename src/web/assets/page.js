// What every page of backroad has in common. Whatever comes from a run goes into text nodes and attributes that hold
// no markup; nothing is ever parsed as HTML.

export const byId = (id) => document.getElementById(id);

/** An element with a class, attributes and children; texts are texts. */
export const el = (tag, attributes = {}, ...children) => {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "class") made.className = value;
    else if (name === "onclick") made.addEventListener("click", value);
    else made.setAttribute(name, value === true ? "" : String(value));
  }
  made.append(...children.filter((child) => child !== undefined && child !== null && child !== ""));
  return made;
};

/** Sets a text where it differs, so that nobody is told again what did not change. */
export const put = (node, text) => {
  if (node.textContent !== text) node.textContent = text;
};

/** A sentence in which what stands between backticks is code. */
export const rich = (text) => text.split("`").map((part, n) => (n % 2 ? el("code", {}, part) : part));

export const plural = (count, one, more = `${one}s`) => `${count} ${count === 1 ? one : more}`;

/** Seconds as a clock shows them: 0:07, 12:34, 1:02:03. */
export const clock = (seconds) => {
  const whole = Math.max(0, Math.floor(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (n) => String(n).padStart(2, "0");
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
};

/** Seconds in words, as far as anybody cares: 40 s, 12 min, 3 h, 2 days. */
export const about = (seconds) => {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 129600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} days`;
};

let local = false;
try {
  local = localStorage.getItem("backroad-zone") === "local";
} catch {
  // A browser that keeps nothing shows UTC.
}

/** A moment as a time with its zone; with its day where that is not today. */
export const time = (at, beside) => {
  const date = at instanceof Date ? at : new Date(at);
  const options = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
  const zone = local ? {} : { timeZone: "UTC" };
  const day = (one) => one.toLocaleDateString("sv-SE", zone);
  const text = date.toLocaleTimeString("sv-SE", { ...options, ...zone });
  const name = local ? zoneName(date) : "UTC";
  const other = beside !== undefined && day(date) !== day(new Date(beside));
  return `${other ? `${day(date)} ` : ""}${text} ${name}`;
};

/** The same without its zone, where another time beside it has it. */
export const bare = (at, beside) => time(at, beside).replace(/:\d\d \S+$/, "");

const zoneName = (date) => {
  const parts = new Intl.DateTimeFormat("en-GB", { timeZoneName: "short" }).formatToParts(date);
  return parts.find((part) => part.type === "timeZoneName")?.value ?? "local";
};

/** Lets the zone be chosen; `changed` draws anew what shows times. */
export const zones = (changed) => {
  const button = byId("zone");
  const show = () => button.setAttribute("aria-pressed", String(local));
  show();
  button.addEventListener("click", () => {
    local = !local;
    try {
      localStorage.setItem("backroad-zone", local ? "local" : "utc");
    } catch {
      // It is forgotten with the page.
    }
    show();
    changed();
  });
};

/** Data from the page's own host. A problem is thrown as its sentence. */
export const ask = async (path, sent) => {
  const options = sent
    ? { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(sent) }
    : {};
  let answer;
  try {
    answer = await fetch(path, { ...options, credentials: "same-origin", redirect: "error", cache: "no-store" });
  } catch {
    throw new Error("The page's host does not answer.");
  }
  let data;
  try {
    data = await answer.json();
  } catch {
    throw new Error(`The page's host answered with status ${answer.status} and no data.`);
  }
  if (!answer.ok) throw new Error([data.problem, data.hint].filter(Boolean).join(" "));
  return data;
};

/** Follows changes: by a stream, and by asking now and then where there is none. */
export const follow = (path, { events, look }) => {
  const link = byId("link");
  let polled;
  const say = (text, kind) => {
    put(link, text);
    link.className = `link ${kind}`;
  };
  const poll = async () => {
    try {
      await look();
      say("looking every 5 s", "on");
    } catch (error) {
      say(error.message, "off");
    }
  };
  const open = () => {
    const stream = new EventSource(path);
    let quiet;
    const heard = () => {
      clearInterval(polled);
      polled = undefined;
      say("live", "on");
      clearTimeout(quiet);
      // The host says something every ten seconds.
      quiet = setTimeout(() => say("nothing heard for 30 s; what is shown may be old", "off"), 30000);
    };
    stream.addEventListener("open", heard);
    stream.addEventListener("still", heard);
    for (const [name, happened] of Object.entries(events)) {
      stream.addEventListener(name, (event) => {
        heard();
        happened(JSON.parse(event.data));
      });
    }
    stream.addEventListener("error", () => {
      clearTimeout(quiet);
      say("no connection; trying again", "off");
      if (stream.readyState !== EventSource.CLOSED) return;
      if (!polled) polled = setInterval(poll, 5000);
      setTimeout(open, 15000);
      stream.close();
    });
  };
  open();
};

/** Who looks at the page. */
export const me = async () => {
  const place = byId("me");
  try {
    const who = await ask("/me");
    if (who.name) {
      const leave = el("button", { type: "button", class: "plain" }, "leave");
      leave.addEventListener("click", async () => {
        await ask("/leave", {});
        location.reload();
      });
      place.replaceChildren(el("strong", {}, who.name), who.role ? ` (${who.role}) ` : " ", leave);
    } else {
      place.replaceChildren(el("span", { class: "soft" }, who.actions ? "looking on" : "read only"));
    }
    return who;
  } catch {
    return { name: null, actions: false };
  }
};

const STANDINGS = {
  running: ["▸", "run"], waiting: ["?", "warn"], paused: ["‖", "warn"], undoing: ["↶", "warn"],
  cancelling: ["■", "warn"], settling: ["▸", "run"], in_doubt: ["≟", "bad"], interrupted: ["▲", "warn"],
  succeeded: ["✓", "good"], failed: ["✗", "bad"], undone: ["↶", "good"], undo_incomplete: ["✗", "bad"],
  cancelled: ["■", "bad"],
};

const STATUSES = {
  pending: ["·", "none"], running: ["▸", "run"], waiting: ["?", "warn"], succeeded: ["✓", "good"],
  failed: ["✗", "bad"], timed_out: ["✗", "bad"], skipped: ["–", "none"], held: ["≟", "bad"],
  undone: ["↶", "none"], undo_failed: ["✗", "bad"],
};

/** How a run stands: its sign and its mood; the word is always beside it. */
export const standing = (word) => STANDINGS[word] ?? ["·", "none"];

/** How a step stands, as a sign and a word. */
export const state = (word, shown = word.replaceAll("_", " ")) => {
  const [mark, mood] = STATUSES[word] ?? standing(word);
  return el("span", { class: `state ${mood}` }, el("span", { class: "mark", "aria-hidden": "true" }, mark), shown);
};

/** Draws a list anew only as far as it changed: what has the focus keeps it. */
export const keyed = (place, items, keyOf, make, update) => {
  const there = new Map([...place.children].map((child) => [child.dataset.key, child]));
  let before = null;
  for (const item of items) {
    const key = String(keyOf(item));
    let node = there.get(key);
    if (node) there.delete(key);
    else {
      node = make(item);
      node.dataset.key = key;
    }
    update?.(node, item);
    const next = before ? before.nextSibling : place.firstChild;
    if (node !== next) place.insertBefore(node, next);
    before = node;
  }
  for (const gone of there.values()) gone.remove();
};
