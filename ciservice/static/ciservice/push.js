// The button that lets this browser show messages.

const box = document.querySelector("[data-push]");
const state = box && box.querySelector("[data-push-state]");
const button = box && box.querySelector("button");

function say(text) { state.textContent = text; }

function bytes(text) {
  const plain = atob(text.replace(/-/g, "+").replace(/_/g, "/") + "=".repeat((4 - (text.length % 4)) % 4));
  return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
}

function coded(buffer) {
  const plain = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(plain).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

async function post(url, values) {
  const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
  const answer = await fetch(url, { method: "POST", body: new URLSearchParams({ csrfmiddlewaretoken: token, ...values }) });
  const told = await answer.json();
  if (!answer.ok) throw new Error(told.error || "The server did not take it.");
  return told;
}

function named() {
  const agent = navigator.userAgent;
  const browser = ["Edg", "Firefox", "Chrome", "Safari"].find((each) => agent.includes(each)) || "Browser";
  const system = ["Android", "iPhone", "iPad", "Windows", "Mac OS", "Linux"].find((each) => agent.includes(each)) || "";
  return `${browser.replace("Edg", "Edge")}${system ? ` on ${system}` : ""}`;
}

async function begin() {
  button.disabled = true;
  try {
    if ((await Notification.requestPermission()) !== "granted") {
      say("The browser was told to show nothing from this site: allow notifications in its settings.");
      return;
    }
    const worker = await navigator.serviceWorker.register(box.dataset.worker, { scope: "/" });
    await navigator.serviceWorker.ready;
    const { key } = await post(box.dataset.key, {});
    const taken = await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(key) });
    const keys = { key: coded(taken.getKey("p256dh")), auth: coded(taken.getKey("auth")) };
    await post(box.dataset.add, { endpoint: taken.endpoint, name: named(), ...keys });
    location.reload();
  } catch (error) {
    say(`This browser could not be added: ${error.message}`);
  } finally {
    button.disabled = false;
  }
}

if (box) {
  if (!("serviceWorker" in navigator) || !("PushManager" in window)) {
    button.hidden = true;
    say("This browser cannot show pushed messages here: that needs https:// and a browser that knows web push.");
  } else {
    button.addEventListener("click", begin);
  }
}
