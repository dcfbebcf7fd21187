// A form beside what it comes to: sent as one types, answered with a fragment. And rows that can be added.
const PAUSE_MS = 300;

function startPreview(form) {
  const target = document.getElementById(form.dataset.previewIn);
  let timer = 0;
  let running = null;
  const ask = async () => {
    running?.abort();
    running = new AbortController();
    try {
      const answer = await fetch(form.dataset.preview, { method: "POST", body: new FormData(form), signal: running.signal });
      if (answer.ok) target.innerHTML = await answer.text();
    } catch (error) {
      if (error.name !== "AbortError") target.dataset.stale = "yes";
    }
  };
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, PAUSE_MS);
  });
}

// The last row of a Django formset is empty: a copy of it is the next one.
function addRow(rows) {
  const total = document.getElementById(`id_${rows.dataset.rows}-TOTAL_FORMS`);
  const number = Number(total.value);
  const row = rows.lastElementChild.cloneNode(true);
  const old = new RegExp(`${rows.dataset.rows}-\\d+-`, "g");
  for (const element of [row, ...row.querySelectorAll("*")]) {
    for (const name of ["id", "name", "for", "aria-describedby"]) {
      const value = element.getAttribute(name);
      if (value) element.setAttribute(name, value.replace(old, `${rows.dataset.rows}-${number}-`));
    }
  }
  for (const field of row.querySelectorAll("input, textarea")) field.value = "";
  for (const error of row.querySelectorAll(".errorlist")) error.remove();
  rows.append(row);
  total.value = String(number + 1);
  row.querySelector("input")?.focus();
}

for (const form of document.querySelectorAll("form[data-preview]")) startPreview(form);
for (const button of document.querySelectorAll("[data-add-to]")) {
  button.addEventListener("click", () => addRow(document.querySelector(`[data-rows="${button.dataset.addTo}"]`)));
}
