/* Open a table when it is selected; keep open sections and the focus when htmx swaps the page. */
"use strict";

addEventListener("change", (event) => {
    if (event.target.id === "choose-table") event.target.form.requestSubmit();
});

// After this, checking one column shows only that column.
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
        // A page outside explore, such as the login page or an error page: let the browser load it.
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
    // When a column reaches an end, its move button is disabled: focus the opposite one.
    (there.disabled ? there.parentElement.querySelector("button:not(:disabled)") : there)?.focus();
});
