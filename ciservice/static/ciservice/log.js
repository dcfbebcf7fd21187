// The log of a build page: which step is shown, how, and what the person does with it.
import { key } from "./keys.js";
import { makeRow, severity } from "./log-rows.js";
import { LogSearch } from "./log-search.js";
import { LogStore, RETRY_MS } from "./log-store.js";
import { LogView } from "./log-view.js";

const NOBODY = "00000000-0000-0000-0000-000000000000";
const KEPT_LOGS = 8;
const GROW_MS = 100;

function remembered(name) {
  try { return localStorage.getItem(name) ?? ""; } catch { return ""; }
}

function remember(name, value) {
  try { localStorage.setItem(name, value); } catch { /* storage is switched off */ }
}

/** "#L10-L20" -> [10, 20]; null where the address names no lines. */
export function linesOf(hash) {
  const found = /^#L(\d{1,12})(?:-L?(\d{1,12}))?$/.exec(hash);
  if (!found) return null;
  const from = Number(found[1]), to = Number(found[2] ?? found[1]);
  return from <= to ? [from, to] : [to, from];
}

export class Log {
  constructor(pane) {
    this.pane = pane;
    this.stores = new Map();
    this.store = null;
    this.marked = linesOf(location.hash);
    this.mode = remembered("log-times");
    this.title = pane.querySelector("[data-log-title]");
    this.foot = pane.querySelector("[data-log-foot]");
    this.command = pane.querySelector("[data-log-command]");
    this.endButton = pane.querySelector('[data-log-do="end"]');
    this.search = new LogSearch(this);
    this.view = new LogView(pane.querySelector("[data-log-view]"), {
      makeRow: (row, line) => this.makeRow(this.store.numberOf(row), line),
      getLine: (row) => this.store?.line(this.store.numberOf(row)),
      want: (first, last) => this.store?.want(first, last),
      onFollow: () => this.showFollow(),
      onPaint: (rows) => this.search.paint(rows),
    });
    this.adoptPage();
    this.listen();
    this.showSwitches();
  }

  address(name, step) { return this.pane.dataset[name].replace(NOBODY, step); }

  /** Take over the lines that the server wrote into the page: they are on the screen already. */
  adoptPage() {
    const step = this.pane.dataset.step;
    if (!step) { this.view.reset(0, { wrap: this.wraps() }); return; }
    const rows = [...this.pane.querySelectorAll(".log-row")];
    const lines = rows.map((row) => {
      const { n, ms, gap } = row.dataset;
      return [row.querySelector(".log-t").innerHTML, Number(ms) || 0, Number(n), Number(gap) || 0];
    });
    const store = this.storeOf(step);
    const ended = this.pane.dataset.ended === "1";
    store.take({
      total: Number(this.pane.dataset.total), ended,
      foot: this.foot.textContent, command: this.command.querySelector("pre").textContent, first_ms: Number(this.pane.dataset.firstMs) || null, lines,
    });
    this.show(store);
  }

  storeOf(step) {
    let store = this.stores.get(step);
    if (store) {
      this.stores.delete(step);
    } else {
      store = new LogStore(step, this.address("lines", step), (changed) => this.changed(changed));
    }
    this.stores.set(step, store);
    for (const [old, kept] of this.stores) {
      if (this.stores.size <= KEPT_LOGS) break;
      kept.close();
      this.stores.delete(old);
    }
    return store;
  }

  /** Open the log of `step`; `lines` is [from, to], or null for the end. */
  async open(step, { name = "", lines = null, push = true, follow = true } = {}) {
    this.marked = lines;
    if (push) history.pushState(null, "", `?step=${step}${this.hash()}`);
    this.pane.dataset.step = step;
    if (name) this.title.textContent = name;
    const raw = this.pane.querySelector("[data-log-raw]");
    if (raw) { raw.href = this.address("raw", step); raw.hidden = false; }
    this.search.clear();
    const store = this.storeOf(step);
    this.show(store, { follow });
    if (!store.loaded || !store.ended) await this.grow();
    if (this.store === store) this.show(store, { follow });
  }

  show(store, { follow = true } = {}) {
    this.store = store;
    this.pane.classList.toggle("is-empty", store.total === 0);
    this.view.reset(store.rows, { wrap: this.wraps() });
    this.showFoot();
    if (this.marked && this.marked[0] <= store.total) this.goTo(this.marked[0]);
    else this.view.setFollow(follow);
    this.view.linesChanged();
  }

  changed(store) {
    if (store !== this.store) return;
    this.pane.classList.toggle("is-empty", store.total === 0);
    this.view.setTotal(store.rows);
    this.view.linesChanged();
    this.showFoot();
    this.showFollow();
  }

  /** Something was printed: fetch it, calmly, however fast it comes. */
  async grow() {
    if (this.growing) { this.growAgain = true; return; }
    this.growing = true;
    const store = this.store;
    try { await store?.grow(); } catch (error) {
      if (error.name !== "AbortError" && store && !store.loaded) this.foot.textContent = "The log cannot be read just now. It is tried again.";
      if (error.name !== "AbortError") setTimeout(() => { if (this.store === store && !store.ended) this.grow(); }, RETRY_MS);
    }
    await new Promise((done) => setTimeout(done, GROW_MS));
    this.growing = false;
    if (this.growAgain || store !== this.store) { this.growAgain = false; if (this.store && !this.store.ended) this.grow(); }
  }

