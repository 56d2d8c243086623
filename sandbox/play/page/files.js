// Files to attach: dropped, pasted, chosen, or one of the samples.
import { html } from "./vendor/htm-preact.js";
import { bytes, read } from "./store.js";

export const fromBrowser = (blob) => ({ name: blob.name || "pasted.png", type: blob.type, size: blob.size, blob, url: URL.createObjectURL(blob) });
export const fromSample = (sample) => ({ name: sample.name, type: sample.content_type, sample: sample.name, title: sample.title, url: `samples/${sample.name}` });

// The samples; read once.
export let samples = [];
export const readSamples = async () => { samples = await read("samples"); };

// With `active`, the arrow keys of the composer choose in it.
export function Gallery({ onPick, active }) {
  return html`<div class="samples" role=${active == null ? "group" : "listbox"} id=${active == null ? null : "picklist"} aria-label="Sample files">${samples.map((one, n) => html`<button type="button" key=${one.name} id=${active == null ? null : `pick${n}`} role=${active == null ? null : "option"} class=${n === active ? "active" : ""} aria-selected=${active == null ? null : n === active} tabindex=${active == null ? 0 : -1} onClick=${() => onPick(fromSample(one))}>
    ${one.content_type.startsWith("image/") ? html`<img src="samples/${one.name}" alt="" />` : html`<span class="big" aria-hidden="true">${one.name.includes("broken") ? "💥" : one.content_type.startsWith("audio/") ? "🎵" : "🎬"}</span>`}
    <b>${one.title}</b><small>${one.name}</small></button>`)}</div>`;
}

export function FileChip({ file, onRemove }) {
  return html`<div class="filechip">${file.type?.startsWith("image/") ? html`<img src=${file.url} alt="" />` : html`<span class="big" aria-hidden="true">${file.type?.startsWith("video/") ? "🎬" : file.type?.startsWith("audio/") ? "🎵" : "📄"}</span>`}
    <span class="grow"><b>${file.name}</b><small>${file.size ? bytes(file.size) : file.title ?? ""}</small></span><button type="button" aria-label="Remove ${file.name}" onClick=${onRemove}>🗑</button></div>`;
}

export function FilePicker({ files, most, types, onFiles }) {
  const add = (more) => onFiles([...files, ...more].slice(-most));
  const drop = (event) => { event.preventDefault(); event.stopPropagation(); add([...event.dataTransfer.files].map(fromBrowser)); };
  return html`<div class="filepicker" onDrop=${drop} onDragOver=${(event) => event.preventDefault()}>
    ${files.map((file) => html`<${FileChip} key=${file.url} file=${file} onRemove=${() => onFiles(files.filter((one) => one !== file))} />`)}
    ${files.length < most && html`<label class="upload">Drop a file here or <u>browse</u><input type="file" multiple=${most > 1} accept=${(types ?? []).join(",")} onChange=${(event) => add([...event.target.files].map(fromBrowser))} /></label>
      <p class="hint">or take a sample:</p><${Gallery} onPick=${(file) => add([file])} />`}</div>`;
}
