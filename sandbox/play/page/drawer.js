// Behind the scenes: the job's state machine, the money, what the services received and answered, the bot's log, trouble.
import { html, useEffect, useRef, useState } from "./vendor/htm-preact.js";
import { dateText, relative } from "./markdown.js";
import { attempt, now, person, read, send, server, set, state } from "./store.js";
import { World } from "./world.js";

const TABS = { jobs: "Jobs", money: "Money", wire: "Wire", log: "Log", trouble: "Trouble", world: "Server" };

export function Drawer() {
  if (!state.drawer) return null;
  const panels = { jobs: Jobs, money: Money, wire: Wire, log: Log, trouble: Trouble, world: World };
  const turn = (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key], names = Object.keys(TABS);
    if (step) { set({ drawer: names.at((names.indexOf(state.drawer) + step) % names.length) }); event.currentTarget.querySelector("[aria-selected=true]")?.focus(); }
  };
  return html`<aside class="drawer" aria-label="Behind the scenes"><header><div role="tablist" onKeyDown=${turn}>${Object.entries(TABS).map(([key, name]) => html`<button key=${key} role="tab" aria-selected=${key === state.drawer} tabindex=${key === state.drawer ? 0 : -1} onClick=${() => set({ drawer: key })}>${name}</button>`)}</div>
    <button class="icon" aria-label="Close" onClick=${() => set({ drawer: null })}>✕</button></header>
    <div class="panel" role="tabpanel" key=${state.drawer}><${panels[state.drawer]} /></div></aside>`;
}

// Integer micro-dollars, whole cents where they are whole.
export function dollars(micro) {
  const text = (Math.abs(micro) / 1e6).toFixed(6).replace(/0{1,4}$/, "");
  return `${micro < 0 ? "−" : ""}$${text}`;
}
const memberName = (id) => person(String(id))?.username ?? (String(id).startsWith("-") ? "a deleted member" : String(id));

function scopeName(scope) {
  const [kind, ...ids] = scope.split(":"), id = ids.at(-1), here = server();
  const names = {
    all: () => "All servers together", cap: () => "The operator's cap", server: () => `${here?.name ?? "The server"}'s budget`, grant: () => "A grant",
    role: () => `Role ${here?.roles.find((one) => one.id === id)?.name ?? id}`, channel: () => `Channel #${here?.channels.find((one) => one.id === id)?.name ?? id}`, member: () => `${memberName(id)}'s allowance`,
  };
  return (names[kind] ?? (() => scope))();
}

const WAY = ["waiting", "accepted", "submitting", "queued", "running", "fetching", "delivering", "done"];
const ENDS = ["failed", "cancelled", "uncertain"];
const MEANING = {
  waiting: "An approver has to say yes first.", accepted: "Price held, files on disk; fal knows nothing yet.", submitting: "The intent is stored; the POST is under way.",
  queued: "fal has a number for it.", running: "fal renders.", fetching: "fal is done; the result is being read.", delivering: "Paid; the video is on its way to Discord.",
  done: "The video is posted.", failed: "No video.", cancelled: "Taken back in time.", uncertain: "fal's answer was lost. It is never asked twice.",
};

function Jobs() {
  const jobs = state.books?.jobs ?? [];
  const [chosen, choose] = useState(null);
  const job = jobs.find((one) => one.id === chosen) ?? jobs[0];
  if (!job) return html`<p class="hint">No video was ordered yet. Each order appears here, with every state it passes.</p>`;
  const seen = state.path.get(job.id) ?? [];
  const node = (name) => html`<li key=${name} class="state ${seen.includes(name) ? "seen" : ""} ${job.state === name ? "now" : ""}" title=${MEANING[name]}>${name}</li>`;
  return html`<h3>Job ${job.short} <small>${job.mode}, ${memberName(job.member_id)}, ${dateText(job.created_at, "T")}</small></h3>
    <ol class="way" aria-label="States of the job">${WAY.filter((name) => name !== "waiting" || seen.includes(name)).map(node)}</ol><ol class="way ends" aria-label="Other ends">${ENDS.map(node)}</ol>
    <p class="meaning"><b>${job.state}</b>: ${MEANING[job.state]}</p>
    <p class="hint">Price ${dollars(job.price ?? 0)}, ${job.hold ?? "not held"}${job.settled == null ? "" : ` at ${dollars(job.settled)}`}.</p>
    <table><thead><tr><th>Job</th><th>Mode</th><th>Who</th><th>State</th><th>Price</th></tr></thead><tbody>${jobs.map((one) => html`<tr key=${one.id} class=${one === job ? "chosen" : ""}><td><button class="link" onClick=${() => choose(one.id)}>${one.short}</button></td><td>${one.mode}</td><td>${memberName(one.member_id)}</td><td><span class="tag ${one.state}">${one.state}</span></td><td>${dollars(one.price ?? 0)}</td></tr>`)}</tbody></table>`;
}

