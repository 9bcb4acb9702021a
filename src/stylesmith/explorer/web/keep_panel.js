// Keep: undo and redo, history, and the ways out of the page and back: PNG, link, command.

import { byId, toast } from "./dom.js";
import { readPngText } from "./png.js";
import { describe, packScene, sameScene, unpackScene } from "./scene.js";

const KEYWORD = "stylesmith scene";
const MAX_BYTES = 64 << 20;

export function keepPanel(app) {
  const { model, store, thumbnails } = app;
  byId("undo").onclick = () => store.undo();
  byId("redo").onclick = () => store.redo();
  byId("save").onclick = () => save(app);
  byId("copy-command").onclick = () => copy(app.command, "Command");
  byId("copy-link").onclick = () => copy(linkTo(store.scene, model), "Link");
  byId("clear-history").onclick = () => store.clearHistory();
  byId("open").onclick = () => byId("file").click();
  byId("file").onchange = () => {
    open(app, byId("file").files[0]);
    byId("file").value = "";
  };
  addEventListener("dragover", (event) => {
    event.preventDefault();
    if (event.dataTransfer.types.includes("Files")) document.body.classList.add("files");
  });
  addEventListener("dragleave", (event) => event.relatedTarget || document.body.classList.remove("files"));
  addEventListener("drop", (event) => {
    event.preventDefault();
    document.body.classList.remove("files");
    if (event.dataTransfer.files.length) open(app, event.dataTransfer.files[0]);
  });

  const make = () => thumbnails.button({ pick: (scene) => store.set(scene) });
  return (scene) => {
    byId("undo").disabled = !store.done.length;
    byId("redo").disabled = !store.undone.length;
    byId("clear-history").disabled = !store.history.length;
    thumbnails.list(byId("history"), store.history, make, (button, one) => {
      button.update(one);
      button.setAttribute("aria-current", String(sameScene(one, scene)));
    });
  };
}

export const linkTo = (scene, model) =>
  `${location.origin}/#scene=${encodeURIComponent(packScene(scene, model.scene))}`;

/** The scene of the address, if it has one; the address is left clean. */
export function takeLinkedScene(model) {
  const text = new URLSearchParams(location.hash.slice(1)).get("scene");
  if (text === null) return null;
  history.replaceState(null, "", location.pathname);
  try {
    return unpackScene(text, model.scene);
  } catch (error) {
    toast(`This link holds ${error.message}.`);
    return null;
  }
}

async function save({ connection, store, model }) {
  try {
    const content = await connection.ask("save", store.scene);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([content], { type: "image/png" }));
    link.download = `${model.name.replace(/[^\w-]+/g, "-").slice(0, 40)}-seed${store.scene.seed}.png`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    store.remember();
    toast(`Saved ${link.download}. Drop it here to go on from it.`);
  } catch (error) {
    toast(`Not saved: ${error.message}.`);
  }
}

async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
    toast(`${what} copied: ${text}`);
  } catch {
    prompt(`${what}: copy it from here`, text);
  }
}

/** Bring back the picture of a file that was saved here, after asking. */
async function open({ model, store }, file) {
  try {
    if (file.size > MAX_BYTES) throw new Error("a file that is too large for a saved picture");
    const bytes = new Uint8Array(await file.arrayBuffer());
    const text = bytes[0] === 0x89 ? readPngText(bytes, KEYWORD) : new TextDecoder().decode(bytes);
    if (text === null) throw new Error("no scene; pictures saved here have one inside");
    const scene = unpackScene(text, model.scene);
    if (sameScene(scene, store.scene)) toast("This is the picture that is shown.");
    else if (await ask(`Replace the present picture with ${file.name} (${describe(scene, model)})?`)) store.set(scene);
  } catch (error) {
    const reason = error instanceof SyntaxError ? "no scene" : error.message;
    toast(`${file.name} holds ${reason}.`);
  }
}

function ask(text) {
  const dialog = byId("ask-dialog");
  byId("ask-text").textContent = text;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((answer) => {
    dialog.addEventListener("close", () => answer(dialog.returnValue === "yes"), { once: true });
  });
}
