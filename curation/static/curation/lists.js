/* Lists: keep the drawer open on the next page. */
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
