// Where each line stands in a log. Both kinds answer the same: heightOf, topOf, lineAt (1-based lines, pixels from the top).

export const ROW = 20;

export class EqualHeights {
  constructor() { this.total = 0; }
  get height() { return this.total * ROW; }
  heightOf() { return ROW; }
  topOf(line) { return (line - 1) * ROW; }
  lineAt(y) { return Math.min(Math.max(Math.floor(y / ROW) + 1, 1), Math.max(this.total, 1)); }
  measured() { return false; }
}

const BLOCK = 500;

/** Wrapped lines: a line is one row high until it was seen. Sums are kept by block, so that a million lines are 2,000 sums. */
export class MeasuredHeights {
  constructor() {
    this.total = 0;
    this.blocks = new Map(); // number of the block -> Uint16Array of heights
    this.extra = new Map(); // number of the block -> pixels beyond one row a line
    this.sum = 0;
  }

  get height() { return this.total * ROW + this.sum; }

  heightOf(line) {
    const block = this.blocks.get(Math.floor((line - 1) / BLOCK));
    return (block && block[(line - 1) % BLOCK]) || ROW;
  }

  /** Note the height that a line turned out to have. True where that is news. */
  measured(line, height) {
    const key = Math.floor((line - 1) / BLOCK);
    const old = this.heightOf(line);
    if (old === height) return false;
    let block = this.blocks.get(key);
    if (!block) this.blocks.set(key, (block = new Uint16Array(BLOCK)));
    block[(line - 1) % BLOCK] = Math.min(height, 65535);
    this.extra.set(key, (this.extra.get(key) ?? 0) + height - old);
    this.sum += height - old;
    return true;
  }

  topOf(line) {
    const key = Math.floor((line - 1) / BLOCK);
    let top = (line - 1) * ROW;
    for (const [block, extra] of this.extra) if (block < key) top += extra;
    const block = this.blocks.get(key);
    if (block) for (let at = 0; at < (line - 1) % BLOCK; at++) if (block[at]) top += block[at] - ROW;
    return top;
  }

  lineAt(y) {
    let low = 1, high = Math.max(this.total, 1);
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.topOf(middle) <= y) low = middle; else high = middle - 1;
    }
    return low;
  }
}
