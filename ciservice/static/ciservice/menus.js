// Menus that close when one looks elsewhere, the choice of the look, copying, and questions before what cannot be undone.

function closeMenus(except) {
  for (const menu of document.querySelectorAll("details[data-menu][open]")) if (menu !== except) menu.open = false;
}

function showLook() {
  const look = document.documentElement.dataset.theme ?? "";
  for (const button of document.querySelectorAll("[data-theme-choice] button")) {
    button.setAttribute("aria-pressed", String(button.value === look));
  }
}

function chooseLook(look) {
  if (look) document.documentElement.dataset.theme = look;
  else delete document.documentElement.dataset.theme;
  try { localStorage.setItem("look", look); } catch { /* storage is switched off: it lasts for this page */ }
  showLook();
}

async function copy(button) {
  const text = button.closest(".copy").querySelector("[data-copy]").textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    const range = document.createRange();
    range.selectNodeContents(button.closest(".copy").querySelector("[data-copy]"));
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    button.textContent = "Selected";
  }
  setTimeout(() => { button.textContent = "Copy"; }, 2000);
}

/** Ask once before a form that has data-ask is sent; the dialog is the browser's own element, so focus stays inside. */
function ask(form) {
  const dialog = document.createElement("dialog");
  dialog.setAttribute("aria-labelledby", "ask-text");
  const text = Object.assign(document.createElement("h2"), { id: "ask-text", textContent: form.dataset.ask });
  const yes = Object.assign(document.createElement("button"), { className: "btn btn-danger", textContent: form.dataset.yes || "Yes" });
  const no = Object.assign(document.createElement("button"), { className: "btn", textContent: "No", autofocus: true });
  const buttons = Object.assign(document.createElement("div"), { className: "buttons" });
  buttons.append(no, yes);
  dialog.append(text, buttons);
  document.body.append(dialog);
  no.addEventListener("click", () => dialog.close());
  yes.addEventListener("click", () => { form.dataset.asked = "1"; dialog.close(); form.requestSubmit(); });
  dialog.addEventListener("close", () => dialog.remove());
  dialog.showModal();
}

export function startMenus() {
  showLook();
  document.addEventListener("click", (event) => {
    closeMenus(event.target.closest("details[data-menu]"));
    const look = event.target.closest("[data-theme-choice] button");
    if (look) chooseLook(look.value);
    const copying = event.target.closest("[data-copy-button]");
    if (copying) copy(copying);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const menu = document.querySelector("details[data-menu][open]");
    if (!menu) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
  document.addEventListener("submit", (event) => {
    if (!event.target.dataset.ask || event.target.dataset.asked) return;
    event.preventDefault();
    ask(event.target);
  });
}
