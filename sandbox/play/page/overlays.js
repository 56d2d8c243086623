// What opens above the page: menus of a message or a person, the emoji picker, a large picture.
import { html, useEffect, useLayoutEffect, useRef, useState } from "./vendor/htm-preact.js";
import { act, ask, attempt, channel, interact, isDm, offered, select, server, set, state, tell } from "./store.js";
import { openEmoji, react } from "./message.js";

const EMOJI = "🔁 repeat again rerun,🎲 dice random seed,✉️ envelope mail letter,❌ cross delete no,👍 thumbs up yes,👎 thumbs down,❤️ heart love,😂 joy laugh,🎉 party tada,🔥 fire hot,👀 eyes look,🙏 pray thanks,😍 heart eyes,😢 cry sad,😮 wow open mouth,😡 angry,✅ check yes,⭐ star,💯 hundred,🚀 rocket,🎬 clapper film video,🎥 camera video,🎵 note music,🔊 loud sound,🖼️ picture frame,📷 camera photo,🌅 sunrise,🌊 wave sea,🏔️ mountain,🐱 cat,🐶 dog,🦊 fox,🌈 rainbow,☀️ sun,🌙 moon,⚡ bolt,❄️ snow,🍕 pizza,☕ coffee,🎂 cake,💡 idea bulb,💰 money,⏳ hourglass wait,⏸️ pause,▶️ play,⏩ fast,🔄 reload,🛑 stop,❓ question,❗ exclamation,💬 speech,📌 pin,🔒 lock,🔑 key,🧪 test tube,🤖 robot,👋 wave hello,🤔 think,😎 cool,🥳 party face,😴 sleep,🙌 hands,👏 clap,💪 strong,🫶 heart hands"
  .split(",").map((one) => { const [char, ...names] = one.split(" "); return { char, names: names.join(" ") }; });

export function Overlay() {
  const { overlay } = state, box = useRef(), opener = useRef();
  const close = () => { set({ overlay: null }); opener.current?.focus?.(); };
  useEffect(() => { if (overlay) opener.current = document.activeElement; }, [overlay?.kind]);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element || overlay.kind === "picture") return;
    element.style.left = `${Math.max(8, Math.min(overlay.x, innerWidth - element.offsetWidth - 8))}px`;
    element.style.top = `${Math.max(8, Math.min(overlay.y, innerHeight - element.offsetHeight - 8))}px`;
    if (!element.contains(document.activeElement)) element.querySelector("input,button")?.focus();
  });
  if (!overlay) return null;
  const keys = (event) => {
    if (event.key === "Escape") close();
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    const items = [...box.current.querySelectorAll("[role=menuitem]")], step = event.key === "ArrowDown" ? 1 : items.length - 1;
    items[(items.indexOf(document.activeElement) + step) % items.length]?.focus();
    event.preventDefault();
  };
  const isMenu = ["message", "user"].includes(overlay.kind);
  const kinds = { message: MessageMenu, user: UserMenu, emoji: EmojiPicker, picture: Picture, ask: Ask };
  return html`<div class="backdrop ${["picture", "ask"].includes(overlay.kind) ? "dark" : ""}" onClick=${(event) => event.target === event.currentTarget && close()} onContextMenu=${(event) => { if (event.target === event.currentTarget) { event.preventDefault(); close(); } }} onKeyDown=${keys}>
    <div class="overlay ${isMenu ? "menu" : overlay.kind}" ref=${box} role=${isMenu ? "menu" : "dialog"} aria-label=${overlay.kind}><${kinds[overlay.kind]} overlay=${overlay} close=${close} /></div></div>`;
}

function Item({ label, icon, run, danger }) {
  return html`<button role="menuitem" class=${danger ? "danger" : ""} onClick=${run}><span>${label}</span>${icon && html`<span aria-hidden="true">${icon}</span>`}</button>`;
}

