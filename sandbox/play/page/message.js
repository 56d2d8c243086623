// One message as Discord shows it, and the list of a channel's messages.
import { Component, html, useEffect, useLayoutEffect, useRef } from "./vendor/htm-preact.js";
import { Attachments, Components, Embed, Emoji } from "./components.js";
import { Markdown, dateText, inline, jumpTo, whenText } from "./markdown.js";
import { act, attempt, channel, dismiss, isDm, isThread, loadMessages, nameOf, now, select, set, shownMessages, state } from "./store.js";

const EPHEMERAL = 64, LOADING = 128, V2 = 32768;
const HUES = ["#5865f2", "#3ba55c", "#eb459e", "#d9822b", "#0aa2c0", "#8e6bd8"];
const hue = (name) => HUES[[...name].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % HUES.length];

export function Face({ user, small }) {
  return html`<span class="face ${small ? "small" : ""}" aria-hidden="true" style=${{ background: user.bot ? "#5865f2" : hue(user.username) }}>${user.bot ? html`<img src="page/icon.svg" alt="" />` : user.username[0].toUpperCase()}</span>`;
}
export const AppTag = () => html`<span class="app">APP</span>`;

const mentionsMe = (message) => message.mentions.some((user) => user.id === state.world.me.id);
const plainText = (message) => message.content || (message.attachments.length ? "Click to see attachment 🖼️" : message.embeds[0]?.title || "Click to see the message");
export const openMenu = (event, message) => { event.preventDefault(); set({ overlay: { kind: "message", message, x: event.clientX, y: event.clientY } }); };
export const openUser = (event, user) => { event.preventDefault(); set({ overlay: { kind: "user", user, x: event.clientX, y: event.clientY } }); };
export const openEmoji = (event, message) => {
  const box = event.currentTarget.getBoundingClientRect();
  set({ overlay: { kind: "emoji", message, x: box.left - 300, y: box.top - 340 } });
};
export const react = (message, emoji, mine) => attempt(act(mine ? "unreact" : "react", { message: message.id, emoji }));

function Reply({ message }) {
  if (message.interaction) {
    const { user, name } = message.interaction;
    return html`<p class="reply"><${Face} user=${user} small /> <button class="who" onClick=${(event) => openUser(event, user)}>${user.username}</button> used <span class="mention">${message.type === 23 ? "" : "/"}${name}</span></p>`;
  }
  if (message.type !== 19) return null;
  const target = message.referenced_message;
  if (!target) return html`<p class="reply"><i>Original message was deleted</i></p>`;
  return html`<p class="reply"><${Face} user=${target.author} small /> <span class="who">${target.author.username}</span>
    <button class="excerpt" onClick=${() => jumpTo(target.channel_id, target.id)}>${inline(plainText(target).split("\n")[0].slice(0, 120))}</button></p>`;
}

function Reactions({ message }) {
  if (!message.reactions.length) return null;
  return html`<div class="reactions">${message.reactions.map((one) => html`<button key=${one.emoji.name} class="reaction ${one.me ? "mine" : ""}" aria-pressed=${one.me}
      title=${`${one.names.join(", ")} reacted with ${one.emoji.name}`} aria-label=${`${one.emoji.name}, ${one.count} reactions`} onClick=${() => react(message, one.emoji.name, one.me)}><${Emoji} emoji=${one.emoji} /> <span class="count">${one.count}</span></button>`)}
    <button class="reaction add" aria-label="Add reaction" onClick=${(event) => openEmoji(event, message)}>☺︎</button></div>`;
}

function Footer({ message, failed }) {
  const thread = message.thread;
  return html`${thread && html`<button class="threadcard" onClick=${() => select(thread.id)}><b>${thread.name}</b> <span class="link">${thread.message_count} message${thread.message_count === 1 ? "" : "s"} ›</span></button>`}
    ${failed && html`<p class="failure" role="alert">${failed}</p>`}
    ${message.flags & EPHEMERAL ? html`<p class="only"><span aria-hidden="true">👁 </span>Only you can see this • <button class="link" onClick=${() => dismiss(message.id)}>Dismiss message</button></p>` : null}`;
}

// Drawn anew only when it changed: a message is a new object whenever the stand-in changes it.
export class Message extends Component {
  shouldComponentUpdate(next) {
    return ["message", "compact", "failed", "version"].some((key) => next[key] !== this.props[key]);
  }

