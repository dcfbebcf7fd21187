// The page of a build: what changes on the server changes here, the tree opens logs, keys go from step to step.
import { tick } from "./clock.js";
import { key } from "./keys.js";
import { calmly, listen, morphChildren } from "./live.js";
import { Log, linesOf } from "./log.js";
import { Tree } from "./tree.js";

const part = document.getElementById("build");
const log = new Log(document.getElementById("log"));
const tree = new Tree(document.getElementById("tree"), (step, name) => open(step, { name }));
// While the person has chosen nothing, the page goes along with the build from step to step.
let goesAlong = !location.search.includes("step=") && !location.hash;

function itemOf(step) { return tree.list.querySelector(`[data-step="${CSS.escape(step)}"]`); }

function open(step, { name, lines = null, push = true, byHand = true } = {}) {
  const item = itemOf(step);
  if (byHand) goesAlong = item?.dataset.status === "running";
  tree.select(step);
  log.open(step, { name: name ?? (item ? Tree.nameOf(item) : ""), lines, push });
}

function showState({ status, final, words }) {
  const root = part.dataset;
  if (root.status === status && root.final === final) return;
  root.status = status;
  root.final = final;
  document.title = `#${root.number} ${status} · ${root.project}`;
  const icon = document.getElementById("favicon");
  const shape = { queued: "waiting", blocked: "waiting" }[status] ?? status;
  icon.href = icon.getAttribute(`data-${shape}`) ?? icon.href;
  document.getElementById("announce").textContent = `Build ${root.number}: ${words}`;
}

async function update() {
  const address = `${part.dataset.part}&step=${log.store?.step ?? ""}`;
  const answer = await fetch(address);
  if (!answer.ok) return;
  const fresh = part.cloneNode(false);
  fresh.innerHTML = await answer.text();
  const parts = new Map([...fresh.querySelectorAll("template[data-for]")].map((one) => [one.dataset.for, one]));
  for (const one of parts.values()) one.remove();
  morphChildren(part, fresh);
  for (const name of ["tree", "stop"]) {
    const element = document.getElementById(name);
    const wanted = element.cloneNode(false);
    wanted.append(parts.get(name).content);
    morphChildren(element, wanted);
  }
  tree.refreshed();
  if (log.store) tree.mark(log.store.step);
  tick(part);
  showState(parts.get("status").dataset);
  goAlong();
}

/** Open the step that runs now, where the one shown has ended. */
function goAlong() {
  const shown = log.store && itemOf(log.store.step);
  if (log.store && !log.store.ended) log.grow();
  if (!goesAlong || (shown && shown.dataset.status === "running")) return;
  if (shown && ["failed", "errored"].includes(shown.dataset.status)) return;
  const running = tree.items.find((item) => item.dataset.step && item.dataset.status === "running");
  if (running) open(running.dataset.step, { push: false, byHand: false });
}

const refresh = calmly(update);

function heard(event) {
  if (event?.type === "log") {
    if (log.store?.step === event.uuid) log.grow();
    return;
  }
  refresh();
}

if (!part.dataset.final) {
  listen(part.dataset.events, heard, { types: ["message", "build", "job", "step", "log"], background: true, until: () => Boolean(part.dataset.final) });
}

// A link to a step, wherever it stands on the page: the verdict, the strip of time.
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-step]");
  if (!link || link.role === "treeitem" || link.getAttribute("role") === "treeitem") return;
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const href = link.getAttribute("href");
  open(link.dataset.step, { lines: linesOf(href.slice(href.indexOf("#") >>> 0)) });
});

addEventListener("popstate", () => {
  const step = new URLSearchParams(location.search).get("step");
  if (step && step !== log.store?.step) open(step, { lines: linesOf(location.hash), push: false });
});

const fails = (item) => ["failed", "errored"].includes(item.dataset.status);

key("f", "Next failure", () => {
  if (log.store && fails(itemOf(log.store.step) ?? document.body) && log.nextFailure()) return;
  const next = tree.neighbour(1, fails, { around: true });
  if (next && next !== tree.selected) open(next.dataset.step);
  else log.nextFailure();
});
key("j", "Next step", () => { const next = tree.neighbour(1); if (next) open(next.dataset.step); });
key("k", "Previous step", () => { const next = tree.neighbour(-1); if (next) open(next.dataset.step); });

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || document.querySelector("dialog[open]")) return;
  if (log.search.isOpen) log.search.close();
  else log.unmark();
});

const fold = document.querySelector("[data-tree-fold]");
const wide = matchMedia("(min-width: 901px)");
const foldTree = () => { fold.open = wide.matches; };
wide.addEventListener("change", foldTree);
foldTree();

if (log.store) tree.select(log.store.step);
