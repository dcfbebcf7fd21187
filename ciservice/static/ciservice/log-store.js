// The lines of one step's log that this page has: fetched in chunks where they are looked at, and no more than it may keep.

export const CHUNK = 500;
const MOST_CHUNKS = 40;
export const TAIL = 300;
export const RETRY_MS = 2000;

export class LogStore {
  /** `address` gives the lines of this step; `onChange` is called whenever lines came or the total grew. */
  constructor(step, address, onChange) {
    this.step = step;
    this.address = address;
    this.onChange = onChange;
    this.total = 0;
    this.ended = false;
    this.foot = "";
    this.command = "";
    this.firstMs = null;
    this.loaded = false;
    this.failed = false;
    this.gaps = new Map(); // first line that is not there -> how many
    this.chunks = new Map(); // number of the chunk -> sparse array of { html, ms }
    this.asked = new Set();
    this.aborter = new AbortController();
  }

  line(number) {
    const chunk = this.chunks.get(Math.floor((number - 1) / CHUNK));
    return chunk?.[(number - 1) % CHUNK];
  }

  /** Lines that are not there share one row: rows are counted from 1 like lines, and there may be fewer. */
  get rows() { return this.rowOf(this.total); }

  rowOf(number) {
    let row = number;
    for (const [first, count] of this.gaps) if (number > first) row -= Math.min(number - first, count - 1);
    return row;
  }

  numberOf(row) {
    let number = row;
    for (const [first, count] of [...this.gaps].sort((a, b) => a[0] - b[0])) if (number > first) number += count - 1;
    return number;
  }

  /** Take what the server sent: { total, ended, foot, first_ms, lines: [[html, ms, number, lines it stands for], ...] }. */
  take(answer) {
    for (const [html, ms, number, gap] of answer.lines) {
      this.put(number, { html, ms });
      if (gap > 1) this.gaps.set(number, gap);
    }
    this.total = Math.max(answer.total, this.ended ? 0 : this.total);
    this.ended = answer.ended;
    this.foot = answer.foot;
    this.command = answer.command ?? this.command;
    this.firstMs = answer.first_ms ?? this.firstMs;
    this.loaded = true;
    this.failed = false;
    this.onChange(this);
  }

  put(number, line) {
    const key = Math.floor((number - 1) / CHUNK);
    let chunk = this.chunks.get(key);
    if (!chunk) {
      chunk = new Array(CHUNK);
      this.chunks.set(key, chunk);
      if (this.chunks.size > MOST_CHUNKS) this.forget(key);
    }
    chunk[(number - 1) % CHUNK] = line;
  }

  /** Drop the chunk farthest from the one that is needed now. */
  forget(near) {
    let farthest = near;
    for (const key of this.chunks.keys()) if (Math.abs(key - near) > Math.abs(farthest - near)) farthest = key;
    this.chunks.delete(farthest);
  }

  async get(query, address = this.address) {
    const answer = await fetch(`${address}?${new URLSearchParams(query)}`, { signal: this.aborter.signal });
    if (!answer.ok) throw new Error(`${answer.status}`);
    return answer.json();
  }

  /** Fetch what is missing of the rows from `firstRow` to `lastRow`, chunk by chunk, one question at a time for each. */
  want(firstRow, lastRow) {
    const first = this.numberOf(firstRow), last = this.numberOf(lastRow);
    const from = Math.floor((Math.max(first, 1) - 1) / CHUNK);
    const to = Math.floor((Math.min(last, this.total) - 1) / CHUNK);
    for (let key = from; key <= to; key++) {
      const end = Math.min((key + 1) * CHUNK, this.total, last);
      let missing = Math.max(key * CHUNK + 1, first);
      while (missing <= end && this.line(missing)) missing += this.gaps.get(missing) ?? 1;
      if (missing > end || this.asked.has(key)) continue;
      this.asked.add(key);
      this.get({ from: key * CHUNK + 1, limit: CHUNK })
        .then((answer) => this.take(answer), (error) => { if (error.name !== "AbortError") this.failed = true; })
        .finally(() => this.answered(key));
    }
  }

  /** The chunk may be asked for again: at once, or where it could not be had after a while, by whoever still shows it. */
  answered(key) {
    if (!this.failed) { this.asked.delete(key); return; }
    this.failed = false;
    setTimeout(() => { this.asked.delete(key); this.onChange(this); }, RETRY_MS);
  }

  /** Fetch what is new: the last line again (it may have grown) and what follows, at most the last TAIL lines. */
  async grow() {
    this.take(await this.get({ since: Math.max(this.total, 1), limit: TAIL }));
  }

  /** The numbers of the lines that hold `text`, at most as many as the server gives: { lines, more }. */
  search(address, text) { return this.get({ q: text }, address); }

  close() {
    this.aborter.abort();
    this.aborter = new AbortController();
    this.asked.clear();
  }
}
