// One row of a log: number, time, text. The HTML of a line comes from our server, which has escaped all of it.

// What build tools print when something went wrong; such lines are tinted and `f` goes to them.
const STRONG = /^\s*(?:FAILED\b|FAIL:?\s|--- FAIL|not ok\b|✗|✕|×|npm ERR!|fatal: |E {3}|(?:\w+\.)*\w*(?:Error|Exception)(?:: |$)|error(?:\[\w+\])?: |ERROR\b|panic: |\[ERROR\])/;
const WARNING = /^\s*(?:warning|WARN(?:ING)?)\b/;

export function severity(text) {
  const start = text.slice(0, 400);
  if (STRONG.test(start)) return "error";
  if (WARNING.test(start)) return "warning";
  return "";
}

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });

export function timeText(ms, mode, firstMs) {
  if (!ms) return "";
  if (mode === "local") return clock.format(ms);
  return `+${Math.max((ms - (firstMs ?? ms)) / 1000, 0).toFixed(1)}s`;
}

/** `mode` is "", "local" or "relative". */
export function makeRow(number, line, { href, mode, firstMs, marked, found, current }) {
  const row = document.createElement("li");
  row.className = "log-row";
  row.id = `L${number}`;
  const link = document.createElement("a");
  link.className = "log-n";
  link.href = href;
  link.textContent = number;
  link.tabIndex = -1;
  row.append(link);
  if (mode) {
    const time = document.createElement("span");
    time.className = "log-ms";
    time.textContent = line ? timeText(line.ms, mode, firstMs) : "";
    if (line?.ms) time.title = new Date(line.ms).toISOString();
    row.append(time);
  }
  const text = document.createElement("code");
  text.className = "log-t";
  if (line) text.innerHTML = line.html;
  row.append(text);
  if (line) {
    const kind = severity(text.textContent);
    if (kind) row.classList.add(`is-${kind}`);
  } else {
    row.classList.add("is-missing");
  }
  row.classList.toggle("is-marked", marked);
  row.classList.toggle("is-found", found);
  row.classList.toggle("is-current", current);
  return row;
}
