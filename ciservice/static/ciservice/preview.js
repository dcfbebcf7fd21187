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
  for (const field of row.querySelectorAll("input:not([type=checkbox]), textarea")) field.value = "";
  for (const field of row.querySelectorAll("input[type=checkbox]")) field.checked = false;
  for (const error of row.querySelectorAll(".errorlist")) error.remove();
  rows.append(row);
  showWay(row);
  total.value = String(number + 1);
  row.querySelector("input")?.focus();
}

// Fields that belong to one way of deploying are there while it is chosen.
function showWay(row) {
  const way = row.querySelector("select[name$='-way']")?.value;
  if (!way) return;
  for (const field of row.querySelectorAll("[data-ways]")) {
    field.closest(".field").hidden = !field.dataset.ways.split(" ").includes(way);
  }
}

for (const row of document.querySelectorAll("[data-rows] > fieldset")) showWay(row);
document.addEventListener("change", (event) => {
  if (event.target.matches?.("select[name$='-way']")) showWay(event.target.closest("fieldset"));
});
for (const form of document.querySelectorAll("form[data-preview]")) startPreview(form);
for (const button of document.querySelectorAll("[data-add-to]")) {
  button.addEventListener("click", () => addRow(document.querySelector(`[data-rows="${button.dataset.addTo}"]`)));
}
