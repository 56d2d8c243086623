// The page: channels on the left, the channel in the middle, people on the right, and behind the scenes.
import { html, render } from "./vendor/htm-preact.js";
import { Composer } from "./composer.js";
import { readSamples } from "./files.js";
import { Drawer } from "./drawer.js";
import { AppTag, Face, Messages, Typing, openUser } from "./message.js";
import { Modal } from "./modal.js";
import { Overlay } from "./overlays.js";
import { act, ask, attempt, become, channel, connect, isDm, isThread, nameOf, select, server, set, state, subscribe } from "./store.js";

const theme = { stored: localStorage.getItem("theme") };
function setTheme(name) {
  document.documentElement.dataset.theme = theme.stored = name;
  localStorage.setItem("theme", name);
}
const isDark = () => (theme.stored ? theme.stored === "dark" : matchMedia("(prefers-color-scheme: dark)").matches);
if (theme.stored) document.documentElement.dataset.theme = theme.stored;

const ICONS = { 0: "#", 2: "🔊", 4: "▾", 5: "📢", 10: "🧵", 11: "🧵", 12: "🔒", 13: "🎙", 15: "🗂", 16: "🗂" };

function ChannelRow({ place, inset }) {
  const unread = state.unread.get(place.id), here = state.channelId === place.id;
  return html`<li><button class="channel ${here ? "here" : ""} ${unread ? "unread" : ""} ${inset ? "inset" : ""}" aria-current=${here ? "page" : null} onClick=${() => { select(place.id); set({ menuOpen: false }); }}>
    ${isDm(place) ? html`<${Face} user=${state.world.bot} small />` : html`<span class="hash" aria-hidden="true">${ICONS[place.type] ?? "#"}</span>`}<span class="grow">${nameOf(place)}</span>
    ${unread?.mentions ? html`<span class="badge" aria-label="${unread.mentions} mentions">${unread.mentions}</span>` : unread && html`<span class="dot" aria-label="unread"></span>`}</button></li>`;
}

function Channels() {
  const { world } = state;
  return html`<nav class="channels ${state.menuOpen ? "open" : ""}" aria-label="Channels">
    ${world.servers.map((one) => {
    const roots = one.channels.filter((place) => !isThread(place)), threads = one.channels.filter((place) => isThread(place) && !place.thread_metadata?.archived);
    return html`<section key=${one.id}><h2>${one.name}<small title="Boost level">${"⬢".repeat(one.tier)}</small></h2><ul>${roots.map((place) => [html`<${ChannelRow} key=${place.id} place=${place} />`,
      threads.filter((thread) => thread.parent_id === place.id).map((thread) => html`<${ChannelRow} key=${thread.id} place=${thread} inset />`)])}</ul></section>`;
  })}
    <section><h2>Direct messages</h2><ul><${ChannelRow} place=${world.dm} /></ul></section>
    <div class="you"><${People} /></div></nav>`;
}

// Whom the visitor plays. Every window can be another person.
function People() {
  const add = async () => {
    const name = (await ask("What is the new member called?")).replace(/\s+/g, "-");
    if (name) attempt(act("world", { members: [{ name, server: server().id }] }).then(() => become(name)));
  };
  return html`<p class="youhead">You are</p><div class="people" role="radiogroup" aria-label="Who you are">${state.world.people.map((one) => html`<button key=${one.id} role="radio" aria-checked=${one.username === state.as} class=${one.username === state.as ? "here" : ""} onClick=${() => one.username === state.as || become(one.username)}><${Face} user=${one} small />${one.username}</button>`)}
    <button class="add" onClick=${add}>+ Add</button></div>
    <div class="youtools"><a href="#as=${state.as === "friend" ? "maker" : "friend"}" target="_blank" rel="noreferrer">Second person in a new window</a>
    <button class="icon" aria-label=${isDark() ? "Light colours" : "Dark colours"} title="Light or dark" onClick=${() => { setTheme(isDark() ? "light" : "dark"); set({}); }}>${isDark() ? "☀" : "☾"}</button></div>`;
}

