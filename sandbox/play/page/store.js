// What the page knows, and how it learns of it: one WebSocket brings every change, POSTs carry out what a person does.
// Nothing here decides anything: messages, channels and permissions are what the stand-in for Discord says they are.

export const state = {
  as: new URLSearchParams(location.hash.slice(1)).get("as") || "maker",
  world: null, // servers, channels, people and commands, as this person sees them
  status: null, // the bot's process, the clock, the trouble
  channelId: null,
  messages: new Map(), // channel id -> Map(message id -> message)
  reachedTop: new Set(), // channels whose first message is loaded
  pending: [], // commands that were sent and have no answer yet, or none at all
  failed: new Map(), // message id -> why the last press of a button there came to nothing
  dismissed: new Set(JSON.parse(sessionStorage.getItem("dismissed") || "[]")),
  unread: new Map(), // channel id -> {count, mentions}
  typing: new Map(), // channel id -> {name, until}
  modal: null, // the form that the bot opened
  overlay: null, // a menu or a picker: {kind, x, y, …}
  drawer: null, // the open tab of the drawer
  replyTo: null,
  wire: [], log: [], books: null, path: new Map(), // job id -> the states it was seen in
  acted: 0, // counts what this person sent; the list of messages then shows its end
  notice: "", // a sentence that passes
  connected: false,
};

const listeners = new Set();
let drawing = false;
export function subscribe(listener) { listeners.add(listener); }

// Draws once for all changes of one frame.
export function changed() {
  if (drawing) return;
  drawing = true;
  const draw = () => { drawing = false; listeners.forEach((listener) => listener()); };
  document.hidden ? setTimeout(draw, 50) : requestAnimationFrame(draw);
}

export function set(part) { Object.assign(state, part); changed(); }

// --- the stream ---

let socket = null;
export function connect() {
  const opened = new WebSocket(`${location.href.split("#")[0].replace(/^http/, "ws")}stream?as=${encodeURIComponent(state.as)}`);
  socket = opened;
  opened.onmessage = (event) => {
    if (socket !== opened) return;
    for (const [kind, data] of JSON.parse(event.data)) news[kind]?.(data);
    changed();
  };
  opened.onopen = () => { set({ connected: true, wire: [], log: [] }); };
  opened.onclose = () => {
    if (socket !== opened) return;
    set({ connected: false });
    setTimeout(() => { connect(); refresh(); }, 1000);
  };
}

const news = {
  world(world) {
    state.world = world;
    if (!channel()) select(state.channelId = channels()[0]?.id);
  },
  status(status) {
    state.status = { ...status, local: Date.now() / 1000 };
  },
  message(message) {
    const known = state.messages.get(message.channel_id);
    const isNew = known && !known.has(message.id);
    known?.set(message.id, message);
    if (!known || isNew) noteUnread(message);
    if (isNew) state.typing.delete(message.channel_id);
  },
  gone({ id, channel_id }) { state.messages.get(channel_id)?.delete(id); },
  typing({ channel_id, name }) {
    state.typing.set(channel_id, { name, until: Date.now() + 10_000 });
    setTimeout(changed, 10_100);
  },
  wire(entries) { state.wire = [...state.wire, ...entries].slice(-400); },
  log(entries) {
    const lines = entries.map(readLine);
    state.log = [...state.log, ...lines].slice(-600);
    for (const { job_id: job, text } of lines) noteState(job, /: now (\w+)$/.exec(text)?.[1]);
  },
  books(books) {
    state.books = books;
    for (const job of books?.jobs ?? []) noteState(job.id, job.state);
  },
  stale() { refresh(); },
};

// The bot's log is one JSON object a line; other lines come from a crash.
function readLine({ n, line }) {
  try {
    const { time, level, logger, message, ...more } = JSON.parse(line);
    return { n, time: time.slice(11, 23), level, logger, text: message, more, job_id: more.job_id };
  } catch { return { n, level: /Traceback|Error/.test(line) ? "ERROR" : "", text: line }; }
}

function noteState(job, name) {
  const seen = state.path.get(job) ?? [];
  if (job && name && !seen.includes(name)) state.path.set(job, [...seen, name]);
}

function noteUnread(message) {
  if (message.author.id === state.world.me.id || message.edits || (message.channel_id === state.channelId && !document.hidden)) return;
  if (Date.parse(message.timestamp) / 1000 < now() - 60) return;
  const seen = state.unread.get(message.channel_id) ?? { count: 0, mentions: 0 };
  const forMe = message.mentions.some((user) => user.id === state.world.me.id) || message.channel_id === state.world.dm.id;
  state.unread.set(message.channel_id, { count: seen.count + 1, mentions: seen.mentions + (forMe ? 1 : 0) });
}

// --- reading ---

async function request(path, options) {
  const reply = await fetch(path, options);
  const answer = await reply.json().catch(() => ({ error: `The page's server answered ${reply.status}.` }));
  if (!reply.ok) throw new Error(answer.error);
  return answer;
}
export const read = (path) => request(path);
export const send = (path, body) => request(path, { method: "POST", body: JSON.stringify(body) });

