// Keeps times true: "3 min ago", the seconds of what runs, those left of what comes. Exact local times on hover.

export function duration(seconds) {
  if (seconds >= 0.05 && seconds < 1) return `${seconds.toFixed(1)}s`;
  const whole = Math.max(Math.floor(seconds), 0);
  const two = (number) => String(number).padStart(2, "0");
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m ${two(whole % 60)}s`;
  if (whole < 86400) return `${Math.floor(whole / 3600)}h ${two(Math.floor((whole % 3600) / 60))}m`;
  return `${Math.floor(whole / 86400)}d ${Math.floor((whole % 86400) / 3600)}h`;
}

export function ago(seconds) {
  const minutes = Math.floor(seconds / 60);
  if (minutes < 1) return "just now";
  if (minutes < 60) return `${minutes} min ago`;
  if (minutes < 1440) return `${Math.floor(minutes / 60)} h ago`;
  const days = Math.floor(minutes / 1440);
  return days === 1 ? "yesterday" : `${days} days ago`;
}

const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });
const here = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const zoneHere = here.resolvedOptions().timeZone;

/** A moment on its environment's clock, and on the reader's where that is another. */
function both(time, moment) {
  const told = (time.dataset.told ??= time.textContent);
  return time.dataset.moment === zoneHere ? told : `${told} (${here.format(moment)} for you)`;
}

function said(time, moment, now) {
  if ("moment" in time.dataset) return both(time, moment);
  if ("left" in time.dataset) return duration((moment - now) / 1000);
  const seconds = (now - moment) / 1000;
  return "since" in time.dataset ? duration(seconds) : ago(seconds);
}

export function tick(root = document) {
  const now = Date.now();
  for (const time of root.querySelectorAll("time[data-ago], time[data-since], time[data-left], time[data-moment]")) {
    const moment = Date.parse(time.dateTime);
    if (Number.isNaN(moment)) continue;
    const text = said(time, moment, now);
    if (time.textContent !== text) time.textContent = text;
    if (!time.dataset.exact) {
      time.dataset.exact = "1";
      time.title = exact.format(moment);
    }
  }
}

/** A field that asks for a time zone knows the reader's. */
function offerZone() {
  for (const field of document.querySelectorAll("[data-own-zone]")) if (field.value === "UTC") field.value = zoneHere;
}

export function startClock() {
  offerZone();
  tick();
  setInterval(() => { if (!document.hidden) tick(); }, 1000);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) tick(); });
}
