/* Keyboard shortcuts of every page: "/" goes to the search box, "?" shows the list of shortcuts. A field with
   data-submits submits its form when it changes. A field for files with data-limit refuses more bytes than the server. */
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

const megabytes = (bytes) => `${(bytes / 2 ** 20).toLocaleString("en", { maximumFractionDigits: 1 })} MB`;

// The server would refuse the request without reading its files, and the browser would forget them.
addEventListener("change", ({ target }) => {
    const limit = Number(target.dataset.limit);
    if (!limit) return;
    const files = [...target.files].sort((one, other) => other.size - one.size);
    const total = files.reduce((sum, file) => sum + file.size, 0);
    const first = files[0] && `${files[0].name} has ${megabytes(files[0].size)}`;
    const together = files.length > 1 ? `, and all ${files.length} files have ${megabytes(total)}` : "";
    const most = `An upload can have at most ${megabytes(limit)}: import the files one by one, or on the command line.`;
    target.setCustomValidity(total > limit ? `${first}${together}. ${most}` : "");
    target.reportValidity();
});

addEventListener("change", (event) => {
    if ("submits" in event.target.dataset) event.target.form.requestSubmit();
});
