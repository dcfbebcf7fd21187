// The tree of steps by mouse and by keyboard (the pattern of WAI-ARIA): arrows move, right and left open and close.

export class Tree {
  /** `onOpen(step, name)` is called when the person chooses a step. */
  constructor(list, onOpen) {
    this.list = list;
    this.onOpen = onOpen;
    list.addEventListener("click", (event) => this.clicked(event));
    list.addEventListener("keydown", (event) => this.typed(event));
    this.refreshed();
  }

  get items() { return [...this.list.querySelectorAll('[role="treeitem"]')]; }
  get shown() { return this.items.filter((item) => !item.parentElement.hidden); }
  get selected() { return this.list.querySelector('[aria-selected="true"]'); }
  static level(item) { return Number(item.getAttribute("aria-level")); }
  static nameOf(item) { return item.querySelector(".node-name .clip")?.textContent ?? ""; }

  /** After the rows changed: hide what lies in closed groups, and let exactly one item take the focus. */
  refreshed() {
    let closed = Infinity;
    for (const item of this.items) {
      const level = Tree.level(item);
      if (level <= closed) closed = Infinity;
      item.parentElement.hidden = level > closed;
      if (closed === Infinity && item.getAttribute("aria-expanded") === "false") closed = level;
    }
    const items = this.items;
    if (items.some((item) => item.tabIndex === 0 && !item.parentElement.hidden)) return;
    for (const item of items) item.tabIndex = -1;
    const first = this.selected ?? this.shown[0];
    if (first) first.tabIndex = 0;
  }

  toggle(item, open = item.getAttribute("aria-expanded") !== "true") {
    item.setAttribute("aria-expanded", String(open));
    this.refreshed();
  }

  focus(item) {
    if (!item) return;
    for (const other of this.items) other.tabIndex = -1;
    item.tabIndex = 0;
    item.focus();
  }

  /** Show which step's log is open. */
  mark(step) {
    for (const item of this.items) item.setAttribute("aria-selected", String(item.dataset.step === step));
  }

  /** Mark the step whose log is open; its groups open with it. */
  select(step) {
    this.mark(step);
    const item = this.selected;
    if (!item) return;
    this.reveal(item);
    for (const other of this.items) other.tabIndex = other === item ? 0 : -1;
    item.scrollIntoView({ block: "nearest" });
  }

  reveal(item) {
    let level = Tree.level(item);
    const items = this.items;
    for (let at = items.indexOf(item) - 1; at >= 0 && level > 1; at--) {
      if (Tree.level(items[at]) >= level) continue;
      level = Tree.level(items[at]);
      if (items[at].getAttribute("aria-expanded") === "false") items[at].setAttribute("aria-expanded", "true");
    }
    this.refreshed();
  }

  clicked(event) {
    const item = event.target.closest('[role="treeitem"]');
    if (!item || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    if (item.hasAttribute("aria-expanded")) this.toggle(item);
    if (item.dataset.step) this.open(item);
    this.focus(item);
  }

  open(item) { this.onOpen(item.dataset.step, Tree.nameOf(item)); }

  typed(event) {
    const item = event.target.closest('[role="treeitem"]');
    if (!item || event.ctrlKey || event.metaKey || event.altKey) return;
    const shown = this.shown, at = shown.indexOf(item);
    const open = item.getAttribute("aria-expanded");
    const actions = {
      ArrowDown: () => this.focus(shown[at + 1]),
      ArrowUp: () => this.focus(shown[at - 1]),
      Home: () => this.focus(shown[0]),
      End: () => this.focus(shown.at(-1)),
      ArrowRight: () => (open === "false" ? this.toggle(item, true) : open === "true" && this.focus(shown[at + 1])),
      ArrowLeft: () => (open === "true" ? this.toggle(item, false) : this.focus(this.parentOf(item))),
      Enter: () => item.click(),
      " ": () => item.click(),
    };
    if (!actions[event.key]) return;
    event.preventDefault();
    event.stopPropagation();
    actions[event.key]();
  }

  parentOf(item) {
    const shown = this.shown;
    return shown.slice(0, shown.indexOf(item)).findLast((other) => Tree.level(other) < Tree.level(item));
  }

  /** The step `way` rows from the selected one, among those that have a log and `fit`. */
  neighbour(way, fit = () => true, { around = false } = {}) {
    const steps = this.items.filter((item) => item.dataset.step && (fit(item) || item === this.selected));
    const at = steps.indexOf(this.selected) + way;
    const found = around ? steps.at(at % steps.length) : steps[at];
    return found && fit(found) ? found : undefined;
  }
}
