/* Keyboard shortcuts of every page: "/" goes to the search box, "?" shows the list of shortcuts. A field with
   data-submits submits its form when it changes. */
"use strict";

const SEARCH_BOX = ".header-search input[type=search], main input[type=search], #searchbar";

addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, select, textarea, [contenteditable]");
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "/") {
        const box = [...document.querySelectorAll(SEARCH_BOX)].find((one) => one.checkVisibility());
        if (!box) return;
        event.preventDefault();
        box.focus();
        box.select();
    } else if (event.key === "?") {
        document.getElementById("shortcuts")?.togglePopover();
    }
});

addEventListener("change", (event) => {
    if ("submits" in event.target.dataset) event.target.form.requestSubmit();
});
