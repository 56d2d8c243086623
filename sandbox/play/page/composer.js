// Where a person writes: plain messages, files, and slash commands with the picker that Discord's client has.
import { html, useEffect, useLayoutEffect, useRef, useState } from "./vendor/htm-preact.js";
import { FileChip, Gallery, fromBrowser, fromSample, samples } from "./files.js";
import { act, channel, channels, interact, isDm, nameOf, offered, server, set, state, upload } from "./store.js";

const TEXT = 3, INTEGER = 4, BOOLEAN = 5, USER = 6, CHANNEL = 7, ROLE = 8, MENTIONABLE = 9, NUMBER = 10, FILE = 11;

// Every command that can be sent: groups and subcommands as one line, such as "wan27 image".
function lines(place) {
  const walk = (node, words, command) => {
    const nested = (node.options ?? []).filter((one) => one.type === 1 || one.type === 2);
    if (nested.length) return nested.flatMap((one) => walk(one, [...words, one.name], command));
    return [{ id: command.id, line: words.join(" "), about: node.description, options: node.options ?? [] }];
  };
  return offered(1, place).flatMap((command) => walk(command, [command.name], command));
}

// What Discord's client checks before it sends an option; returns what is wrong, or nothing.
function problem(option, given) {
  const { type, required } = option;
  if (type === FILE) return required && !given?.file ? "This option is required. Attach a file." : "";
  if (!given || given.text === "") return required ? "This option is required. Specify a value." : "";
  if (option.choices || option.type === BOOLEAN || isEntity(type)) return given.picked ? "" : "Choose one from the list.";
  if (type === INTEGER && !/^-?\d+$/.test(given.text)) return "Enter a valid whole number.";
  if (type === NUMBER && (given.text.trim() === "" || Number.isNaN(Number(given.text)))) return "Enter a valid number.";
  const size = type === TEXT ? given.text.length : Number(given.text), unit = type === TEXT ? " characters" : "";
  const low = type === TEXT ? option.min_length : option.min_value, high = type === TEXT ? option.max_length : option.max_value;
  if (low != null && size < low) return `Must be at least ${low}${unit}.`;
  if (high != null && size > high) return `Must be at most ${high}${unit}.`;
  return "";
}
const isEntity = (type) => [USER, CHANNEL, ROLE, MENTIONABLE].includes(type);
const range = ({ min_value: low, max_value: high }) => (low == null && high == null ? "" : low != null && high != null ? ` (${low} to ${high})` : low != null ? ` (from ${low})` : ` (up to ${high})`);

function known(option) {
  if (option.choices) return option.choices;
  if (option.type === BOOLEAN) return [{ name: "True", value: true }, { name: "False", value: false }];
  const here = server();
  const people = (here?.members ?? []).map(({ user }) => ({ name: `@${user.username}`, value: user.id }));
  const roles = (here?.roles ?? []).filter((one) => one.name !== "@everyone").map((one) => ({ name: `@${one.name}`, value: one.id }));
  if (option.type === USER) return people;
  if (option.type === ROLE) return roles;
  if (option.type === MENTIONABLE) return [...people, ...roles];
  if (option.type === CHANNEL) return channels().filter((one) => !isDm(one) && (!option.channel_types || option.channel_types.includes(one.type))).map((one) => ({ name: `#${nameOf(one)}`, value: one.id }));
  return null;
}

function valueOf(option, given) {
  if (given.picked) return given.value;
  return option.type === INTEGER || option.type === NUMBER ? Number(given.text) : given.text;
}

