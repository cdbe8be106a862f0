/* Open the filter of a column from the column's menu. */
"use strict";

addEventListener("click", (event) => {
    if (!event.target.matches('.column-menu a[href^="#"]')) return;
    event.preventDefault();
    event.target.closest("[popover]").hidePopover();
    const filter = document.getElementById(event.target.hash.slice(1));
    for (let one = filter; one; one = one.parentElement) if (one.matches("details")) one.open = true;
    filter?.querySelector("input:not([type=hidden]), a")?.focus();
});