  render({ message: given, compact, failed }) {
    // A thread begins with the message that it was started at.
    const message = given.type === 21 && given.referenced_message ? { ...given.referenced_message, reactions: [], thread: null } : given;
    const { author } = message, isPrivate = message.flags & EPHEMERAL;
    return html`<li id="m${given.id}" class="message ${compact ? "compact" : ""} ${isPrivate ? "private" : ""} ${mentionsMe(message) ? "mentioned" : ""}" tabindex="-1"
        onContextMenu=${(event) => event.target.closest("a,input,textarea,video") || openMenu(event, message)}>
      <${Reply} message=${message} />
      ${compact ? html`<time class="side">${dateText(Date.parse(message.timestamp) / 1000, "t")}</time>` : html`<${Face} user=${author} />`}
      <div class="body">
        ${!compact && html`<header><button class="who" onClick=${(event) => openUser(event, author)} onContextMenu=${(event) => { event.stopPropagation(); openUser(event, author); }}>${author.username}</button>${author.bot && html`<${AppTag} />`} <time datetime=${message.timestamp} title=${dateText(Date.parse(message.timestamp) / 1000, "F")}>${whenText(message.timestamp)}</time></header>`}
        ${message.flags & LOADING
    ? html`<p class="thinking"><i class="dots"><i></i><i></i><i></i></i> ${author.username} is thinking…</p>`
    : html`${message.content && html`<div class="content"><${Markdown} text=${message.content} />${message.edited_timestamp && html` <span class="edited" title=${message.edited_timestamp}>(edited)</span>`}</div>`}
          ${!(message.flags & V2) && html`<${Attachments} message=${message} />`}
          ${message.embeds.map((embed, n) => html`<${Embed} key=${n} embed=${embed} />`)}
          <${Components} message=${message} />`}
        <${Reactions} message=${message} />
        <${Footer} message=${message} failed=${failed} />
      </div>
      <div class="tools" role="group" aria-label="Message actions">
        ${!isPrivate && channel()?.can.react && html`<button aria-label="Add reaction" title="Add reaction" onClick=${(event) => openEmoji(event, message)}>☺︎</button>`}
        ${!isPrivate && html`<button aria-label="Reply" title="Reply" onClick=${() => { set({ replyTo: message }); document.querySelector("#draft")?.focus(); }}>↩︎</button>`}
        <button aria-label="More" title="More" aria-haspopup="menu" onClick=${(event) => openMenu(event, message)}>⋯</button>
      </div></li>`;
  }
}

function Pending({ row }) {
  return html`<li class="message pending"><span class="face" aria-hidden="true"><img src="page/icon.svg" alt="" /></span><div class="body">
    <p class="reply flat">${state.as} used <span class="mention">${row.label}</span></p>
    ${row.failed ? html`<p class="failure" role="alert">${row.failed}</p><p class="only">Only you can see this • <button class="link" onClick=${() => set({ pending: state.pending.filter((one) => one !== row) })}>Dismiss message</button></p>`
    : html`<p class="thinking"><i class="dots"><i></i><i></i><i></i></i> Sending command…</p>`}</div></li>`;
}

const sameDay = (a, b) => new Date(a.timestamp).toDateString() === new Date(b.timestamp).toDateString();
function isCompact(message, before) {
  return Boolean(before) && before.author.id === message.author.id && message.type === 0 && !message.interaction && !message.webhook_id && sameDay(before, message)
    && !(before.flags & EPHEMERAL) && !(message.flags & EPHEMERAL) && Date.parse(message.timestamp) - Date.parse(before.timestamp) < 7 * 60_000;
}

export function Messages() {
  const messages = shownMessages(), place = channel();
  const list = useRef(), stays = useRef(true), top = useRef(0), grown = useRef(0), acted = useRef(state.acted);
  const toEnd = () => { if (stays.current && list.current) list.current.scrollTop = list.current.scrollHeight; };
  // The list stays at its end until somebody scrolls up; near its top it reads older messages.
  const scrolled = () => {
    const box = list.current;
    if (box.scrollHeight - box.scrollTop - box.clientHeight < 60) stays.current = true;
    else if (box.scrollTop < top.current) stays.current = false;
    top.current = box.scrollTop;
    if (box.scrollTop < 80 && messages.length && !state.reachedTop.has(place.id)) { grown.current = box.scrollHeight; attempt(loadMessages(place.id, messages[0].id)); }
  };
  useLayoutEffect(() => {
    const box = list.current;
    if (acted.current !== state.acted) { acted.current = state.acted; stays.current = true; }
    if (grown.current && box.scrollHeight > grown.current && !stays.current) { box.scrollTop += box.scrollHeight - grown.current; grown.current = 0; } else toEnd();
  });
  useEffect(() => {
    const watch = new ResizeObserver(toEnd); // videos get their height later, and the composer grows
    watch.observe(list.current);
    watch.observe(list.current.firstElementChild);
    return () => watch.disconnect();
  }, []);
  useEffect(() => { stays.current = true; toEnd(); }, [place?.id]);
  const intro = isDm(place) ? "This is the beginning of your direct messages with Wanda." : `This is the start of the ${isThread(place) ? "thread" : `#${nameOf(place)} channel`}.`;
  return html`<div class="messages" ref=${list} onScroll=${scrolled} tabindex="0" role="log" aria-label="Messages in ${nameOf(place)}"><ol>
    ${state.reachedTop.has(place?.id) && html`<li class="intro" key="intro"><p class="h1">${isDm(place) ? "Wanda" : `Welcome to ${isThread(place) ? "" : "#"}${nameOf(place)}!`}</p><p>${intro}</p></li>`}
    ${messages.map((one, n) => [
    (n === 0 || !sameDay(messages[n - 1], one)) && html`<li class="day" key="d${one.id}"><span>${dateText(Date.parse(one.timestamp) / 1000, "D")}</span></li>`,
    html`<${Message} key=${one.id} message=${one} compact=${isCompact(one, messages[n - 1])} failed=${state.failed.get(one.id)} version=${state.world} />`,
  ])}
    ${state.pending.filter((row) => row.channelId === place?.id).map((row) => html`<${Pending} key=${row.id} row=${row} />`)}
  </ol></div>`;
}

export function Typing() {
  const typing = state.typing.get(state.channelId);
  return html`<p class="typing" aria-live="polite">${typing && typing.until > Date.now() && html`<i class="dots"><i></i><i></i><i></i></i> <b>${typing.name}</b> is typing…`}</p>`;
}