function Money() {
  const { books } = state;
  if (!books) return html`<p class="hint">The books are read as soon as Wanda has made them.</p>`;
  const sum = (key) => books.servers.reduce((total, one) => total + one[key], 0);
  const amount = (value) => (value === 0 ? "" : value > 0 ? `+${dollars(value)}` : dollars(value));
  const jobs = new Map(books.jobs.map((one) => [one.id, one]));
  return html`<p class="verdict ${books.wrong.length ? "bad" : "good"}">${books.wrong.length ? books.wrong.join(" ") : "✓ The books are right: every sum is the sum of its entries, and every hold ended at most once."}</p>
    <dl class="sums"><div><dt>Held now</dt><dd data-sum="held">${dollars(sum("held"))}</dd></div><div><dt>of it uncertain</dt><dd>${dollars(sum("exposed"))}</dd></div><div><dt>Spent</dt><dd data-sum="spent">${dollars(sum("spent"))}</dd></div></dl>
    <h3>Budgets</h3><table><thead><tr><th>Whose</th><th>Until</th><th>Held</th><th>Spent</th></tr></thead><tbody>${books.budgets.filter((one) => one.held || one.spent).map((one) => html`<tr key=${one.scope + one.ends_at}><td>${scopeName(one.scope)}</td><td>${one.ends_at > 4e9 ? "for ever" : relative(one.ends_at)}</td><td>${dollars(one.held)}</td><td>${dollars(one.spent)}</td></tr>`)}</tbody></table>
    <h3>Movements, the newest first</h3><table><thead><tr><th>When</th><th>Job</th><th>What</th><th>Whose</th><th>Held</th><th>Spent</th></tr></thead><tbody>${books.entries.map((one) => html`<tr key=${one.job_id + one.kind + one.scope}><td>${dateText(one.at, "T")}</td><td>${jobs.get(one.job_id)?.short ?? one.job_id.slice(-8)}</td><td><span class="tag ${one.kind}">${one.kind}</span></td><td>${scopeName(one.scope)}</td><td>${amount(one.held)}</td><td>${amount(one.spent)}</td></tr>`)}</tbody></table>`;
}

function pretty(text) {
  try { return JSON.stringify(JSON.parse(text), null, 2); } catch { return text; }
}

function Wire() {
  const [filter, setFilter] = useState("all"), [open, setOpen] = useState(null), [body, setBody] = useState(null);
  const list = useEnd(state.wire.length);
  const show = async (number) => { setBody(null); setOpen(open === number ? null : number); if (open !== number) setBody(await read(`wire/${number}`).catch((error) => ({ answer: error.message }))); };
  const shown = state.wire.filter((one) => filter === "all" || one.to === filter);
  const label = { discord: "to Discord", fal: "to fal", bot: "event" };
  return html`<div class="filters" role="group" aria-label="Show">${["all", "discord", "fal", "bot"].map((one) => html`<button key=${one} aria-pressed=${filter === one} onClick=${() => setFilter(one)}>${{ all: "All", discord: "To Discord", fal: "To fal", bot: "From Discord" }[one]}</button>`)}</div>
    <ol class="lines" ref=${list}>${shown.slice(-200).map((one) => html`<li key=${one.n} class="wire ${one.to}"><button aria-expanded=${open === one.n} onClick=${() => show(one.n)}><span class="tag ${one.to}">${label[one.to]}</span> <span class="grow">${one.what}</span> ${one.to !== "bot" && html`<b class=${one.status >= 400 || !one.status ? "bad" : ""}>${one.status ?? "no answer"}</b> <small>${one.ms} ms</small>`}</button>
      ${open === one.n && body && html`<div class="bodies">${body.request && html`<p>Request</p><pre>${pretty(body.request)}</pre>`}${body.answer && html`<p>${one.to === "bot" ? "Data" : "Answer"}</p><pre>${pretty(body.answer)}</pre>`}${!body.request && !body.answer && html`<p class="hint">No body.</p>`}</div>`}</li>`)}</ol>`;
}

