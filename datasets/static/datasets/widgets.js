/* Accessible names of the admin's widgets: of the boxes that search related records, and of icons with a tooltip. */
"use strict";

const SEARCHES = "select.admin-autocomplete";
const BOXES = ".select2-selection, .select2-selection__rendered[role], .select2-search__field";

function nameBox(box, select) {
    const label = select?.labels[0]?.textContent.replace(/:\s*$/, "");
    if (!label) return;
    box.removeAttribute("aria-labelledby"); // it names the chosen record, if there is one
    box.setAttribute("aria-label", label);
}

function nameWidgets() {
    for (const select of document.querySelectorAll(SEARCHES)) {
        for (const box of select.parentElement.querySelectorAll(BOXES)) nameBox(box, select);
    }
    for (const box of document.querySelectorAll(".select2-dropdown .select2-search__field[aria-controls]")) {
        const name = box.getAttribute("aria-controls").replace(/^select2-|-results$/g, "");
        nameBox(box, document.getElementById(name));
    }
    for (const box of document.querySelectorAll(".select2-selection[aria-owns]")) {
        box.setAttribute("aria-controls", box.getAttribute("aria-owns"));
    }
    for (const list of document.querySelectorAll("body > .select2-container--open")) {
        list.setAttribute("role", "region");
        list.setAttribute("aria-label", "Choices");
    }
    for (const icon of document.querySelectorAll("span.help-tooltip[aria-label]")) icon.setAttribute("role", "img");
}

// The admin's scripts make the widgets after the page has loaded, and the search box of a list when the list opens.
if (document.querySelector(`${SEARCHES}, select.selectfilter`)) {
    new MutationObserver(nameWidgets).observe(document.body, { childList: true, subtree: true });
}
