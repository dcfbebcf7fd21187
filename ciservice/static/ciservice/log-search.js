// The search of a log: the server looks through all lines, this shows where they are and goes from one to the next.

export class LogSearch {
  constructor(log) {
    this.log = log;
    this.form = log.pane.querySelector("[data-log-find]");
    this.field = this.form.querySelector("input");
    this.said = this.form.querySelector("[data-log-found]");
    this.lines = [];
    this.set = new Set();
    this.at = -1;
    this.text = "";
    this.form.addEventListener("submit", (event) => { event.preventDefault(); this.next(1); });
    this.form.addEventListener("click", (event) => {
      const what = event.target.closest("[data-find]")?.dataset.find;
      if (what === "previous") this.next(-1);
      if (what === "close") this.close();
    });
    this.field.addEventListener("keydown", (event) => {
      if (event.key === "Escape") { event.preventDefault(); event.stopPropagation(); this.close(); }
      if (event.key === "Enter" && event.shiftKey) { event.preventDefault(); this.next(-1); }
    });
    this.field.addEventListener("input", () => {
      clearTimeout(this.typing);
      this.typing = setTimeout(() => this.look(), 250);
    });
  }

  get current() { return this.lines[this.at]; }
  get isOpen() { return !this.form.hidden; }
  has(number) { return this.set.has(number); }

  open() {
    this.form.hidden = false;
    this.field.focus();
    this.field.select();
    return true;
  }

  close() {
    this.form.hidden = true;
    this.clear();
    this.log.view.remake();
    this.log.view.box.focus({ preventScroll: true });
  }

  clear() {
    this.lines = [];
    this.set = new Set();
    this.at = -1;
    this.text = "";
    this.said.textContent = "";
    globalThis.CSS?.highlights?.delete("found");
  }

  async look() {
    const text = this.field.value;
    if (text === this.text) return;
    this.clear();
    this.text = text;
    if (!text.trim() || !this.log.store) { this.log.view.remake(); return; }
    const store = this.log.store;
    this.said.textContent = "…";
    try {
      const answer = await store.search(this.log.address("search", store.step), text);
      if (this.text !== text || this.log.store !== store) return;
      this.lines = answer.lines;
      this.more = answer.more;
      this.set = new Set(answer.lines);
      this.at = this.nearest();
      this.show();
    } catch (error) {
      if (error.name !== "AbortError") this.said.textContent = "failed";
    }
  }

  /** The first match at or after the window's first line. */
  nearest() {
    const first = this.log.store.numberOf(this.log.view.range().seenFirst);
    const at = this.lines.findIndex((number) => number >= first);
    return at < 0 ? this.lines.length - 1 : at;
  }

  async next(way) {
    clearTimeout(this.typing);
    if (this.field.value !== this.text) { await this.look(); return; }
    if (!this.lines.length) return;
    this.at = (this.at + way + this.lines.length) % this.lines.length;
    this.show();
  }

  show() {
    const many = `${this.lines.length}${this.more ? "+" : ""}`;
    this.said.textContent = this.lines.length ? `${this.at + 1} of ${many}` : "none";
    this.log.view.remake();
    if (this.lines.length) this.log.goTo(this.current);
  }

  /** Paint the words themselves, where the browser can do that without changing the page. */
  paint(rows) {
    if (!globalThis.Highlight || !this.text) return;
    const ranges = [];
    for (const row of rows) {
      if (!row.classList.contains("is-found")) continue;
      ranges.push(...this.rangesIn(row.querySelector(".log-t")));
    }
    CSS.highlights.set("found", new Highlight(...ranges));
  }

  rangesIn(element) {
    const words = this.text.toLowerCase(), ranges = [];
    const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const text = node.data.toLowerCase();
      for (let at = text.indexOf(words); at >= 0 && ranges.length < 50; at = text.indexOf(words, at + words.length)) {
        const range = document.createRange();
        range.setStart(node, at);
        range.setEnd(node, at + words.length);
        ranges.push(range);
      }
    }
    return ranges;
  }
}
