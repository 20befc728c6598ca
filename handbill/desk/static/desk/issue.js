// Orders the issue by drag and by Alt with the arrow keys, saves each change, and shows the letter anew when it changed.
"use strict";
(() => {
  const place = document.querySelector("[data-from]"), frame = document.getElementById("frame"), status = document.getElementById("said");
  if (!place || !frame) return;
  const items = () => [...place.querySelectorAll(".desk-order > li")];
  let shown = place.firstElementChild.dataset.letter, dragged = null, waiting = null, saving = false;
  place.addEventListener("desk-placed", () => {
    const now = place.firstElementChild.dataset.letter;
    if (now !== shown) frame.src = frame.getAttribute("src");
    shown = now;
  });
  const save = async moved => {
    waiting = moved;
    place.dataset.busy = "1";
    if (saving) return;
    saving = true;
    while (waiting) {
      const form = document.getElementById("order-form"), body = new FormData(form);
      body.set("order", items().map(each => each.dataset.id).join());
      body.set("moved", waiting);
      waiting = null;
      try {
        const answer = await fetch(form.action, { method: "POST", body, headers: { "X-Requested-With": "fetch" }, credentials: "same-origin", signal: AbortSignal.timeout(20000) });
        if (answer.redirected || !(answer.ok || answer.status === 409)) return location.reload();
        const markup = await answer.text();
        if (waiting && answer.ok) form.elements.seen.value = new DOMParser().parseFromString(markup, "text/html").querySelector("#order-form [name=seen]").value;
        else { waiting = null; place.dispatchEvent(new CustomEvent("desk-part", { detail: markup })); }
      } catch { return location.reload(); }
    }
    saving = false;
    delete place.dataset.busy;
  };
  const moved = item => {
    const all = items();
    status.textContent = `${item.querySelector(".desk-order-title").textContent}: ${place.dataset.moved} ${all.indexOf(item) + 1} / ${all.length}`;
    save(item.dataset.id);
  };
  place.addEventListener("keydown", event => {
    const item = event.target.closest?.(".desk-order > li[draggable]");
    if (!item || !event.altKey || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
    event.preventDefault();
    const other = event.key === "ArrowUp" ? item.previousElementSibling : item.nextElementSibling;
    if (!other) return;
    other[event.key === "ArrowUp" ? "before" : "after"](item);
    item.focus();
    moved(item);
  });
  place.addEventListener("dragstart", event => {
    dragged = event.target.closest?.(".desk-order > li");
    if (!dragged) return;
    place.dataset.busy = "1";
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", dragged.dataset.id);
  });
  place.addEventListener("dragover", event => {
    const over = dragged && event.target.closest?.(".desk-order > li");
    if (!over) return;
    event.preventDefault();
    const box = over.getBoundingClientRect();
    if (over !== dragged) over[event.clientY < box.top + box.height / 2 ? "before" : "after"](dragged);
  });
  place.addEventListener("drop", event => { if (dragged) event.preventDefault(); });
  place.addEventListener("dragend", () => {
    if (dragged) { const item = dragged; dragged = null; moved(item); }
  });
})();
