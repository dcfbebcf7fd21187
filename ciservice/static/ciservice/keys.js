// Single keys. Each is registered with its meaning, so that `?` can list them; they can be switched off (WCAG 2.1.4).

const keys = new Map();
const OFF = "keys-off";

function switchedOff() {
  try { return localStorage.getItem(OFF) === "1"; } catch { return false; }
}

/** Have `action` called when `name` is typed outside a field. It returns false where it has nothing to do. */
export function key(name, meaning, action, { overridable = false } = {}) {
  if (overridable && keys.has(name)) return;
  keys.set(name, { meaning, action });
}

function isTyping(target) {
  return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
}

export function showKeys() {
  if (document.querySelector("dialog.keys-help")) return true;
  const dialog = Object.assign(document.createElement("dialog"), { className: "keys-help" });
  dialog.setAttribute("aria-labelledby", "keys-title");
  const title = Object.assign(document.createElement("h2"), { id: "keys-title", textContent: "Keys" });
  const list = Object.assign(document.createElement("dl"), { className: "keys" });
  for (const [name, { meaning }] of [...keys, ["Esc", { meaning: "Close" }]]) {
    const term = document.createElement("dt");
    term.append(Object.assign(document.createElement("kbd"), { textContent: name }));
    list.append(term, Object.assign(document.createElement("dd"), { textContent: meaning }));
  }
  const label = Object.assign(document.createElement("label"), { className: "keys-switch" });
  const box = Object.assign(document.createElement("input"), { type: "checkbox", checked: !switchedOff() });
  box.addEventListener("change", () => {
    try { localStorage.setItem(OFF, box.checked ? "0" : "1"); } catch { /* storage is switched off */ }
  });
  label.append(box, " Single keys do this");
  const close = Object.assign(document.createElement("button"), { className: "btn", textContent: "Close", autofocus: true });
  close.addEventListener("click", () => dialog.close());
  const buttons = Object.assign(document.createElement("div"), { className: "buttons" });
  buttons.append(close);
  dialog.append(title, list, label, buttons);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return true;
}

export function startKeys() {
  key("?", "All keys", showKeys);
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (document.querySelector("dialog[open]") || isTyping(event.target)) return;
    const found = keys.get(event.key);
    // `?` works always: it is where the keys are switched on again.
    if (!found || (switchedOff() && event.key !== "?")) return;
    if (found.action(event) !== false) event.preventDefault();
  });
  for (const button of document.querySelectorAll("[data-keys-help]")) button.addEventListener("click", showKeys);
}
