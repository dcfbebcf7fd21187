// A window on a log: only the rows near the window are in the page, whatever the log's length.
import { EqualHeights, MeasuredHeights } from "./log-heights.js";

const OVERSCAN = 60;
const SETTLE_MS = 90;
// Browsers stop growing an element somewhere above 16 million pixels; beyond this the scroll bar stands for more.
const TALLEST = 12_000_000;
const TALLEST_WINDOW = 8000; // however it is styled, no more rows than that are made
const LATCH = 24;

export class LogView {
  /** `makeRow(number, line)` gives the <li>; `want(first, last)` fetches lines; `onFollow(on)` hears of follow mode. */
  constructor(box, { makeRow, getLine, want, onFollow, onPaint }) {
    this.box = box;
    this.space = box.querySelector("[data-log-space]");
    this.list = box.querySelector("[data-log-rows]");
    this.makeRow = makeRow;
    this.getLine = getLine;
    this.want = want;
    this.onFollow = onFollow;
    this.onPaint = onPaint;
    this.heights = new EqualHeights();
    this.top = 0; // in the log's own pixels
    this.seen = 0; // the scroll bar's place that `top` stands for
    this.follow = false;
    this.rows = new Map();
    this.frame = 0;
    box.addEventListener("scroll", () => this.scrolled(), { passive: true });
    new ResizeObserver(() => this.resized()).observe(box);
  }

  get total() { return this.heights.total; }
  get wraps() { return this.heights instanceof MeasuredHeights; }
  get lowest() { return Math.max(this.heights.height - this.box.clientHeight, 0); }
  get shownHeight() { return Math.min(this.heights.height, TALLEST); }
  get scale() {
    const way = Math.max(this.shownHeight - this.box.clientHeight, 1);
    return Math.max(this.lowest / way, 1);
  }

  /** Begin with another log. */
  reset(total, { wrap }) {
    this.heights = wrap ? new MeasuredHeights() : new EqualHeights();
    this.heights.total = total;
    this.clearRows();
    this.box.classList.toggle("wraps", wrap);
    this.top = 0;
    this.draw();
  }

  clearRows() {
    this.list.replaceChildren();
    this.rows.clear();
  }

  setTotal(total) {
    if (total === this.heights.total) return;
    this.heights.total = total;
    if (this.follow) this.top = this.lowest;
    this.draw();
  }

  /** Lines came or changed: rows that show something else are made anew. */
  linesChanged() {
    for (const [number, row] of this.rows) {
      const line = this.getLine(number);
      if (line && row.line !== line) this.replaceRow(number, line);
    }
    this.draw();
  }

  replaceRow(number, line) {
    const fresh = this.makeRow(number, line);
    fresh.line = line;
    this.rows.get(number).replaceWith(fresh);
    this.rows.set(number, fresh);
  }

  /** Have every row made again: times were switched on, say. */
  remake() {
    this.clearRows();
    this.draw();
  }

  setWrap(wrap) {
    const line = this.heights.lineAt(this.top);
    const total = this.total, follow = this.follow;
    this.reset(total, { wrap });
    this.follow = follow;
    this.top = follow ? this.lowest : this.heights.topOf(line);
    this.draw();
  }

  setFollow(on) {
    if (on) this.top = this.lowest;
    if (on !== this.follow) {
      this.follow = on;
      this.onFollow(on);
    }
    this.draw();
  }

  /** Bring a line into the middle of the window. */
  goTo(number) {
    this.follow = false;
    const middle = this.heights.topOf(number) - (this.box.clientHeight - this.heights.heightOf(number)) / 2;
    this.top = Math.min(Math.max(middle, 0), this.lowest);
    this.onFollow(false);
    this.draw();
  }

  scrollBy(pixels) {
    this.moveTo(this.top + pixels);
    this.draw();
  }

