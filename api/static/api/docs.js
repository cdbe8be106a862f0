/* Point the skip link of the page to the operations, which Swagger UI renders, and give Swagger UI the page's theme. */
"use strict";

document.querySelector(".skip-to-content-link").href = "#operations";

const root = document.documentElement;
const dark = matchMedia("(prefers-color-scheme: dark)");

function setTheme() {
    const theme = root.dataset.theme ?? "auto";
    root.classList.toggle("dark-mode", theme === "dark" || (theme === "auto" && dark.matches));
}

setTheme();
dark.addEventListener("change", setTheme);
new MutationObserver(setTheme).observe(root, { attributeFilter: ["data-theme"] });