export function Composer() {
  const place = channel();
  const [text, setText] = useState(""), [command, setCommand] = useState(null), [given, setGiven] = useState({}), [added, setAdded] = useState([]);
  const [focus, setFocus] = useState(""), [active, setActive] = useState(0), [answers, setAnswers] = useState([]), [error, setError] = useState("");
  const [files, setFiles] = useState([]), [gallery, setGallery] = useState(false), [tried, setTried] = useState(false), [wanted, setWanted] = useState("");
  const box = useRef();
  const [shut, setShut] = useState(null); // where Escape closed the list of choices
  const [aim, setAim] = useState(null); // what gets the focus once it is drawn
  const focusOn = (name) => { setFocus(name); setActive(0); setWanted(""); setAim({ name }); };
  useLayoutEffect(() => { if (aim) box.current?.querySelector(aim.name ? `[data-option="${aim.name}"]` : "#draft")?.focus(); }, [aim]);
  const clear = () => { setShut(null); setCommand(null); setGiven({}); setAdded([]); setFocus(""); setTried(false); setError(""); setAnswers([]); };
  const begin = (leaf) => {
    clear(); setText(""); setCommand(leaf);
    const first = leaf.options.find((one) => one.required);
    focusOn(first?.name ?? "+");
  };
  const addFiles = (more) => {
    const free = command?.options.filter((one) => one.type === FILE && !given[one.name]?.file) ?? [];
    if (!command) setFiles((now) => [...now, ...more].slice(0, 10));
    else {
      const taken = Object.fromEntries(free.slice(0, more.length).map((one, n) => [one.name, { file: more[n] }]));
      setGiven((now) => ({ ...now, ...taken }));
      setAdded((now) => [...new Set([...now, ...Object.keys(taken).filter((name) => !command.options.find((one) => one.name === name).required)])]);
    }
    setGallery(false);
  };
  useEffect(() => {
    const on = {
      command: (event) => { const leaf = lines(place).find((one) => one.line === event.detail); if (leaf) begin(leaf); },
      insert: (event) => { setText((now) => now + event.detail); focusOn(""); },
      dragover: (event) => event.preventDefault(),
      drop: (event) => { event.preventDefault(); if (!state.modal) addFiles([...event.dataTransfer.files].map(fromBrowser)); },
      paste: (event) => { if (!state.modal && event.clipboardData?.files.length) { event.preventDefault(); addFiles([...event.clipboardData.files].map(fromBrowser)); } },
    };
    for (const [name, run] of Object.entries(on)) document.addEventListener(name, run);
    return () => { for (const [name, run] of Object.entries(on)) document.removeEventListener(name, run); };
  });
  useEffect(() => { clear(); setFiles([]); setGallery(false); }, [place?.id, state.as]);

  const shown = command ? [...command.options.filter((one) => one.required), ...added.map((name) => command.options.find((one) => one.name === name))] : [];
  const more = command ? command.options.filter((one) => !shown.includes(one)) : [];
  const option = shown.find((one) => one.name === focus);
  const typed = option ? (given[focus]?.picked ? "" : given[focus]?.text ?? "") : "";
  const matches = () => {
    if (!command) {
      const mention = /(^|\s)([@#])([\w.-]*)$/.exec(text);
      if (mention) {
        const all = mention[2] === "@" ? (server()?.members ?? []).map(({ user }) => user.username) : channels().filter((one) => !isDm(one)).map(nameOf);
        const insert = (name) => { setText(text.slice(0, text.length - mention[3].length) + name + " "); focusOn(""); };
        return all.filter((name) => name.toLowerCase().startsWith(mention[3].toLowerCase())).map((name) => ({ key: name, name: mention[2] + name, pick: () => insert(name) }));
      }
      if (!text.startsWith("/")) return [];
      const words = text.slice(1).toLowerCase().split(/\s+/).filter(Boolean);
      return lines(place).filter((one) => words.every((word) => one.line.includes(word)) || one.about.toLowerCase().includes(text.slice(1).toLowerCase().trim() || "\0")).sort((a, b) => b.line.startsWith(words.join(" ")) - a.line.startsWith(words.join(" ")))
        .map((leaf) => ({ key: leaf.line, name: `/${leaf.line}`, about: leaf.about, pick: () => begin(leaf) }));
    }
    if (focus === "+") return more.filter((one) => one.name.includes(wanted.toLowerCase().replace(":", ""))).map((one) => ({ key: one.name, name: one.name, about: one.description, pick: () => { setAdded([...added, one.name]); focusOn(one.name); } }));
    if (!option) return [];
    if (option.type === FILE) return given[focus]?.file ? [] : samples.map((one) => ({ key: one.name, name: one.title, pick: () => take(one) }));
    const list = option.autocomplete ? answers : known(option)?.filter((one) => one.name.toLowerCase().includes(typed.toLowerCase()));
    return (list ?? []).slice(0, 25).map((one) => ({ key: String(one.value), name: one.name, pick: () => { setGiven({ ...given, [focus]: { text: one.name, value: one.value, picked: true } }); forward(focus, true); } }));
  };
  const take = (sample) => { setGiven({ ...given, [focus]: { file: sample.sample ? sample : fromSample(sample) } }); forward(focus, true); };
  const here = [focus, typed, wanted].join("\n");
  const list = command && shut === here ? [] : matches();

  useEffect(() => {
    if (!option?.autocomplete) return undefined;
    let over = false;
    const timer = setTimeout(async () => {
      const filled = Object.fromEntries(shown.filter((one) => one.type !== FILE && one.name !== focus && given[one.name]?.text).map((one) => [one.name, valueOf(one, given[one.name])]));
      const answer = await act("autocomplete", { channel: place.id, command: command.line, options: { ...filled, [focus]: typed }, focused: focus }).catch(() => null);
      if (!over) setAnswers(answer?.choices ?? []);
    }, 120);
    return () => { over = true; clearTimeout(timer); };
  }, [focus, typed, command]);

  // Goes to the next option that is empty, then to the list of optional ones.
  const forward = (from, justFilled) => {
    const rest = shown.slice(shown.findIndex((one) => one.name === from) + 1);
    const next = rest.find((one) => !given[one.name]?.text && !given[one.name]?.file) ?? (justFilled ? null : rest[0]);
    focusOn(next?.name ?? "+");
  };
  const sendCommand = async () => {
    setTried(true);
    const wrong = shown.find((one) => problem(one, given[one.name]));
    if (wrong) { focusOn(wrong.name); return; }
    const kept = { command, given, added };
    const filled = shown.filter((one) => one.type !== FILE && given[one.name]?.text);
    const options = Object.fromEntries(filled.map((one) => [one.name, valueOf(one, given[one.name])]));
    clear(); focusOn("");
    try {
      const attached = Object.fromEntries(await Promise.all(shown.filter((one) => given[one.name]?.file).map(async (one) => [one.name, await upload(given[one.name].file)])));
      await interact("slash", { channel: place.id, command: kept.command.line, options, files: attached }, { label: `/${kept.command.line}` });
    } catch (refused) { setCommand(kept.command); setGiven(kept.given); setAdded(kept.added); setError(refused.message); }
  };
  const sendMessage = async () => {
    const content = text.trim();
    if (!content && !files.length) return;
    if (content.startsWith("/")) { setError("There is no such command here."); return; }
    const people = [...state.world.people, state.world.bot];
    const addressed = content.replace(/@([\w.-]+)/g, (whole, name) => { const found = people.find((one) => one.username === name); return found ? `<@${found.id}>` : whole; })
      .replace(/#([\w-]+)/g, (whole, name) => { const found = channels().find((one) => one.name === name); return found ? `<#${found.id}>` : whole; });
    const kept = files, reply = state.replyTo;
    setText(""); setFiles([]); setError(""); set({ replyTo: null, acted: state.acted + 1 });
    try {
      const attached = await Promise.all(kept.map(upload));
      await act("say", { channel: place.id, content: addressed, files: attached, ...(reply ? { reply_to: reply.id } : {}) });
    } catch (refused) { setText(content); setFiles(kept); setError(refused.message); }
  };
  const keys = (event) => {
    if (event.isComposing) return;
    if (event.key === "Escape" && command && list.length && option?.type !== FILE) setShut(here);
    else if (event.key === "Escape") { if (command || text) { clear(); setText(""); focusOn(""); } else set({ replyTo: null }); }
    else if (list.length && (/^Arrow(Down|Up)$/.test(event.key) || (option?.type === FILE && /^Arrow/.test(event.key)))) { setActive((active + (/Down|Right/.test(event.key) ? 1 : list.length - 1)) % list.length); event.preventDefault(); }
    else if (event.key === "Backspace" && command && event.target.value === "" && event.target.dataset.option) { event.preventDefault(); goBack(event.target.dataset.option); }
    else if (event.key === "Tab" && !event.shiftKey && (command || list.length)) {
      if (list.length && (focus !== "+" || wanted || active > 0)) list[Math.min(active, list.length - 1)].pick(); else if (focus !== "+") forward(focus); else return;
      event.preventDefault();
    } else if (event.key === "Enter" && !event.shiftKey && event.target.type !== "file") {
      const current = list[Math.min(active, list.length - 1)];
      const mustPick = (!command && list.length) || option?.type === FILE || (option && (option.choices || isEntity(option.type) || option.type === BOOLEAN || (option.autocomplete && active > 0)) && !given[focus]?.picked && (typed || option.required));
      event.preventDefault();
      if (current && mustPick) current.pick(); else if (current && focus === "+" && (active > 0 || wanted)) current.pick(); else command ? sendCommand() : sendMessage();
    }
  };
  const goBack = (name) => {
    const at = shown.findIndex((one) => one.name === name);
    if (added.includes(name)) { setAdded(added.filter((one) => one !== name)); setGiven({ ...given, [name]: undefined }); }
    if (at > 0) focusOn(shown[at - 1].name); else if (name === "+" && shown.length) focusOn(shown.at(-1).name); else if (!added.includes(name)) { clear(); setText(""); focusOn(""); }
  };
  useEffect(() => { box.current?.querySelector(".picker .active")?.scrollIntoView({ block: "nearest" }); }, [active]);

  if (!place) return null;
  if (!place.can.write && !(state.world && isDm(place))) return html`<div class="composer" ref=${box}><p class="nowrite">You do not have permission to send messages in this channel.</p></div>`;
  const wrong = option ? problem(option, given[option.name]) : "";
  return html`<div class="composer" ref=${box} onKeyDown=${keys}>
    ${(list.length > 0 || option || focus === "+" && command || (text.startsWith("/") && !command)) && html`<div class="picker" id="picker">
      ${option ? html`<p class="pickhead"><b>${option.name}</b> ${option.description}${range(option)}</p>${(tried || given[option.name]?.text) && wrong && html`<p class="failure" role="alert">${wrong}</p>`}`
    : command ? html`<p class="pickhead">${more.length ? "Optional: choose more, or press Enter to send" : "Press Enter to send"}</p>`
    : html`<p class="pickhead">${!text.startsWith("/") ? "Members and channels" : list.length ? "Commands of Wanda" : state.status?.bot.state === "ready" ? "No command matches" : "Wanda is starting…"}</p>`}
      ${option?.type === FILE && !given[option.name]?.file && html`<p class="hint">Drop, paste or choose a file, or take a sample with the arrow keys.</p><${Gallery} active=${active} onPick=${take} />`}
      ${option?.type !== FILE && html`<ul role="listbox" id="picklist">${list.map((one, n) => html`<li key=${one.key} id="pick${n}" role="option" aria-selected=${n === active} class=${n === active ? "active" : ""} onMouseDown=${(event) => { event.preventDefault(); one.pick(); }} onMouseEnter=${() => setActive(n)}><b>${one.name}</b>${one.about && html`<small>${one.about}</small>`}</li>`)}</ul>`}</div>`}
    ${gallery && html`<div class="picker"><p class="pickhead">Attach to your message</p><label class="upload">Drop a file here or <u>browse</u><input type="file" multiple onChange=${(event) => addFiles([...event.target.files].map(fromBrowser))} /></label><${Gallery} onPick=${(file) => addFiles([file])} /></div>`}
    ${state.replyTo && html`<p class="replying">Replying to <b>${state.replyTo.author.username}</b><button aria-label="Do not reply" onClick=${() => set({ replyTo: null })}>✕</button></p>`}
    ${error && html`<p class="failure" role="alert">${error}</p>`}
    ${files.length > 0 && html`<div class="filechips">${files.map((file) => html`<${FileChip} key=${file.url} file=${file} onRemove=${() => setFiles(files.filter((one) => one !== file))} />`)}</div>`}
    <div class="draftbox">
      <button class="plus" aria-label="Attach a file" aria-expanded=${gallery} title="Attach a file" onClick=${() => (command ? focusOn(command.options.find((one) => one.type === FILE)?.name) : setGallery(!gallery))}>+</button>
      ${command ? html`<div class="commandline" role="group" aria-label="/${command.line}"><span class="cmdname">/${command.line}</span>
        ${shown.map((one) => html`<${Option} key=${one.name} option=${one} given=${given[one.name]} focused=${focus === one.name} wrong=${tried && problem(one, given[one.name])} active=${active}
          onFocus=${() => { if (focus !== one.name) { setFocus(one.name); setActive(0); setAnswers([]); } }} onInput=${(value) => { setGiven({ ...given, [one.name]: { text: value } }); setActive(0); setError(""); }}
          onFile=${(file) => { setGiven({ ...given, [one.name]: file && { file } }); if (file) forward(one.name, true); }} />`)}
        <span class="more"><input data-option="+" aria-label=${more.length ? "Add an option, or press Enter to send" : "Press Enter to send"} aria-controls="picklist" aria-activedescendant="pick${active}" placeholder=${more.length ? `+${more.length} more` : ""} value=${wanted} autocomplete="off" spellcheck="false"
          onFocus=${() => { if (focus !== "+") { setFocus("+"); setActive(0); } }} onInput=${(event) => { const exact = more.find((one) => `${one.name}:` === event.target.value); setActive(0); if (exact) { setAdded([...added, exact.name]); focusOn(exact.name); } else setWanted(event.target.value); }} /></span></div>`
    : html`<textarea id="draft" rows=${Math.min(8, text.split("\n").length)} aria-label="Message ${isDm(place) ? "Wanda" : `#${nameOf(place)}`}" placeholder="Message ${isDm(place) ? "@Wanda" : `#${nameOf(place)}`}" value=${text} aria-controls=${list.length ? "picklist" : null} aria-activedescendant=${list.length ? `pick${active}` : null}
        onInput=${(event) => { setText(event.target.value); setActive(0); setError(""); }} onFocus=${() => setGallery(false)}></textarea>`}
      ${(command || text || files.length > 0) && html`<button class="send" aria-label="Send" title="Send" onClick=${() => (command ? sendCommand() : sendMessage())}>➤</button>`}
    </div></div>`;
}

function Option({ option, given, focused, wrong, active, onFocus, onInput, onFile }) {
  const file = given?.file, value = given?.text ?? "";
  const field = option.type === FILE
    ? html`<button data-option=${option.name} class="fileoption" onFocus=${onFocus}>${file ? file.name : "choose a file"}</button>${file ? html`<button aria-label="Remove ${file.name}" class="remove" onClick=${() => onFile(null)}>✕</button>`
      : html`<label class="browse" title="From this computer">⤒<input type="file" onChange=${(event) => event.target.files[0] && onFile(fromBrowser(event.target.files[0]))} /></label>`}`
    : html`<span class="grows" data-text=${value || " "}><input data-option=${option.name} aria-label="${option.name}: ${option.description}" aria-invalid=${Boolean(wrong)} aria-controls="picklist" aria-activedescendant=${focused ? `pick${active}` : null} value=${value} autocomplete="off" spellcheck="false" size="1"
        inputmode=${option.type === INTEGER ? "numeric" : null} onFocus=${onFocus} onInput=${(event) => onInput(event.target.value)} /></span>`;
  return html`<span class="option ${focused ? "focused" : ""} ${wrong ? "wrong" : ""} ${given?.picked || file ? "set" : ""}"><span class="optname">${option.name}</span>${field}</span>`;
}
