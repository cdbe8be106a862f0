/* Lists: keep the drawer open on the next page, and replace bounded counts by exact ones. */
"use strict";

const drawer = document.getElementById("list-drawer");
const kept = `drawer ${location.pathname}`;

if (drawer) {
    drawer.open = sessionStorage.getItem(kept) === "open";
    drawer.addEventListener("toggle", () => {
        if (drawer.open) sessionStorage.setItem(kept, "open");
        else sessionStorage.removeItem(kept);
    });
}

async function load(address, show) {
    const answer = await fetch(address);
    if (answer.ok && !answer.redirected) show(await answer.text());
}

for (const one of document.querySelectorAll("[data-count]")) {
    load(one.dataset.count, (text) => { one.textContent = text; });
}

for (const note of document.querySelectorAll("[data-counts]")) {
    load(note.dataset.counts, (text) => {
        for (const count of new DOMParser().parseFromString(text, "text/html").querySelectorAll("[id^=count-]")) {
            const shown = document.querySelector(`#${CSS.escape(count.id)} .facet`);
            if (shown) shown.textContent = `(${count.textContent})`;
        }
        note.hidden = !document.querySelector("#changelist-filter").textContent.includes("+)");
    });
}
