// Parts of a page that follow the server: an event says that something changed, and the part is fetched and put in place.
import { tick } from "./clock.js";

const LEAST_MS = 400;
const POLL_MS = 10_000;
const FOLLOW_MS = 5_000;

/** Make `old` look like `fresh` and keep what is equal, so that focus, selection and open details stay. */
export function morph(old, fresh) {
  if (old.isEqualNode(fresh)) return old;
  if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName || old.id !== fresh.id) {
    old.replaceWith(fresh);
    return fresh;
  }
  if (old.nodeType !== Node.ELEMENT_NODE) {
    old.nodeValue = fresh.nodeValue;
    return old;
  }
  morphAttributes(old, fresh);
  morphChildren(old, fresh);
  return old;
}

function morphAttributes(old, fresh) {
  const kept = (old.getAttribute("data-keep-attributes") ?? "").split(" ");
  if (old.nodeName === "DETAILS") kept.push("open");
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name) && !kept.includes(name)) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value && !kept.includes(name)) old.setAttribute(name, value);
  }
}

export function morphChildren(old, fresh) {
  const named = new Map();
  for (const child of old.children) if (child.id) named.set(child.id, child);
  let at = old.firstChild;
  for (const wanted of [...fresh.childNodes]) {
    const same = wanted.id ? named.get(wanted.id) : undefined;
    if (same) {
      if (same !== at) old.insertBefore(same, at);
      else at = at.nextSibling;
      morph(same, wanted);
    } else if (at && !at.id && !wanted.id) {
      const next = at.nextSibling;
      morph(at, wanted);
      at = next;
    } else {
      old.insertBefore(wanted, at);
    }
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

/** Fetch HTML and put it into `element`; the element's own children only. */
export async function refresh(element, address) {
  const answer = await fetch(address);
  if (answer.redirected && new URL(answer.url).pathname !== new URL(address, location.href).pathname) return location.reload();
  if (!answer.ok) throw new Error(`${answer.status}`);
  const fresh = element.cloneNode(false);
  fresh.innerHTML = await answer.text();
  morphChildren(element, fresh);
  tick(element);
}

/** Call `work` at once, and again after more calls, but never more often than every `least` milliseconds nor twice at a time. */
export function calmly(work, least = LEAST_MS) {
  let running = false, wanted = false;
  return async function run() {
    if (running) { wanted = true; return; }
    running = true;
    try { await work(); } catch { /* the next event or poll tries again */ }
    await new Promise((done) => setTimeout(done, least));
    running = false;
    if (wanted) { wanted = false; run(); }
  };
}

/**
 * Listen to a stream of events. `onEvent` also hears null: "look for yourself", after every connection and from time to
 * time where no stream can be had. Hidden pages hold no stream (browsers allow six a host): they look now and then where
 * `background` says so. `until()` ends it for good.
 */
export function listen(address, onEvent, { types = ["message"], background = false, until = () => false } = {}) {
  let source = null, poll = 0;
  const hear = (event) => {
    let data = null;
    try { data = JSON.parse(event.data); } catch { /* not one of ours */ }
    onEvent(data && { type: event.type, ...data });
  };
  const look = () => { if (until()) stop(); else if (!document.hidden || background) onEvent(null); };
  function stop() {
    source?.close();
    source = null;
    clearInterval(poll);
    poll = 0;
  }
  function open() {
    stop();
    if (until()) return;
    source = new EventSource(address);
    for (const type of types) source.addEventListener(type, hear);
    source.addEventListener("open", () => { clearInterval(poll); poll = 0; onEvent(null); });
    source.addEventListener("end", () => { stop(); onEvent(null); });
    source.addEventListener("error", () => {
      poll ||= setInterval(() => { look(); if (source?.readyState === EventSource.CLOSED) open(); }, POLL_MS);
    });
  }
  function seen() {
    if (!document.hidden) { open(); return; }
    stop();
    if (background) poll = setInterval(look, POLL_MS);
  }
  document.addEventListener("visibilitychange", seen);
  addEventListener("pagehide", stop);
  addEventListener("pageshow", (event) => { if (event.persisted) seen(); });
  if (!document.hidden) open(); else seen();
}

function startPart(element) {
  const update = calmly(() => (document.hidden ? undefined : refresh(element, element.dataset.part)), Number(element.dataset.calm) || LEAST_MS);
  listen(element.dataset.live, update, { types: ["message", "build", "deployment"] });
  // What is looked at every few seconds sends no event for each look.
  setInterval(() => { if (element.querySelector("[data-follow]")) update(); }, FOLLOW_MS);
}

/** A link that fetches the rows after it and puts them in its place. */
async function loadMore(link) {
  const box = link.closest("[data-older]");
  const address = new URL(link.href);
  address.searchParams.set("part", "more");
  const answer = await fetch(address);
  if (!answer.ok) { location.href = link.href; return; }
  const fresh = document.createElement("template");
  fresh.innerHTML = await answer.text();
  const first = fresh.content.querySelector(".row-link");
  link.parentElement.replaceWith(fresh.content);
  tick(box);
  first?.focus({ preventScroll: true });
}

export function startLive() {
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-load-more]");
    if (!link || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    loadMore(link);
  });
  for (const element of document.querySelectorAll("[data-live][data-part]")) startPart(element);
}
