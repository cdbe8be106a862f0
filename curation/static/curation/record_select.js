/* Boxes that search related records: load select2 when the first box gets the focus, and turn all boxes into its own. */
"use strict";

let loaded;

async function load(addresses) {
    for (const address of addresses) {
        await new Promise((resolve, reject) => {
            const script = Object.assign(document.createElement("script"), { src: address, onload: resolve, onerror: reject });
            document.head.append(script);
        });
    }
    await new Promise((resolve) => django.jQuery(resolve)); // the last script makes the boxes when the page is ready
}

const isPlain = (one) => one.matches("select.admin-autocomplete:not(.select2-hidden-accessible)");

addEventListener("focusin", async ({ target }) => {
    if (!isPlain(target)) return;
    loaded ??= load(JSON.parse(target.dataset.scripts));
    await loaded;
    if (document.activeElement === target || document.activeElement === document.body) {
        target.nextElementSibling.querySelector(".select2-selection").focus();
    }
});

addEventListener("mousedown", async (event) => {
    const { target } = event;
    if (!isPlain(target)) return;
    event.preventDefault(); // it would show only the current record
    target.focus();
    await loaded;
    django.jQuery(target).select2("open");
});

// The link beside a box leads to the chosen record.
function point(link) {
    const chosen = link.closest(".related-widget-wrapper").querySelector("select")?.value;
    if (chosen) link.href = link.dataset.hrefTemplate.replace("__fk__", encodeURIComponent(chosen));
    else link.removeAttribute("href");
}

const LINKS = ".related-widget-wrapper-link[data-href-template]";
addEventListener("DOMContentLoaded", () => document.querySelectorAll(LINKS).forEach(point));
for (const kind of ["focusin", "pointerover"]) {
    addEventListener(kind, ({ target }) => {
        const link = target.closest?.(LINKS);
        if (link) point(link);
    });
}
