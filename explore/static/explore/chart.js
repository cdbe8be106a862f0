/* Draw the page's chart in the page's theme, and redraw it when either changes. */
"use strict";

const dark = matchMedia("(prefers-color-scheme: dark)");
const NARROW = 600; // pixels: below this width, the legend is placed under the chart
let drawn = null; // the result of the last vega-embed call, finalized before the next
let turn = 0;
// Vega follows the width of the container only when the window is resized, but the drawer of filters changes it too.
const watched = new ResizeObserver(() => dispatchEvent(new Event("resize")));

function theme() {
    const chosen = document.documentElement.dataset.theme;
    return chosen === "dark" || chosen === "light" ? chosen : dark.matches ? "dark" : "light";
}

function fitted({ data, config, ...rest }, narrow) {
    // The page shows the title above. On a narrow page, axis labels are vertical, without numbers of records, and every
    // second one of many numbers is left out.
    const changes = narrow ? { labelOverlap: true, labelAngle: -90, labelExpr: undefined } : {};
    const changed = JSON.parse(JSON.stringify(rest), (key, value) => {
        if (narrow && key === "values" && value.length > 5) return value.filter((_, place) => place % 2 === 0);
        return Object.hasOwn(changes, key) ? changes[key] : value;
    });
    const legend = { ...config.legend, ...(narrow ? { orient: "bottom", columns: 2, labelLimit: 120 } : {}) };
    const axis = { ...config.axis, ...(narrow ? { labelLimit: 110 } : {}) };
    const font = getComputedStyle(document.body).fontFamily;
    const axisX = narrow ? { titleAnchor: "end" } : {};
    return { ...changed, data, config: { ...config, background: null, font, legend, axis, axisX }, width: "container" };
}

// Announce the effect of the last choice to users of screen readers.
let chosen = "";

addEventListener("change", ({ target }) => {
    if (!target.closest(".chart-boxes")) return;
    const [label] = target.labels;
    const value = target.selectedOptions?.[0].textContent ?? target.value;
    chosen = target.type === "radio" ? `Kind: ${label.textContent.trim()}` : `${label.textContent.trim()}: ${value}`;
});

function announce() {
    const lines = [...document.querySelectorAll(".chart-figure figcaption > *")].map((line) => line.textContent);
    if (chosen) document.getElementById("chart-changed").textContent = `${chosen}. ${lines[0]}. ${lines.at(-1)}`;
    chosen = "";
}

async function draw() {
    const place = document.getElementById("chart-drawing");
    if (!place) return;
    const mine = ++turn;
    const waiting = document.getElementById("chart-waiting");
    try {
        const answer = await fetch(`${place.dataset.spec}&theme=${theme()}`, { headers: { Accept: "application/json" } });
        const isText = answer.headers.get("Content-Type")?.startsWith("text/plain");
        if (!answer.ok) throw new Error(isText ? await answer.text() : `status ${answer.status}`);
        const found = await answer.json();
        if (mine !== turn) return;
        const spec = fitted(found, place.clientWidth < NARROW);
        if (drawn) drawn.finalize();
        drawn = await vegaEmbed(place, spec, {
            mode: "vega-lite",
            renderer: "svg",
            ast: true, // interpret expressions: the Content Security Policy forbids compiling them
            actions: false,
            defaultStyle: false,
            tooltip: { disableDefaultStyle: true },
        });
        place.parentElement.classList.add("drawn"); // it replaces the image from the server
        watched.disconnect();
        watched.observe(place.parentElement);
        waiting.hidden = true;
        announce();
    } catch (error) {
        if (mine !== turn) return;
        waiting.textContent = `The chart could not be drawn (${error.message}). The table below shows its data.`;
        waiting.hidden = false;
    }
}

dark.addEventListener("change", draw);
new MutationObserver(draw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
addEventListener("htmx:afterSettle", (event) => {
    if (event.target.querySelector("#chart-drawing")) draw();
});
let width = innerWidth;
addEventListener("resize", () => {
    if (width < NARROW !== innerWidth < NARROW) draw(); // Vega follows the container's width without a redraw
    width = innerWidth;
});
draw();
