/* Draws the chart that the page names, in the colours of the page, and anew whenever either changes. */
"use strict";

const dark = matchMedia("(prefers-color-scheme: dark)");
const NARROW = 600; // pixels, below which legends stand under the picture
let drawn = null; // what vega-embed returned, to be ended before the next
let turn = 0;

function theme() {
    const chosen = document.documentElement.dataset.theme;
    return chosen === "dark" || chosen === "light" ? chosen : dark.matches ? "dark" : "light";
}

function fitted({ data, config, ...rest }, narrow) {
    // The page says the title above. Where it is narrow, names below the picture are upright and give way to each other.
    const changes = narrow ? { labelOverlap: true, labelAngle: -90 } : {};
    const changed = JSON.parse(JSON.stringify(rest), (key, value) => (Object.hasOwn(changes, key) ? changes[key] : value));
    const legend = { ...config.legend, ...(narrow ? { orient: "bottom", columns: 2, labelLimit: 120 } : {}) };
    const axis = { ...config.axis, ...(narrow ? { labelLimit: 110 } : {}) };
    const font = getComputedStyle(document.body).fontFamily;
    const axisX = narrow ? { titleAnchor: "end" } : {};
    return { ...changed, data, config: { ...config, background: null, font, legend, axis, axisX }, width: "container" };
}

async function draw() {
    const place = document.getElementById("chart-drawing");
    if (!place) return;
    const mine = ++turn;
    const waiting = document.getElementById("chart-waiting");
    waiting.textContent = "Drawing…";
    waiting.hidden = false;
    try {
        const answer = await fetch(`${place.dataset.spec}&theme=${theme()}`, { headers: { Accept: "application/json" } });
        if (!answer.ok) throw new Error(await answer.text());
        const found = await answer.json();
        if (mine !== turn) return;
        const spec = fitted(found, place.clientWidth < NARROW);
        if (drawn) drawn.finalize();
        drawn = await vegaEmbed(place, spec, {
            mode: "vega-lite",
            renderer: "svg",
            ast: true, // expressions are interpreted: the policy of this site forbids to compile them
            actions: false,
            defaultStyle: false,
            tooltip: { disableDefaultStyle: true },
        });
        waiting.hidden = true;
    } catch (error) {
        if (mine !== turn) return;
        waiting.textContent = `The chart could not be drawn (${error.message}). Its data are in the table below.`;
    }
}

dark.addEventListener("change", draw);
new MutationObserver(draw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
addEventListener("htmx:afterSettle", (event) => {
    if (event.target.querySelector("#chart-drawing")) draw();
});
let width = innerWidth;
addEventListener("resize", () => {
    if (width < NARROW !== innerWidth < NARROW) draw(); // the container's width is followed by itself
    width = innerWidth;
});
draw();
