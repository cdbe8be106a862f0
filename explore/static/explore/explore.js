/* Explore without a click too many: a table opens when it is chosen; a page that is renewed stays as the reader had it. */
"use strict";

addEventListener("change", (event) => {
    if (event.target.id === "choose-table") event.target.form.requestSubmit();
});

// Ticking one after this shows that one alone.
addEventListener("click", (event) => {
    if (event.target.id !== "untick") return;
    for (const one of document.querySelectorAll('#explore-form [name="columns"]')) one.checked = false;
});

function reveal() {
    for (const one of document.querySelectorAll(".scripted")) one.hidden = false;
}

reveal();

let opened = {};
let focused = "";

addEventListener("htmx:beforeSwap", (event) => {
    const { xhr, pathInfo } = event.detail;
    if (!xhr.responseText.includes('id="explore"')) {
        // Another page, such as the one to sign in at, or an error's: the browser goes there itself.
        event.detail.shouldSwap = false;
        location.assign(xhr.status < 400 ? xhr.responseURL : pathInfo.finalRequestPath);
        return;
    }
    opened = {};
    for (const one of document.querySelectorAll("#explore-form details[id]")) opened[one.id] = one.open;
    focused = document.activeElement?.id ?? "";
});

addEventListener("htmx:afterSettle", () => {
    reveal();
    for (const [id, open] of Object.entries(opened)) {
        const one = document.getElementById(id);
        if (one && !one.classList.contains("active")) one.open = open;
    }
    const there = focused && document.getElementById(focused);
    if (!there || document.activeElement !== document.body) return;
    // A column that cannot be moved further leaves the focus with the other way.
    (there.disabled ? there.parentElement.querySelector("button:not(:disabled)") : there)?.focus();
});
