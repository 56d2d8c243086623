// Discord's Markdown as elements. https://support.discord.com/hc/en-us/articles/210298617
import { html, useEffect, useState } from "./vendor/htm-preact.js";
import { channel, channels, nameOf, now, person, select, server } from "./store.js";

const SPECIAL = /^[^\\`[<*_~|@h]+/;
const RULES = [
  [/^\\([^\sA-Za-z0-9])/, (m) => m[1]],
  [/^(`+)([^]*?[^`])\1(?!`)/, (m) => html`<code>${m[2].trim()}</code>`],
  [/^\[([^\]\n]+)\]\(<?(https?:\/\/[^\s>)]+)>?\)/, (m) => link(m[2], inline(m[1]))],
  [/^<(https?:\/\/[^\s>]+)>/, (m) => link(m[1], m[1])],
  [/^https?:\/\/[^\s<]*[^\s<.,:;"')\]*_|]/, (m) => link(m[0], m[0])],
  [/^<t:(-?\d{1,13})(?::([tTdDfFR]))?>/, (m) => html`<${Moment} at=${Number(m[1])} style=${m[2] || "f"} />`],
  [/^<@!?(\d+)>/, (m) => html`<span class="mention">@${person(m[1])?.username ?? "unknown-user"}</span>`],
  [/^<@&(\d+)>/, (m) => html`<span class="mention">@${server()?.roles.find((role) => role.id === m[1])?.name ?? "deleted-role"}</span>`],
  [/^<#(\d+)>/, (m) => place(m[1])],
  [/^<\/([^:>\n]+):(\d+)>/, (m) => html`<button class="mention" onClick=${() => document.dispatchEvent(new CustomEvent("command", { detail: m[1] }))}>/${m[1]}</button>`],
  [/^<a?:(\w+):\d+>/, (m) => `:${m[1]}:`],
  [/^@(everyone|here)\b/, (m) => html`<span class="mention">${m[0]}</span>`],
  [/^\*\*\*([^]+?)\*\*\*(?!\*)/, (m) => html`<b><i>${inline(m[1])}</i></b>`],
  [/^\*\*([^]+?)\*\*(?!\*)/, (m) => html`<b>${inline(m[1])}</b>`],
  [/^__([^]+?)__(?!_)/, (m) => html`<u>${inline(m[1])}</u>`],
  [/^~~([^]+?)~~/, (m) => html`<s>${inline(m[1])}</s>`],
  [/^\|\|([^]+?)\|\|/, (m) => html`<${Spoiler}>${inline(m[1])}<//>`],
  [/^\*(\S(?:[^]*?\S)?)\*(?!\*)/, (m) => html`<i>${inline(m[1])}</i>`],
  [/^_(\S(?:[^]*?\S)?)_(?!\w)/, (m) => html`<i>${inline(m[1])}</i>`, true],
];

export function inline(text) {
  const parts = [];
  let rest = text, wordBefore = false;
  while (rest) {
    const found = RULES.map(([rule, make, afterSpace]) => (afterSpace && wordBefore ? null : [rule.exec(rest), make])).find((one) => one?.[0]);
    const taken = found ? found[0][0] : SPECIAL.exec(rest)?.[0] ?? [...rest][0];
    const made = found ? found[1](found[0]) : taken;
    if (typeof made === "string" && typeof parts.at(-1) === "string") parts.push(parts.pop() + made);
    else parts.push(made);
    wordBefore = /\w$/.test(taken);
    rest = rest.slice(taken.length);
  }
  return parts;
}

function link(address, text) {
  const jump = /^https:\/\/(?:\w+\.)?discord\.com\/channels\/(?:\d+|@me)\/(\d+)(?:\/(\d+))?$/.exec(address);
  if (!jump) return html`<a href=${address} target="_blank" rel="noreferrer noopener">${text}</a>`;
  const there = channel(jump[1]);
  const shown = text === address ? html`<span class="mention">#${there ? nameOf(there) : "unknown"}${jump[2] ? " › 💬" : ""}</span>` : text;
  return html`<a href=${address} onClick=${(event) => { event.preventDefault(); jumpTo(jump[1], jump[2]); }}>${shown}</a>`;
}

function place(id) {
  const there = channels().find((one) => one.id === id);
  return html`<button class="mention" onClick=${() => there && select(id)}>#${there ? nameOf(there) : "no-access"}</button>`;
}

export async function jumpTo(channelId, messageId) {
  await select(channelId);
  setTimeout(() => {
    const row = document.getElementById(`m${messageId}`);
    row?.scrollIntoView({ block: "center" });
    row?.classList.add("found");
    setTimeout(() => row?.classList.remove("found"), 2000);
  }, 60);
}

export function Spoiler({ children, block }) {
  const [open, setOpen] = useState(false);
  return html`<span class="spoiler ${open ? "open" : ""} ${block ? "block" : ""}">
    ${!open && html`<button class="reveal" aria-label="Reveal spoiler" onClick=${() => setOpen(true)}>${block ? "SPOILER" : ""}</button>`}${children}</span>`;
}

const FORMS = {
  t: { timeStyle: "short" }, T: { timeStyle: "medium" }, d: { dateStyle: "short" }, D: { dateStyle: "long" },
  f: { dateStyle: "long", timeStyle: "short" }, F: { dateStyle: "full", timeStyle: "short" },
};
export const dateText = (at, style) => new Intl.DateTimeFormat(undefined, FORMS[style] ?? FORMS.f).format(at * 1000);

const UNITS = [["year", 31536000], ["month", 2592000], ["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
export function relative(at) {
  const seconds = at - now();
  const [unit, size] = UNITS.find(([, length]) => Math.abs(seconds) >= length) ?? UNITS.at(-1);
  return new Intl.RelativeTimeFormat("en").format(Math.trunc(seconds / size), unit);
}

function Moment({ at, style }) {
  const [, tick] = useState(0);
  useEffect(() => {
    if (style !== "R") return;
    const timer = setInterval(() => tick((n) => n + 1), 1000);
    return () => clearInterval(timer);
  }, [style]);
  return html`<time class="moment" title=${dateText(at, "F")}>${style === "R" ? relative(at) : dateText(at, style)}</time>`;
}

// A message's own time: today and yesterday by name.
export function whenText(stamp) {
  const at = Date.parse(stamp) / 1000, day = (seconds) => new Date(seconds * 1000).toDateString();
  const clock = dateText(at, "t");
  return day(at) === day(now()) ? `Today at ${clock}` : day(at) === day(now() - 86400) ? `Yesterday at ${clock}` : `${dateText(at, "d")} ${clock}`;
}

export function Markdown({ text }) {
  const blocks = [];
  const lines = text.split("\n");
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at];
    const take = (rule) => { const taken = []; while (at < lines.length && rule.test(lines[at])) taken.push(lines[at++].replace(rule, "")); at--; return taken; };
    const fence = /^```(\w*)(.*)$/.exec(line);
    if (fence && text.split("\n").slice(at).join("\n").slice(3).includes("```")) {
      const taken = [fence[2].replace(/```$/, "")];
      if (!/^```.+```$/.test(line)) {
        taken[0] = fence[2] ? fence[1] + fence[2] : "";
        while (++at < lines.length && !lines[at].includes("```")) taken.push(lines[at]);
        if (at < lines.length) taken.push(lines[at].replace(/```.*$/, ""));
      }
      blocks.push(html`<pre><code>${taken.join("\n").replace(/^\n|\n$/g, "")}</code></pre>`);
    } else if (line.startsWith(">>> ")) {
      blocks.push(html`<blockquote><${Markdown} text=${[line.slice(4), ...lines.slice(at + 1)].join("\n")} /></blockquote>`);
      break;
    } else if (/^> /.test(line)) {
      blocks.push(html`<blockquote><${Markdown} text=${take(/^> ?(?=.|$)/).join("\n")} /></blockquote>`);
    } else if (/^-# /.test(line)) blocks.push(html`<p class="subtext">${inline(line.slice(3))}</p>`);
    else if (/^#{1,3} /.test(line)) blocks.push(html`<p class="h${line.indexOf(" ")}" role="heading" aria-level=${line.indexOf(" ") + 2}>${inline(line.replace(/^#+ /, ""))}</p>`);
    else if (/^ *[-*] /.test(line)) blocks.push(html`<ul>${take(/^ *[-*] /).map((one) => html`<li>${inline(one)}</li>`)}</ul>`);
    else if (/^\d+\. /.test(line)) {
      const start = parseInt(line, 10);
      blocks.push(html`<ol start=${start}>${take(/^\d+\. /).map((one) => html`<li>${inline(one)}</li>`)}</ol>`);
    } else blocks.push(line ? html`<p>${inline(line)}</p>` : html`<p class="gap"></p>`);
  }
  return blocks;
}