  wraps() { return remembered("log-wrap") === "1"; }

  makeRow(number, line) {
    const [from, to] = this.marked ?? [0, -1];
    return makeRow(number, line, {
      href: `?step=${this.store.step}#L${number}`,
      mode: this.mode,
      firstMs: this.store.firstMs,
      marked: number >= from && number <= to,
      found: this.search.has(number),
      current: this.search.current === number,
    });
  }

  goTo(number) { this.view.goTo(this.store.rowOf(number)); }

  hash() {
    if (!this.marked) return "";
    const [from, to] = this.marked;
    return from === to ? `#L${from}` : `#L${from}-L${to}`;
  }

  mark(from, to) {
    this.marked = from <= to ? [from, to] : [to, from];
    history.replaceState(null, "", `?step=${this.store.step}${this.hash()}`);
    this.view.remake();
  }

  unmark() {
    if (!this.marked) return false;
    this.marked = null;
    history.replaceState(null, "", `?step=${this.store.step}`);
    this.view.remake();
    return true;
  }

  showFoot() {
    const [summary, whole] = [this.command.querySelector("code"), this.command.querySelector("pre")];
    this.command.hidden = !this.store.command;
    if (whole.textContent !== this.store.command) {
      whole.textContent = this.store.command;
      summary.textContent = this.store.command.split("\n").find((line) => line.trim()) ?? "";
    }
    if (this.foot.textContent !== this.store.foot) this.foot.textContent = this.store.foot;
  }

  showFollow() {
    const atEnd = !this.store || this.view.follow || this.view.lowest === 0;
    this.endButton.hidden = atEnd;
  }

  showSwitches() {
    const press = (name, on) => this.pane.querySelector(`[data-log-do="${name}"]`)?.setAttribute("aria-pressed", String(on));
    press("times", Boolean(this.mode));
    press("wrap", this.wraps());
    this.pane.classList.toggle("with-times", Boolean(this.mode));
  }

  switchTimes() {
    this.mode = { "": "local", local: "relative", relative: "" }[this.mode] ?? "";
    remember("log-times", this.mode);
    this.showSwitches();
    this.view.remake();
  }

  switchWrap() {
    remember("log-wrap", this.wraps() ? "0" : "1");
    this.showSwitches();
    this.view.setWrap(this.wraps());
  }

  /** The next line that looks like a failure, among the last ones and what is loaded. False where there is none. */
  nextFailure() {
    const store = this.store;
    if (!store) return false;
    const from = (this.failureAt?.store === store ? this.failureAt.number : 0) + 1;
    const text = document.createElement("template");
    for (let number = Math.max(from, store.total - 5000, 1); number <= store.total; number++) {
      const line = store.line(number);
      if (!line) continue;
      text.innerHTML = line.html;
      if (severity(text.content.textContent) !== "error") continue;
      this.failureAt = { store, number };
      this.mark(number, number);
      this.goTo(number);
      return true;
    }
    this.failureAt = null;
    return false;
  }

  listen() {
    this.pane.addEventListener("click", (event) => {
      const number = event.target.closest(".log-n");
      if (number) this.clickNumber(event, Number(number.textContent));
      const doing = event.target.closest("[data-log-do]")?.dataset.logDo;
      if (doing) this.do(doing);
    });
    this.view.box.addEventListener("keydown", (event) => this.scrollKey(event));
    addEventListener("hashchange", () => this.goToHash());
    key("t", "Times: local, since the start, none", () => this.switchTimes());
    key("w", "Wrap long lines", () => this.switchWrap());
    key("g", "First line", () => { this.view.setFollow(false); this.view.moveTo(0); this.view.draw(); });
    key("G", "Last line, and follow", () => this.view.setFollow(true));
    key("/", "Search all lines of this log", () => this.search.open());
  }

  do(what) {
    const actions = { end: () => this.view.setFollow(true), times: () => this.switchTimes(), wrap: () => this.switchWrap(), find: () => this.search.open() };
    actions[what]?.();
  }

  clickNumber(event, number) {
    if (event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    if (event.shiftKey && this.marked) this.mark(this.marked[0] === number ? number : this.first ?? this.marked[0], number);
    else { this.first = number; this.mark(number, number); }
  }

  goToHash() {
    const lines = linesOf(location.hash);
    if (!lines || !this.store) return;
    this.marked = lines;
    this.view.remake();
    this.goTo(lines[0]);
  }

  scrollKey(event) {
    const page = this.view.box.clientHeight - 40;
    const ways = { PageUp: -page, PageDown: page, ArrowUp: -40, ArrowDown: 40 };
    if (event.key === "Home") { this.view.moveTo(0); this.view.draw(); }
    else if (event.key === "End") this.view.setFollow(true);
    else if (ways[event.key] && !event.shiftKey) this.view.scrollBy(ways[event.key]);
    else return;
    event.preventDefault();
  }
}