export async function select(id) {
  if (!id) return;
  set({ channelId: id, replyTo: null });
  state.unread.delete(id);
  if (!state.messages.has(id)) await loadMessages(id);
}

export async function loadMessages(id, before) {
  const query = new URLSearchParams({ as: state.as, channel: id, ...(before ? { before } : {}) });
  const found = await read(`messages?${query}`);
  const known = before ? state.messages.get(id) : new Map();
  for (const message of found) known.set(message.id, message);
  state.messages.set(id, known);
  if (found.length < 60) state.reachedTop.add(id);
  changed();
}

// After a lost connection or a jump of the clock, what is on the page may be old.
function refresh() {
  state.reachedTop.clear();
  for (const id of [...state.messages.keys()]) {
    if (id === state.channelId) loadMessages(id).catch(() => {}); else state.messages.delete(id);
  }
}

// --- acting ---

export const act = (name, body) => send(`do/${name}`, { user: state.as, ...body });

// Sends an interaction. Its answer is a form, a message (which the stream brings), or nothing for three seconds.
export async function interact(name, body, { label, messageId } = {}) {
  if (label) state.acted += 1;
  const row = label ? { id: `p${Math.random()}`, channelId: state.channelId, label, failed: false, at: now() } : null;
  if (row) set({ pending: [...state.pending, row] });
  const settle = (failed) => {
    if (row) state.pending = failed ? state.pending.map((one) => (one === row ? { ...row, failed } : one)) : state.pending.filter((one) => one !== row);
    if (messageId) failed ? state.failed.set(messageId, failed) : state.failed.delete(messageId);
    changed();
  };
  try {
    const answer = await act(name, body);
    settle(answer.acknowledged ? "" : messageId ? "This interaction failed" : "The application did not respond");
    if (answer.modal) set({ modal: answer.modal, overlay: null });
    return answer;
  } catch (error) {
    settle("");
    throw error;
  }
}

export async function upload(file) {
  if (file.sample) return { sample: file.sample };
  const path = `upload?name=${encodeURIComponent(file.name)}`;
  const { id } = await request(path, { method: "POST", body: file.blob, headers: { "Content-Type": file.type || "application/octet-stream" } });
  return { upload: id };
}

let noticeTimer;
export function tell(sentence) {
  clearTimeout(noticeTimer);
  noticeTimer = setTimeout(() => set({ notice: "" }), 6000);
  set({ notice: sentence });
}
// Asks for a name; an empty answer is none.
export function ask(question, start = "") {
  return new Promise((resolve) => set({ overlay: { kind: "ask", question, start, resolve, x: innerWidth / 2 - 170, y: innerHeight / 3 } }));
}
// Runs what may be refused, and says why if it is.
export const attempt = (promise) => promise.catch((error) => tell(error.message));

export function become(name) {
  location.hash = `as=${encodeURIComponent(name)}`;
  const empty = { messages: new Map(), reachedTop: new Set(), unread: new Map(), pending: [], failed: new Map(), modal: null, overlay: null, replyTo: null, world: null };
  set({ as: name, ...empty });
  socket.onclose = null;
  socket.close();
  connect();
  const wanted = state.channelId;
  state.channelId = null;
  const wait = setInterval(() => {
    if (!state.world) return;
    clearInterval(wait);
    select(channel(wanted)?.id ?? channels()[0]?.id);
  }, 10);
}

export function dismiss(id) {
  state.dismissed.add(id);
  sessionStorage.setItem("dismissed", JSON.stringify([...state.dismissed].slice(-500)));
  changed();
}

// --- asking what is known ---

export const now = () => (state.status ? state.status.clock.now + Date.now() / 1000 - state.status.local : Date.now() / 1000);
export const byId = (a, b) => a.id.length - b.id.length || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
export const channels = () => [...(state.world?.servers.flatMap((server) => server.channels) ?? []), ...(state.world ? [state.world.dm] : [])];
export const channel = (id = state.channelId) => channels().find((one) => one.id === id);
export const server = () => state.world?.servers.find((one) => one.id === channel()?.guild_id) ?? state.world?.servers[0];
export const isDm = (place) => place?.type === 1;
export const isThread = (place) => [10, 11, 12].includes(place?.type);
export const nameOf = (place) => (isDm(place) ? "Wanda" : place?.name ?? "unknown");
export function person(id) {
  return [...state.world.people, state.world.bot].find((one) => one.id === id);
}
export function shownMessages() {
  const known = state.messages.get(state.channelId);
  return known ? [...known.values()].filter((one) => !state.dismissed.has(one.id)).sort(byId) : [];
}
// The commands of one kind that Discord offers here: 1 slash commands, 2 on a person, 3 on a message.
export function offered(kind, place = channel()) {
  return state.world.commands.filter((one) => one.type === kind && place.commands.includes(one.id));
}
export function bytes(size) {
  return size < 1000 ? `${size} bytes` : size < 1e6 ? `${(size / 1e3).toFixed(0)} KB` : `${(size / 1e6).toFixed(1)} MB`;
}
