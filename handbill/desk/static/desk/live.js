// Keeps a page up to date: asks for the part that changes and puts it in place, unless somebody is at work in it.
// Another script says that it is at work by data-busy, and gives a newer part by the event "desk-part".
"use strict";
(() => {
  const place = document.querySelector("[data-from]"), status = document.getElementById("said");
  if (!place) return;
  const facts = () => place.firstElementChild?.dataset ?? {};
  let said = facts().said;
  const typing = () => {
    const at = document.activeElement;
    return place.dataset.busy || place.contains(at) && at.matches("input")
      || [...place.querySelectorAll("input:is([type=text], [type=datetime-local])")].some(each => each.value !== each.defaultValue)
      || place.querySelector("input:is([type=checkbox], [type=radio]):checked");
  };
  const put = markup => {
    const focused = place.contains(document.activeElement) ? document.activeElement.id : "";
    const open = [...place.querySelectorAll("details[open]")].map(each => each.id);
    place.innerHTML = markup;
    for (const id of open) document.getElementById(id)?.setAttribute("open", "");
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
    place.dispatchEvent(new CustomEvent("desk-placed"));
    if (facts().said !== said) status.textContent = said = facts().said;
  };
  place.addEventListener("desk-part", event => put(event.detail));
  const look = async () => {
    if (!document.hidden && !typing()) {
      try {
        const answer = await fetch(place.dataset.from, { credentials: "same-origin", signal: AbortSignal.timeout(20000) });
        if (answer.redirected || answer.status === 403) return location.reload();
        const markup = await answer.text();
        if (answer.ok && !typing()) put(markup);
      } catch { /* the next look may reach it */ }
    }
    setTimeout(look, 1000 * (Number(facts().seconds) || 20));
  };
  setTimeout(look, 1000 * (Number(facts().seconds) || 20));
})();
