// A form that the bot opened. https://discord.com/developers/docs/components/reference#label
import { html, useEffect, useRef, useState } from "./vendor/htm-preact.js";
import { Choice } from "./components.js";
import { FilePicker } from "./files.js";
import { Markdown } from "./markdown.js";
import { interact, set, state, upload } from "./store.js";

const fieldsOf = (modal) => modal.components.flatMap((top) => (top.component ? [{ ...top.component, label: top.label, about: top.description }] : (top.components ?? [])));
function firstValue(field) {
  if (field.type === 4) return field.value ?? "";
  if (field.type === 23) return field.default ?? false;
  const chosen = (field.options ?? []).filter((one) => one.default).map((one) => one.value);
  return field.default_values?.map((one) => one.id) ?? chosen;
}

export function Modal() {
  const { modal } = state;
  return modal && html`<${Form} key=${modal.id} modal=${modal} />`;
}

function Form({ modal }) {
  const fields = fieldsOf(modal);
  const [values, setValues] = useState(Object.fromEntries(fields.filter((one) => one.type !== 19).map((one) => [one.custom_id, firstValue(one)])));
  const [files, setFiles] = useState({}), [error, setError] = useState(""), [busy, setBusy] = useState(false);
  const box = useRef();
  const close = () => set({ modal: null });
  useEffect(() => { box.current.querySelector("input,textarea,button.selectbox")?.focus(); }, []);
  const trap = (event) => {
    if (event.key === "Escape") return close();
    if (event.key !== "Tab") return undefined;
    const stops = [...box.current.querySelectorAll("button:not(:disabled),input,textarea,a[href]")], edge = event.shiftKey ? stops[0] : stops.at(-1);
    if (document.activeElement === edge) { (event.shiftKey ? stops.at(-1) : stops[0]).focus(); event.preventDefault(); }
    return undefined;
  };
  const submit = async (event) => {
    event?.preventDefault();
    setBusy(true); setError("");
    try {
      const sent = {};
      for (const [id, listed] of Object.entries(files)) sent[id] = await Promise.all(listed.map(upload));
      const given = Object.fromEntries(Object.entries(values).map(([id, value]) => [id, fields.find((one) => one.custom_id === id).type === 21 ? value[0] ?? null : value]).filter(([, value]) => value !== null));
      const answer = await interact("submit", { modal: modal.id, fields: given, files: sent });
      if (answer.acknowledged) { if (state.modal === modal) close(); } else setError("Something went wrong. Try again.");
    } catch (problem) { setError(problem.message); }
    setBusy(false);
  };
  const change = (id, value) => setValues({ ...values, [id]: value });
  return html`<div class="backdrop dark modalback" onMouseDown=${(event) => event.target === event.currentTarget && close()}><form class="modal" role="dialog" aria-modal="true" aria-labelledby="modaltitle" ref=${box} onSubmit=${submit} onKeyDown=${trap}>
    <header><span class="face" aria-hidden="true"><img src="page/icon.svg" alt="" /></span><h2 id="modaltitle">${modal.title}</h2><button type="button" aria-label="Close" onClick=${close}>✕</button></header>
    <div class="fieldlist"><p class="caution">This form will be submitted to <b>Wanda</b>. Do not share passwords or other sensitive information.</p>
      ${modal.components.map((top) => (top.type === 10 ? html`<div class="textpart"><${Markdown} text=${top.content} /></div>` : null))}
      ${fields.map((field) => html`<div class="field" key=${field.custom_id}>
        <label for="f${field.custom_id}">${field.label}${(field.required ?? true) && field.type !== 23 ? html`<span class="required" aria-label="required"> *</span>` : ""}</label>
        ${field.about && html`<p class="hint">${field.about}</p>`}
        <${Field} field=${field} value=${values[field.custom_id]} files=${files[field.custom_id] ?? []} onChange=${(value) => change(field.custom_id, value)} onFiles=${(listed) => setFiles({ ...files, [field.custom_id]: listed })} onSubmit=${submit} />
      </div>`)}
      ${error && html`<p class="failure" role="alert">${error}</p>`}</div>
    <footer><button type="button" class="button secondary" onClick=${close}>Cancel</button><button type="submit" class="button primary ${busy ? "busy" : ""}" disabled=${busy}>Submit</button></footer>
  </form></div>`;
}

function Field({ field, value, files, onChange, onFiles, onSubmit }) {
  const id = `f${field.custom_id}`;
  switch (field.type) {
    case 4: {
      const left = field.max_length ? field.max_length - value.length : null;
      const shared = { id, value, placeholder: field.placeholder ?? "", maxlength: field.max_length ?? 4000, onInput: (event) => onChange(event.target.value) };
      return html`${field.style === 2 ? html`<textarea rows="4" ...${shared} onKeyDown=${(event) => event.key === "Enter" && event.ctrlKey && onSubmit()}></textarea>` : html`<input ...${shared} />`}
        ${left !== null && left < 200 && html`<small class="left">${left}</small>`}`;
    }
    case 19: return html`<${FilePicker} files=${files} most=${field.max_values ?? 1} types=${field.file_types} onFiles=${onFiles} />`;
    case 23: return html`<label class="check"><input id=${id} type="checkbox" checked=${value} onChange=${(event) => onChange(event.target.checked)} /> ${field.placeholder ?? ""}</label>`;
    case 21: case 22: return html`<div role=${field.type === 21 ? "radiogroup" : "group"}>${field.options.map((one) => html`<label class="check" key=${one.value}>
      <input type=${field.type === 21 ? "radio" : "checkbox"} name=${id} checked=${value.includes(one.value)} onChange=${(event) => onChange(field.type === 21 ? [one.value] : event.target.checked ? [...value, one.value] : value.filter((each) => each !== one.value))} />
      <span>${one.label}${one.description && html`<small>${one.description}</small>`}</span></label>`)}</div>`;
    default: return html`<${Choice} part=${field} chosen=${value} onChoose=${onChange} />`;
  }
}
