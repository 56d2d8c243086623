// Buttons, selects and Components V2. https://discord.com/developers/docs/components/reference
import { html, useState, useEffect, useLayoutEffect, useRef } from "./vendor/htm-preact.js";
import { Markdown, Spoiler, inline } from "./markdown.js";
import { attempt, bytes, channels, interact, nameOf, now, server, set } from "./store.js";

const STYLES = { 1: "primary", 2: "secondary", 3: "success", 4: "danger", 5: "secondary", 6: "primary" };
const ENTITIES = { 5: "users", 6: "roles", 7: "both", 8: "channels" };

export const Emoji = ({ emoji }) => html`<span class="emoji">${emoji.id ? `:${emoji.name}:` : emoji.name}</span>`;

export function Components({ message }) {
  return message.components.map((one) => html`<${Component} key=${one.id} part=${one} message=${message} />`);
}

function Component({ part, message }) {
  const inside = () => part.components.map((one) => html`<${Component} key=${one.id} part=${one} message=${message} />`);
  switch (part.type) {
    case 1: return html`<div class="row">${inside()}</div>`;
    case 2: return html`<${Button} part=${part} message=${message} />`;
    case 3: case 5: case 6: case 7: case 8: return html`<${Select} part=${part} message=${message} />`;
    case 9: return html`<div class="section"><div class="grow">${inside()}</div><${Component} part=${part.accessory} message=${message} /></div>`;
    case 10: return html`<div class="textpart"><${Markdown} text=${part.content} /></div>`;
    case 11: return html`<div class="thumbnail"><${Media} media=${part.media} spoiler=${part.spoiler} about=${part.description} /></div>`;
    case 12: return html`<div class="gallery n${Math.min(part.items.length, 4)}">${part.items.map((item) => html`<${Media} key=${item.media.url.split("?")[0]} media=${item.media} spoiler=${item.spoiler} about=${item.description} />`)}</div>`;
    case 13: return html`<${FileCard} file=${{ url: part.file.url, filename: part.name, size: part.size }} spoiler=${part.spoiler} />`;
    case 14: return html`<div class="separator s${part.spacing} ${part.divider ? "line" : ""}" role=${part.divider ? "separator" : null}></div>`;
    case 17: {
      const colour = part.accent_color == null ? "" : `#${part.accent_color.toString(16).padStart(6, "0")}`;
      const body = html`<div class="container" style=${colour ? { borderLeftColor: colour, borderLeftWidth: "4px" } : {}}>${inside()}</div>`;
      return part.spoiler ? html`<${Spoiler} block>${body}<//>` : body;
    }
    default: return html`<p class="hint">A component of type ${part.type}</p>`;
  }
}

function Button({ part, message }) {
  const [busy, setBusy] = useState(false);
  const press = async () => {
    setBusy(true);
    await attempt(interact("click", { message: message.id, custom_id: part.custom_id }, { messageId: message.id }));
    setBusy(false);
  };
  const label = html`${part.emoji && html`<${Emoji} emoji=${part.emoji} />`}${part.label && html`<span>${part.label}</span>`}`;
  if (part.style === 5) return html`<a class="button secondary" href=${part.url} target="_blank" rel="noreferrer noopener">${label} <span class="out" aria-hidden="true">↗</span></a>`;
  return html`<button class="button ${STYLES[part.style]} ${busy ? "busy" : ""}" disabled=${part.disabled} aria-busy=${busy}
    aria-label=${part.label ? null : part.emoji?.name} onClick=${() => busy || press()}>${label}</button>`;
}

// What a select offers: its own options, or people, roles or channels.
export function optionsOf(part) {
  const kind = ENTITIES[part.type], here = server();
  if (!kind) return part.options;
  const people = (here?.members ?? []).map(({ user }) => ({ value: user.id, label: user.username }));
  const roles = (here?.roles ?? []).filter((role) => role.name !== "@everyone").map((role) => ({ value: role.id, label: `@${role.name}` }));
  const places = channels().filter((one) => one.name && (!part.channel_types?.length || part.channel_types.includes(one.type))).map((one) => ({ value: one.id, label: `#${nameOf(one)}` }));
  return { users: people, roles, both: [...people, ...roles], channels: places }[kind];
}