  moveTo(top) {
    this.top = Math.min(Math.max(top, 0), this.lowest);
    const follow = this.top >= this.lowest - LATCH;
    if (follow !== this.follow) {
      this.follow = follow;
      this.onFollow(follow);
    }
  }

  /** The person moved the scroll bar. Small moves are exact; long ones are as long as the scroll bar says. */
  scrolled() {
    const place = this.box.scrollTop;
    const way = place - this.seen;
    if (Math.abs(way) < 0.5) return;
    this.seen = place;
    const end = this.box.scrollHeight - this.box.clientHeight;
    const near = Math.abs(way) < 3 * this.box.clientHeight && place > 0 && place < end - 1;
    this.moveTo(near ? this.top + way : place * this.scale);
    this.draw({ keepBar: true });
  }

  resized() {
    if (this.wraps) { this.setWrap(true); return; }
    if (this.follow) this.top = this.lowest;
    this.draw();
  }

  draw({ keepBar = false } = {}) {
    this.keepBar = (this.frame ? this.keepBar : true) && keepBar;
    this.frame ||= requestAnimationFrame(() => { this.frame = 0; this.paint(); });
    if (!keepBar) return;
    clearTimeout(this.settling);
    // The scroll bar is put where the log really stands once the hand rests: only a scaled one is ever off.
    this.settling = setTimeout(() => { this.placeBar(); }, SETTLE_MS);
  }

  placeBar() {
    const wanted = Math.min(this.top / this.scale, this.box.scrollHeight - this.box.clientHeight);
    if (Math.abs(this.box.scrollTop - wanted) >= 1) this.box.scrollTop = wanted;
    this.seen = this.box.scrollTop;
    this.shift();
  }

  /** The rows stand where the window is. */
  shift() {
    const first = this.first ?? 1;
    const offset = this.seen + this.heights.topOf(first) - this.top;
    this.list.style.transform = `translateY(${Math.round(offset)}px)`;
  }

  range() {
    const first = this.heights.lineAt(this.top), last = this.heights.lineAt(this.top + Math.min(this.box.clientHeight, TALLEST_WINDOW));
    return { first: Math.max(first - OVERSCAN, 1), last: Math.min(last + OVERSCAN, this.total), seenFirst: first };
  }

  paint() {
    this.top = this.follow ? this.lowest : Math.min(this.top, this.lowest);
    this.paintRows();
    if (this.wraps && this.measure()) this.paintRows();
    this.space.style.height = `${this.shownHeight}px`;
    if (this.keepBar) this.shift(); else this.placeBar();
    this.onPaint(this.rows.values());
    clearTimeout(this.wanting);
    const { first, last } = this.range();
    if (this.total) this.wanting = setTimeout(() => this.want(first, last), this.keepBar ? SETTLE_MS / 2 : 0);
  }

  paintRows() {
    if (!this.total) { this.clearRows(); return; }
    const { first, last } = this.range();
    for (const [number, row] of this.rows) {
      if (number >= first && number <= last) continue;
      row.remove();
      this.rows.delete(number);
    }
    this.first = first;
    let next = this.list.firstChild;
    for (let number = first; number <= last; number++) {
      const row = this.rows.get(number);
      if (row) { next = row.nextSibling; continue; }
      const line = this.getLine(number);
      const fresh = this.makeRow(number, line);
      fresh.line = line;
      this.rows.set(number, fresh);
      this.list.insertBefore(fresh, next);
    }
  }

  /** Note how high the rows are. True where that moved something; what is in the window stays where it is. */
  measure() {
    const anchor = this.heights.lineAt(this.top);
    const within = this.top - this.heights.topOf(anchor);
    const sizes = [...this.rows].filter(([, row]) => row.line).map(([number, row]) => [number, row.offsetHeight]);
    let changed = false;
    for (const [number, height] of sizes) changed = this.heights.measured(number, height) || changed;
    if (changed) this.top = this.follow ? this.lowest : this.heights.topOf(anchor) + within;
    return changed;
  }
}
