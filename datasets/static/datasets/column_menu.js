/* The menu of a column: open its filter, and show its profile inside the menu. */
"use strict";

const KEPT = ["columns", "ordering", "o", "_facets"]; // parameters of a list that are no filters

addEventListener("click", (event) => {
    if (!event.target.matches('.column-menu a[href^="#"]')) return;
    event.preventDefault();
    event.target.closest("[popover]").hidePopover();
    const filter = document.getElementById(event.target.hash.slice(1));
    for (let one = filter; one; one = one.parentElement) if (one.matches("details")) one.open = true;
    filter?.querySelector("input:not([type=hidden]), a")?.focus();
});

addEventListener("htmx:beforeSwap", (event) => {
    const { xhr, target, requestConfig } = event.detail;
    if (!target.matches(".column-menu .part") || / data-part/.test(xhr.responseText)) return;
    event.detail.shouldSwap = false; // the login page or an error page: let the browser load the page of the link
    location.assign(requestConfig.elt.href);
});

// The links of a profile filter the list of the page, and keep its columns and order.
addEventListener("htmx:afterSwap", (event) => {
    if (!event.detail.target.matches(".column-menu .part")) return;
    const list = new URLSearchParams(location.search);
    const searches = document.getElementById("searchbar")?.name;
    for (const link of event.detail.target.querySelectorAll("a")) {
        const params = new URL(link.getAttribute("href"), location).searchParams;
        const words = params.get("search");
        if (words !== null) {
            params.delete("search");
            params.set(searches, words);
        }
        for (const name of KEPT) if (list.has(name)) params.set(name, list.get(name));
        link.setAttribute("href", `?${params}`);
    }
});