function Select({ part, message }) {
  const choose = (values) => attempt(interact("click", { message: message.id, custom_id: part.custom_id, values }, { messageId: message.id }));
  const defaults = part.default_values?.map((one) => one.id) ?? (part.options ?? []).filter((one) => one.default).map((one) => one.value);
  return html`<${Choice} part=${part} chosen=${defaults} onChoose=${choose} />`;
}

// A list to choose from. With several values it is sent when it is closed, as at Discord.
export function Choice({ part, chosen, onChoose }) {
  const [open, setOpen] = useState(false), [picked, setPicked] = useState(chosen), [find, setFind] = useState("");
  const box = useRef();
  const most = part.max_values ?? 1, least = part.min_values ?? 1;
  useEffect(() => setPicked(chosen), [JSON.stringify(chosen)]);
  const close = () => {
    setOpen(false); setFind("");
    if (most > 1 && JSON.stringify(picked) !== JSON.stringify(chosen) && picked.length >= least) onChoose(picked);
  };
  useEffect(() => {
    if (!open) return;
    const outside = (event) => box.current.contains(event.target) || close();
    document.addEventListener("pointerdown", outside);
    return () => document.removeEventListener("pointerdown", outside);
  });
  useLayoutEffect(() => {
    if (!open) return;
    const list = box.current.querySelector(".options"), at = box.current.getBoundingClientRect();
    const frame = (box.current.closest(".messages") ?? document.documentElement).getBoundingClientRect();
    const above = at.top - frame.top, below = frame.bottom - at.bottom;
    list.classList.toggle("above", list.offsetHeight > below && above > below);
  }, [open]);
  const toggle = (value) => {
    if (most === 1) { setPicked([value]); setOpen(false); setFind(""); onChoose([value]); return; }
    setPicked(picked.includes(value) ? picked.filter((one) => one !== value) : [...picked, value].slice(0, most));
  };
  const all = optionsOf(part), labels = all.filter((one) => picked.includes(one.value));
  const shown = all.filter((one) => one.label.toLowerCase().includes(find.toLowerCase()));
  const keys = (event) => {
    if (event.key === "Escape") { close(); event.stopPropagation(); box.current.querySelector(".selectbox").focus(); }
    if (event.key === "Enter" && event.target.matches(".find")) { event.preventDefault(); if (shown.length) toggle(shown[0].value); }
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    event.preventDefault();
    const items = [...box.current.querySelectorAll("[role=option]")], at = items.indexOf(document.activeElement);
    if (!open) setOpen(true); else items[(at + (event.key === "ArrowDown" ? 1 : items.length - 1)) % items.length]?.focus();
  };
  return html`<div class="select" ref=${box} onKeyDown=${keys}>
    <button type="button" class="selectbox" disabled=${part.disabled} aria-haspopup="listbox" aria-expanded=${open} onClick=${() => (open ? close() : setOpen(true))}>
      <span class=${labels.length ? "" : "placeholder"}>${labels.length ? labels.map((one) => html`${one.emoji && html`<${Emoji} emoji=${one.emoji} /> `}${one.label}`).reduce((a, b) => [a, ", ", b]) : part.placeholder || "Make a selection"}</span><i class="chevron"></i></button>
    ${open && html`<div class="options" role="listbox" aria-multiselectable=${most > 1}>
      ${all.length > 12 && html`<input class="find" placeholder="Search" value=${find} onInput=${(event) => setFind(event.target.value)} />`}
      ${shown.map((one) => html`<button type="button" role="option" key=${one.value} aria-selected=${picked.includes(one.value)} onClick=${() => toggle(one.value)}>
        ${one.emoji && html`<${Emoji} emoji=${one.emoji} />`}<span class="grow"><b>${one.label}</b>${one.description && html`<small>${one.description}</small>`}</span>
        ${most > 1 ? html`<i class="tick">${picked.includes(one.value) ? "☑" : "☐"}</i>` : picked.includes(one.value) && html`<i class="tick">✓</i>`}</button>`)}
    </div>`}</div>`;
}

