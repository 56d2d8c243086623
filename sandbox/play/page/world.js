// The server's settings: boosts, members and their roles, roles and channels with their permissions.
import { html, useState } from "./vendor/htm-preact.js";
import { act, ask, attempt, isThread, server, state } from "./store.js";

const PERMISSIONS = ["VIEW_CHANNEL", "SEND_MESSAGES", "SEND_MESSAGES_IN_THREADS", "CREATE_PUBLIC_THREADS", "EMBED_LINKS", "ATTACH_FILES", "ADD_REACTIONS", "READ_MESSAGE_HISTORY", "USE_APPLICATION_COMMANDS", "MANAGE_MESSAGES", "MANAGE_CHANNELS", "MANAGE_GUILD"];
const NITRO_MIB = 500;
const words = (name) => name.toLowerCase().replaceAll("_", " ").replace("guild", "server").replace(/^./, (letter) => letter.toUpperCase());
const change = (body) => attempt(act("change", body));
const add = (body) => attempt(act("world", body));
const named = async (question, use) => { const name = await ask(question); if (name) use(name); };

export function World() {
  const here = server();
  if (!here) return html`<p class="hint">This person is in no server.</p>`;
  return html`<h3>${here.name}</h3><label class="line">Boosts <select value=${here.tier} onChange=${(event) => change({ servers: [{ name: here.id, tier: Number(event.target.value) }] })}>${["none: files up to 10 MB", "level 1: 10 MB", "level 2: 50 MB", "level 3: 100 MB"].map((name, tier) => html`<option key=${tier} value=${tier} selected=${tier === here.tier}>${name}</option>`)}</select></label>
    <${Members} here=${here} /><${Roles} here=${here} /><${Channels} here=${here} />`;
}

function Members({ here }) {
  const roles = here.roles.filter((one) => one.name !== "@everyone" && !one.managed);
  const people = here.members.filter(({ user }) => !user.bot);
  const toggle = (member, role) => change({ members: [{ name: member.user.id, server: here.id, roles: member.roles.includes(role.id) ? member.roles.filter((one) => one !== role.id) : [...member.roles, role.id] }] });
  const nitro = (user, on) => add({ members: [{ name: user.username, server: here.id, upload_limit_mib: on ? NITRO_MIB : 0 }] });
  return html`<h3>Members</h3>${people.map((member) => {
    const account = state.world.people.find((one) => one.id === member.user.id);
    return html`<fieldset key=${member.user.id}><legend>${member.user.username}${here.owner_id === member.user.id ? " (owner)" : ""}</legend>
      ${roles.map((role) => html`<label key=${role.id}><input type="checkbox" checked=${member.roles.includes(role.id)} onChange=${() => toggle(member, role)} /> ${role.name}</label>`)}
      <label><input type="checkbox" checked=${account?.upload_limit > 0} onChange=${(event) => nitro(member.user, event.target.checked)} /> Nitro (files up to ${NITRO_MIB} MB)</label></fieldset>`;
  })}<button class="button secondary small" onClick=${() => named("What is the new member called?", (name) => add({ members: [{ name: name.replace(/\s+/g, "-"), server: here.id }] }))}>Add a member</button>`;
}

function Roles({ here }) {
  const [chosen, choose] = useState(here.id);
  const role = here.roles.find((one) => one.id === chosen) ?? here.roles[0];
  const all = role.permission_names.includes("ADMINISTRATOR");
  const toggle = (name) => change({ roles: [{ name: role.id, server: here.id, permissions: role.permission_names.includes(name) ? role.permission_names.filter((one) => one !== name) : [...role.permission_names, name] }] });
  return html`<h3>Roles</h3><label class="line">Role <select onChange=${(event) => choose(event.target.value)}>${here.roles.map((one) => html`<option key=${one.id} value=${one.id} selected=${one.id === role.id}>${one.name}</option>`)}</select></label>
    <fieldset><legend>${role.name} may</legend>${["ADMINISTRATOR", ...PERMISSIONS].map((name) => html`<label key=${name}><input type="checkbox" disabled=${all && name !== "ADMINISTRATOR"} checked=${all || role.permission_names.includes(name)} onChange=${() => toggle(name)} /> ${words(name)}</label>`)}</fieldset>
    <button class="button secondary small" onClick=${() => named("What is the new role called?", (name) => add({ roles: [{ name, server: here.id }] }))}>Add a role</button>`;
}

function Channels({ here }) {
  const places = here.channels.filter((one) => !isThread(one) && one.overwrite_names);
  const [chosen, choose] = useState(null), [who, setWho] = useState(here.id);
  const place = places.find((one) => one.id === chosen) ?? places[0];
  const members = here.members.map(({ user }) => ({ id: user.id, name: user.username, member: true }));
  const all = [...here.roles.map((one) => ({ id: one.id, name: one.name })), ...members];
  const said = place.overwrite_names.find((one) => one.id === who) ?? { id: who, allow: [], deny: [] };
  const written = (one) => ({ ...(one.id === state.world.bot.id ? { bot: true } : members.some((each) => each.id === one.id) ? { member: one.id } : { role: one.id }), allow: one.allow, deny: one.deny });
  const say = (name, word) => {
    const next = { id: who, allow: said.allow.filter((one) => one !== name), deny: said.deny.filter((one) => one !== name) };
    if (word) next[word].push(name);
    const rest = place.overwrite_names.filter((one) => one.id !== who);
    change({ channels: [{ name: place.id, overwrites: [...rest, ...(next.allow.length + next.deny.length ? [next] : [])].map(written) }] });
  };
  const kinds = ["text", "announcement", "forum", "voice"];
  return html`<h3>Channels</h3><label class="line">Channel <select onChange=${(event) => choose(event.target.value)}>${places.map((one) => html`<option key=${one.id} value=${one.id} selected=${one.id === place.id}>#${one.name}</option>`)}</select></label>
    <label class="line">Slow mode, seconds <input type="number" min="0" max="21600" value=${place.rate_limit_per_user} onChange=${(event) => change({ channels: [{ name: place.id, slow_mode_s: Number(event.target.value) }] })} /></label>
    <label class="line"><span>Age-restricted</span><input type="checkbox" checked=${place.nsfw} onChange=${(event) => change({ channels: [{ name: place.id, nsfw: event.target.checked }] })} /></label>
    <label class="line">For <select onChange=${(event) => setWho(event.target.value)}>${all.map((one) => html`<option key=${one.id} value=${one.id} selected=${one.id === who}>${one.name}</option>`)}</select></label>
    <table class="overwrites"><tbody>${PERMISSIONS.filter((name) => name !== "MANAGE_GUILD").map((name) => {
    const word = said.allow.includes(name) ? "allow" : said.deny.includes(name) ? "deny" : "";
    return html`<tr key=${name}><td>${words(name)}</td><td role="radiogroup" aria-label=${words(name)}>${[["deny", "✕"], ["", "/"], ["allow", "✓"]].map(([each, sign]) => html`<button key=${each} role="radio" aria-checked=${word === each} aria-label=${each || "as the role says"} class=${each} onClick=${() => say(name, each)}>${sign}</button>`)}</td></tr>`;
  })}</tbody></table>
    <div class="row">${kinds.map((kind) => html`<button key=${kind} class="button secondary small" onClick=${() => named(`What is the new ${kind} channel called?`, (name) => add({ channels: [{ name: name.toLowerCase().replace(/\s+/g, "-"), server: here.id, kind }] }))}>Add ${kind}</button>`)}</div>`;
}
