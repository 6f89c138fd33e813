// A link that opens once. Its secret stands behind the #, which browsers send nobody; it leaves the address at once.

import { ask, byId, put } from "./page.js";

const token = location.hash.slice(1);
history.replaceState(null, "", location.pathname);
const button = byId("enter");
if (!/^[0-9a-f]{64}$/.test(token)) {
  put(byId("said"), "There is no link in the address. Ask for one of your own: backroad web invite NAME.");
  button.disabled = true;
} else {
  button.focus();
}
button.addEventListener("click", async () => {
  button.disabled = true;
  try {
    await ask("/enter", { token });
    location.replace("/");
  } catch (error) {
    put(byId("said"), error.message);
  }
});