// A file's address is signed anew with each edit. The first one serves until it expires, so that no video starts again.
const addresses = new Map();
function steady(url) {
  const [path, query] = url.split("?"), kept = addresses.get(path);
  const until = (address) => parseInt(new URLSearchParams(address.split("?")[1]).get("ex") ?? "f".repeat(9), 16);
  if (kept && until(kept) > now() + 60) return kept;
  if (query) addresses.set(path, url);
  return url;
}

export function Media({ media: { url, ...media }, spoiler, about }) {
  media.url = steady(url);
  const kind = media.content_type ?? "", side = { aspectRatio: media.width ? `${media.width} / ${media.height}` : null };
  const name = media.url.split("?")[0].split("/").at(-1);
  const broken = (event) => event.target.classList.add("broken");
  const body = kind.startsWith("video/") || /\.(mp4|webm|mov)$/.test(name)
    ? html`<video class="media" src=${media.url} style=${side} controls loop playsinline preload="metadata" aria-label=${about || name} onError=${broken}></video>`
    : html`<button class="picture" aria-label="Open ${about || name}" onClick=${() => set({ overlay: { kind: "picture", url: media.url, about: about || name } })}>
      <img class="media" src=${media.url} style=${side} alt=${about || name} title=${about || ""} onError=${broken} /></button>`;
  return spoiler ? html`<${Spoiler} block>${body}<//>` : body;
}

export function FileCard({ file, spoiler }) {
  const card = html`<div class="filecard"><span class="emoji" aria-hidden="true">📄</span><span class="grow"><a href=${file.url} download=${file.filename}>${file.filename}</a>
    ${file.size != null && html`<small>${bytes(file.size)}</small>`}</span></div>`;
  return spoiler ? html`<${Spoiler} block>${card}<//>` : card;
}

export function Attachments({ message }) {
  return message.attachments.map((file) => {
    const kind = (file.content_type ?? "").split("/")[0], spoiler = Boolean(file.flags & 8), key = file.id;
    if (kind === "video" || kind === "image") return html`<div class="attachment" key=${key}><${Media} media=${file} spoiler=${spoiler} about=${file.description} /></div>`;
    if (kind === "audio") return html`<div class="attachment" key=${key}><${FileCard} file=${file} spoiler=${spoiler} /><audio controls src=${steady(file.url)}></audio></div>`;
    return html`<${FileCard} key=${key} file=${file} spoiler=${spoiler} />`;
  });
}

export function Embed({ embed }) {
  const colour = embed.color == null ? null : `#${embed.color.toString(16).padStart(6, "0")}`;
  const title = embed.title && (embed.url ? html`<a href=${embed.url} target="_blank" rel="noreferrer noopener">${inline(embed.title)}</a>` : inline(embed.title));
  return html`<article class="embed" style=${colour ? { borderLeftColor: colour } : {}}>
    ${embed.thumbnail && html`<img class="thumb" src=${embed.thumbnail.url} alt="" />`}
    ${embed.author && html`<p class="author">${embed.author.icon_url && html`<img src=${embed.author.icon_url} alt="" />`}${embed.author.name}</p>`}
    ${title && html`<p class="title">${title}</p>`}
    ${embed.description && html`<div class="about"><${Markdown} text=${embed.description} /></div>`}
    ${embed.fields?.length > 0 && html`<div class="fields">${embed.fields.map((field) => html`<div class=${field.inline ? "inline" : "wide"}><p class="name">${inline(field.name)}</p><${Markdown} text=${field.value} /></div>`)}</div>`}
    ${embed.image && html`<${Media} media=${embed.image} />`}
    ${embed.video && html`<${Media} media=${{ content_type: "video/mp4", ...embed.video }} />`}
    ${(embed.footer || embed.timestamp) && html`<p class="footer">${embed.footer?.icon_url && html`<img src=${embed.footer.icon_url} alt="" />`}${embed.footer?.text}${embed.timestamp && ` • ${new Date(embed.timestamp).toLocaleString()}`}</p>`}
  </article>`;
}
