// Runs before the first paint: says that scripts run, and puts on the look that the person chose.
(() => {
  const root = document.documentElement;
  root.classList.add("js");
  // A script that could not be had: the page stands as it does without scripts.
  document.addEventListener("error", ({ target }) => { if (target.tagName === "SCRIPT") root.classList.remove("js"); }, true);
  try {
    const look = localStorage.getItem("look");
    if (look === "light" || look === "dark") root.dataset.theme = look;
  } catch { /* storage is switched off */ }
})();
