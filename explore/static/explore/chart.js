/* Draws the chart that the page names, in the colours of the page, and anew whenever either changes. */
"use strict";

const dark = matchMedia("(prefers-color-scheme: dark)");
const NARROW = 600; // pixels, below which legends stand under the picture
let drawn = null; // what vega-embed returned, to be ended before the next
let turn = 0;

function themed() {
    const chosen = document.documentElement.dataset.theme;
    const name = chosen === "dark" || chosen === "light" ? chosen : dark.matches ? "dark" : "light";
    const { configs, brighter } = JSON.parse(document.getElementById("chart-themes").textContent);
    const font = getComputedStyle(document.body).fontFamily;
    return [{ ...configs[name], background: null, font }, name === "dark" ? brighter : {}];
}

function fitted({ data, title, ...rest }, colours, narrow) {
    // The page says the title above. Of what is drawn only the colours change, and labels give way to each other.
    const changed = JSON.parse(JSON.stringify(rest), (key, value) => {
        if (key === "labelOverlap" && narrow) return true;
        return typeof value === "string" && Object.hasOwn(colours, value) ? colours[value] : value;
    });
    return { ...changed, data, width: "container" };
}

async function draw() {
    const place = document.getElementById("chart-drawing");
    if (!place) return;
    const mine = ++turn;
    const waiting = document.getElementById("chart-waiting");
    waiting.textContent = "Drawing…";
    waiting.hidden = false;
    try {
        const answer = await fetch(place.dataset.spec, { headers: { Accept: "application/json" } });
        if (!answer.ok) throw new Error(await answer.text());
        const found = await answer.json();
        if (mine !== turn) return;
        const [theme, colours] = themed();
        const narrow = place.clientWidth < NARROW;
        const spec = fitted(found, colours, narrow);
        const legend = { ...theme.legend, ...(narrow ? { orient: "bottom", columns: 2, labelLimit: 120 } : {}) };
        const axis = { ...theme.axis, ...(narrow ? { labelLimit: 110 } : {}) };
        const config = { ...theme, legend, axis };
        if (drawn) drawn.finalize();
        drawn = await vegaEmbed(place, spec, {
            mode: "vega-lite",
            renderer: "svg",
            ast: true, // expressions are interpreted: the policy of this site forbids to compile them
            actions: false,
            defaultStyle: false,
            tooltip: { disableDefaultStyle: true },
            config,
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