function Header() {
  const place = channel();
  return html`<header class="top"><button class="icon burger" aria-label="Channels" onClick=${() => set({ menuOpen: !state.menuOpen })}>☰</button>
    <h1><span class="hash" aria-hidden="true">${isDm(place) ? "@" : ICONS[place.type] ?? "#"}</span> ${nameOf(place)}</h1>
    ${place.rate_limit_per_user > 0 && html`<span class="topic">slow mode: one message in ${place.rate_limit_per_user} s</span>`}
    ${isThread(place) && place.thread_metadata.archived && html`<span class="topic">archived</span>`}
    <span class="grow"></span>
    ${!state.connected && html`<span class="offline" role="status">Connection lost, trying again…</span>`}
    <button class="icon" aria-label="Members" aria-pressed=${!state.hideMembers} title="Members" onClick=${() => set({ hideMembers: !state.hideMembers })}>👥</button>
    <button class="button secondary small" aria-expanded=${Boolean(state.drawer)} onClick=${() => set({ drawer: state.drawer ? null : "jobs" })}>Behind the scenes</button></header>`;
}

function Members() {
  const here = server(), place = channel();
  if (!here || isDm(place) || state.hideMembers) return null;
  const row = ({ user }) => {
    const online = !user.bot || state.status?.connected;
    return html`<li key=${user.id}><button class="member ${online ? "" : "off"}" onClick=${(event) => openUser(event, user)} onContextMenu=${(event) => openUser(event, user)}><${Face} user=${user} small /><span>${user.username}</span>${user.bot && html`<${AppTag} />`}${here.owner_id === user.id && html`<span title="Owner" aria-label="owner">👑</span>`}</button></li>`;
  };
  const online = here.members.filter(({ user }) => !user.bot || state.status?.connected), off = here.members.filter((one) => !online.includes(one));
  return html`<aside class="members" aria-label="Members"><h2>Online — ${online.length}</h2><ul>${online.map(row)}</ul>${off.length > 0 && html`<h2>Offline — ${off.length}</h2><ul>${off.map(row)}</ul>`}</aside>`;
}

function Tips() {
  if (state.tipsSeen ?? (state.acted > 0 || localStorage.getItem("tips"))) return null;
  const close = () => { localStorage.setItem("tips", "seen"); set({ tipsSeen: true }); };
  return html`<div class="tips" role="note"><p><b>New here?</b> Type <code>/</code> and choose <b>/wan27 image</b>. Or right-click friend's photo (⋯ on a phone) and choose <b>Animate picture</b>. Everything is on this machine; nothing is paid.</p><button aria-label="Close the tips" onClick=${close}>✕</button></div>`;
}

function App() {
  if (!state.world || !channel()) return html`<p class="loading">${state.connected ? "Loading…" : "Connecting…"}</p>`;
  const down = state.status && state.status.bot.state !== "ready";
  return html`<div class="page ${state.drawer ? "withdrawer" : ""}"><${Channels} />
    ${state.menuOpen && html`<button class="scrim" aria-label="Close the channels" onClick=${() => set({ menuOpen: false })}></button>`}
    <main><${Header} />${down && html`<p class="banner" role="status">${state.status.bot.state === "starting" ? "Wanda is starting…" : "Wanda is not running."} ${state.status.bot.state === "stopped" && html`<button class="link" onClick=${() => set({ drawer: "trouble" })}>Start her</button>`}</p>`}
      <${Tips} /><div class="middle"><div class="chat"><${Messages} /><${Composer} /><${Typing} /></div><${Members} /></div></main>
    <${Drawer} /></div><${Modal} /><${Overlay} />${state.notice && html`<p class="toast" role="alert">${state.notice}</p>`}`;
}

const root = document.getElementById("app");
subscribe(() => render(html`<${App} />`, root));
addEventListener("hashchange", () => { const name = new URLSearchParams(location.hash.slice(1)).get("as"); if (name && name !== state.as) become(name); });
addEventListener("focus", () => { state.unread.delete(state.channelId); set({}); });
connect();
readSamples().then(() => set({}));