function MessageMenu({ overlay, close }) {
  const { message } = overlay, place = channel(), isPrivate = message.flags & 64;
  const then = (work) => () => { close(); work(); };
  const use = (command) => attempt(interact("menu", { message: message.id, command: command.name }, { label: command.name }));
  const startThread = async () => {
    const name = await ask("Thread name", message.content.slice(0, 40) || "New thread");
    if (name) attempt(act("world", { threads: [{ name, channel: place.id, user: state.as, message: message.id }] }).then((made) => setTimeout(() => select(made.threads[0].id), 200)));
  };
  const mine = message.author.id === state.world.me.id;
  const apps = isPrivate ? [] : offered(3, place);
  return html`
    ${!isPrivate && place.can.react && html`<div class="quick">${["🔁", "🎲", "✉️", "❌", "👍"].map((emoji) => html`<button aria-label="React with ${emoji}" onClick=${then(() => react(message, emoji, false))}>${emoji}</button>`)}</div>
      <${Item} label="Add Reaction" icon="☺︎" run=${() => openEmoji({ currentTarget: document.getElementById(`m${message.id}`).querySelector(".tools") }, message)} />`}
    ${!isPrivate && html`<${Item} label="Reply" icon="↩︎" run=${then(() => { set({ replyTo: message }); document.querySelector("#draft")?.focus(); })} />`}
    ${!isPrivate && place.can.start_threads && !message.thread && html`<${Item} label="Create Thread" icon="🧵" run=${then(startThread)} />`}
    ${apps.length > 0 && html`<p class="grouphead" role="presentation">Apps · Wanda</p>${apps.map((one) => html`<${Item} key=${one.id} label=${one.name} icon=${html`<img class="appicon" src="page/icon.svg" alt="" />`} run=${then(() => use(one))} />`)}<hr />`}
    ${message.content && html`<${Item} label="Copy Text" run=${then(() => navigator.clipboard.writeText(message.content).then(() => tell("Copied.")))} />`}
    <${Item} label="Copy Message ID" run=${then(() => navigator.clipboard.writeText(message.id).then(() => tell("Copied.")))} />
    ${!isPrivate && (mine || place.can.manage_messages) && html`<${Item} label="Delete Message" icon="🗑" danger run=${then(() => attempt(act("delete", { message: message.id })))} />`}`;
}

function UserMenu({ overlay, close }) {
  const { user } = overlay, place = channel(), here = server();
  const member = here?.members.find((one) => one.user.id === user.id);
  const apps = isDm(place) || user.bot ? [] : offered(2, place);
  const use = (command) => { close(); attempt(interact("menu", { target: user.id, channel: place.id, command: command.name }, { label: command.name })); };
  const roles = (member?.roles ?? []).map((id) => here.roles.find((role) => role.id === id)?.name);
  return html`<p class="profile"><b>${user.username}</b>${user.bot && html` <span class="app">APP</span>`}<br /><small>${roles.length ? roles.join(", ") : "No roles"}${here?.owner_id === user.id ? " · owner of the server" : ""}</small></p>
    ${user.bot && html`<${Item} label="Message" icon="✉️" run=${() => { close(); select(state.world.dm.id); }} />`}
    ${!user.bot && html`<${Item} label="Mention" run=${() => { close(); document.dispatchEvent(new CustomEvent("insert", { detail: `@${user.username} ` })); }} />`}
    ${apps.length > 0 && html`<p class="grouphead" role="presentation">Apps · Wanda</p>${apps.map((one) => html`<${Item} key=${one.id} label=${one.name} icon=${html`<img class="appicon" src="page/icon.svg" alt="" />`} run=${() => use(one)} />`)}`}
    <${Item} label="Copy User ID" run=${() => { close(); navigator.clipboard.writeText(user.id).then(() => tell("Copied.")); }} />`;
}

function EmojiPicker({ overlay, close }) {
  const [find, setFind] = useState("");
  const shown = EMOJI.filter((one) => one.names.includes(find.toLowerCase()) || one.char === find.trim());
  const pick = (char) => { close(); react(overlay.message, char, false); };
  return html`<input placeholder="Find the perfect emoji" aria-label="Find an emoji" value=${find} onInput=${(event) => setFind(event.target.value)} onKeyDown=${(event) => event.key === "Enter" && shown[0] && pick(shown[0].char)} />
    <div class="grid">${shown.map((one) => html`<button key=${one.char} aria-label=${one.names} title=${one.names} onClick=${() => pick(one.char)}>${one.char}</button>`)}</div>`;
}

function Ask({ overlay, close }) {
  const [name, setName] = useState(overlay.start);
  const answer = (event) => { event.preventDefault(); close(); overlay.resolve(name.trim()); };
  return html`<form onSubmit=${answer}><label for="answer">${overlay.question}</label><input id="answer" value=${name} maxlength="90" onInput=${(event) => setName(event.target.value)} />
    <div class="row"><button type="button" class="button secondary" onClick=${close}>Cancel</button><button class="button primary" disabled=${!name.trim()}>OK</button></div></form>`;
}

function Picture({ overlay, close }) {
  return html`<button class="close" aria-label="Close" onClick=${close}>✕</button><img src=${overlay.url} alt=${overlay.about} />`;
}
