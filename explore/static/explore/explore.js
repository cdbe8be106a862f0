/* Open a table when it is selected, copy the page's link, and set a filter by its sliders. When htmx swaps the page, keep
   open sections, scroll positions and the focus. */
"use strict";

addEventListener("change", (event) => {
    if (event.target.id === "choose-table") event.target.form.requestSubmit();
});

addEventListener("click", (event) => {
    if (event.target.id === "untick") {
        // After this, checking one column shows only that column.
        for (const one of document.querySelectorAll('#explore-form [name="columns"]')) one.checked = false;
    } else if (event.target.id === "copy-link") {
        const status = document.getElementById("copied");
        navigator.clipboard.writeText(location.href).then(
            () => { status.textContent = "Copied"; },
            () => { status.textContent = "The browser does not allow this. Copy the address from the address bar."; },
        );
    }
});

// A slider below a histogram sets a field of its filter. The table is loaded again when the slider stops.
let resting;

addEventListener("input", (event) => {
    const slider = event.target;
    if (!slider.dataset.sets) return;
    const [low, high] = slider.parentElement.children;
    if (Number(low.value) > Number(high.value)) slider.value = slider === low ? high.value : low.value;
    const field = document.getElementById(slider.dataset.sets);
    const part = slider.closest("[data-part]");
    const unset = slider === low ? slider.value - slider.min < slider.step / 2 : slider.max - slider.value < slider.step / 2;
    const value = "dated" in part.dataset ? new Date(slider.value * 864e5).toISOString().slice(0, 10) : slider.value;
    field.value = unset ? "" : value;
    for (const bar of part.querySelectorAll(".bar")) {
        bar.classList.toggle("within", bar.dataset.last >= +low.value && bar.dataset.first <= +high.value);
    }
});

addEventListener("change", (event) => {
    const { sets } = event.target.dataset;
    if (!sets) return;
    event.stopPropagation();
    clearTimeout(resting);
    const changed = () => document.getElementById(sets).dispatchEvent(new Event("change", { bubbles: true }));
    resting = setTimeout(changed, 400);
}, true);

function reveal() {
    for (const one of document.querySelectorAll(".scripted")) one.hidden = false;
    if (!navigator.clipboard) document.getElementById("copy-link")?.remove();
}

reveal();

let opened = {};
let scrolled = {};
let focused = "";

addEventListener("htmx:beforeSwap", (event) => {
    const { xhr, pathInfo, target } = event.detail;
    const isText = xhr.getResponseHeader("Content-Type")?.startsWith("text/plain");
    if (!isText && !/ id="explore"| data-part/.test(xhr.responseText)) {
        // A page outside explore, such as the login page or an error page: let the browser load it. A part is left out.
        event.detail.shouldSwap = false;
        if (target.id === "explore") location.assign(xhr.status < 400 ? xhr.responseURL : pathInfo.finalRequestPath);
        return;
    }
    if (target.id !== "explore") return;
    for (const one of document.querySelectorAll("#explore details[id]")) opened[one.id] = one.open;
    for (const id of ["explore-form", "explore-rows"]) {
        const one = document.getElementById(id);
        if (one) scrolled[id] = [one.scrollLeft, id === "explore-form" ? one.scrollTop : 0];
    }
    focused = document.activeElement?.id ?? "";
});

addEventListener("htmx:afterSwap", () => {
    reveal();
    for (const [id, open] of Object.entries(opened)) {
        const one = document.getElementById(id);
        if (one && !one.classList.contains("active")) one.open = open;
    }
    for (const [id, [left, top]] of Object.entries(scrolled)) document.getElementById(id)?.scrollTo(left, top);
    opened = {};
    scrolled = {};
});

addEventListener("htmx:afterSettle", () => {
    let there = focused && document.getElementById(focused);
    if (!there || document.activeElement !== document.body) return;
    // The menu that had the focus is closed: focus its button.
    const menu = there.closest("[popover]");
    if (menu) there = document.querySelector(`[popovertarget="${menu.id}"]`) ?? there;
    focused = "";
    // When a column reaches an end, its move button is disabled: focus the opposite one.
    (there.disabled ? there.parentElement.querySelector("button:not(:disabled)") : there)?.focus({ preventScroll: true });
});