// A list that stays at its end while new lines come, unless somebody reads further up.
function useEnd(count) {
  const list = useRef();
  useEffect(() => { const box = list.current?.closest(".panel"); if (box && box.scrollHeight - box.scrollTop - box.clientHeight < 160) box.scrollTop = box.scrollHeight; }, [count]);
  useEffect(() => { const box = list.current?.closest(".panel"); if (box) box.scrollTop = box.scrollHeight; }, []);
  return list;
}

function Log() {
  const [find, setFind] = useState("");
  const list = useEnd(state.log.length);
  const shown = state.log.filter((one) => `${one.logger} ${one.text} ${JSON.stringify(one.more)}`.toLowerCase().includes(find.toLowerCase()));
  return html`<input class="find" placeholder="Find in the log" aria-label="Find in the log" value=${find} onInput=${(event) => setFind(event.target.value)} />
    <ol class="lines log" ref=${list}>${shown.slice(-300).map((one) => html`<li key=${one.n} class=${{ ERROR: "bad", CRITICAL: "bad", WARNING: "warn" }[one.level] ?? ""}>${one.time && html`<small>${one.time} ${one.logger}</small> `}${one.text}${one.more && Object.entries(one.more).map(([key, value]) => html` <small>${key}=${typeof value === "string" ? value : JSON.stringify(value)}</small>`)}</li>`)}</ol>`;
}

const LEAPS = [[16 * 60, "16 min", "An interaction's token is over."], [3600, "1 h", "A card is too old to be edited; Wanda replies to it."], [86400, "1 day", "Daily allowances begin anew."], [31 * 86400, "31 days", "Monthly budgets begin anew; files are removed."]];

function Trouble() {
  const { status } = state;
  const steer = (name) => attempt(send(`bot/${name}`, {}));
  const runs = status.bot.state !== "stopped";
  return html`<h3>Wanda's process</h3><p class="process"><span class="light ${status.bot.state}"></span> ${{ ready: "Running", starting: "Starting…", stopped: "Not running" }[status.bot.state]}${status.bot.pid ? `, process ${status.bot.pid}` : ""}${runs && !status.connected ? ", not connected to Discord" : ""}</p>
    <div class="row"><button class="button danger" disabled=${!runs} onClick=${() => steer("kill")}>kill -9</button><button class="button secondary" disabled=${!runs} onClick=${() => steer("stop")}>Stop</button><button class="button success" disabled=${runs} onClick=${() => steer("start")}>Start</button><button class="button secondary" disabled=${!status.connected} onClick=${() => steer("cut")}>Cut the gateway</button></div>
    <p class="hint">Kill her while a video is made, then start her: the card goes on where it was, and Money stays right.</p>
    <h3>What goes wrong</h3>${status.troubles.map((one) => html`<label class="switch" key=${one.key}><input type="checkbox" role="switch" checked=${one.on} onChange=${(event) => attempt(send("trouble", { key: one.key, on: event.target.checked }))} /><span><b>${one.title}</b>${one.kind === "once" && html` <small class="tag">${one.on ? "armed" : "once"}</small>`}<small>${one.about}</small></span></label>`)}
    <h3>Time</h3><p>It is ${dateText(now(), "F")} there${status.clock.ahead_s ? `, ${relative(now() + status.clock.ahead_s).replace("in ", "")} ahead` : ""}.</p>
    <div class="leaps">${LEAPS.map(([seconds, name, about]) => html`<button key=${name} class="button secondary" title=${about} onClick=${() => attempt(send("clock", { seconds }))}>+${name}<small>${about}</small></button>`)}</div>
    <p class="hint">Discord, fal and Wanda share this clock. What sleeps already, sleeps its time.</p>
    <h3>fal</h3><label class="slider">Each video takes <input type="range" min="1" max="60" value=${status.seconds_per_video} onChange=${(event) => attempt(send("fal", { seconds_per_video: Number(event.target.value) }))} /> ${status.seconds_per_video} s</label>`;
}
