// What every page does: menus, keys, clocks, copying, live parts. The build page adds build.js.
import { startClock } from "./clock.js";
import { startMenus } from "./menus.js";
import { startLive } from "./live.js";
import { key, startKeys } from "./keys.js";

startClock();
startMenus();
startKeys();
startLive();

key("/", "Search", () => {
  const field = document.querySelector("[data-search]");
  if (!field) return false;
  field.focus();
  field.select();
  return true;
}, { overridable: true });
