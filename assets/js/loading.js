/**
 * Loads the page once more where a part of it did not arrive, as when the Wi-Fi changed in that moment: browsers ask
 * again for a page, never for its scripts. It is sent inside the page, so that it has arrived where the page has.
 */
(() => {
  const TRIES = "chatbox.loading"; // in this tab: how often in a row
  const PAUSES = [500, 1000, 2000, 4000, 8000]; // ms
  let failed = false;

  addEventListener("error", ({ target }) => void (isPart(target) && !failed && loadAgain()), true);
  addEventListener("load", () => void (failed || remember(0)));

  /** @param {EventTarget | null} target */
  function isPart(target) {
    return target instanceof HTMLScriptElement || (target instanceof HTMLLinkElement && target.rel !== "icon");
  }

  function loadAgain() {
    failed = true;
    const tries = tried();
    if (tries < PAUSES.length && remember(tries + 1)) setTimeout(() => location.reload(), PAUSES[tries]);
    else addEventListener("load", giveUp);
  }

  function giveUp() {
    remember(0);
    document.querySelector(".incomplete")?.removeAttribute("hidden");
  }

  function tried() {
    try {
      return Number(sessionStorage.getItem(TRIES));
    } catch {
      return PAUSES.length; // where nothing may be kept, it would never end
    }
  }

  /** @param {number} tries */
  function remember(tries) {
    try {
      if (tries) sessionStorage.setItem(TRIES, String(tries));
      else sessionStorage.removeItem(TRIES);
      return true;
    } catch {
      return false;
    }
  }
})();
