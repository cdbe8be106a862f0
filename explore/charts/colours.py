"""The colours of charts: distinguishable on white and on black, also with colour blindness."""

from collections.abc import Iterable
from typing import Any

# Each has a contrast of at least 3:1 with its background; neighbours also differ with red-green colour blindness.
PALETTE = ["#0072b2", "#d55e00", "#004d40", "#cc6fa8", "#332288", "#00957a", "#7a1f3d"]
ON_BLACK = ["#4ba6e8", "#f58231", "#efe36a", "#c77bb0", "#c9ecf8", "#2aa87c", "#b9685a"]
GREYS = {"other": "#595959", "missing": "#949494"}
GREYS_ON_BLACK = {"other": "#b4b4b4", "missing": "#6b6b6b"}
FEW_GREY, FEW_ON_BLACK = "#b9bec4", "#4d545c"  # of groups with too few records
INK, INK_ON_BLACK = "#222222", "#eeeeee"  # of intervals
# For ordered groups: viridis without its ends.
SEQUENCE = ["#414487", "#355f8d", "#2a788e", "#21918c", "#22a884", "#44bf70", "#7ad151"]
HEAT: dict[str, Any] = {"name": "viridis", "extent": [0.2, 0.92]}

FONT = "Liberation Sans, Arial, Helvetica, sans-serif"


def _theme(ink: str, quiet: str, rule: str, background: str) -> dict[str, Any]:
    return {
        "background": background,
        "font": FONT,
        "title": {
            "anchor": "start", "frame": "bounds", "color": ink, "subtitleColor": quiet,
            "fontSize": 16, "fontWeight": "bold", "subtitleFontSize": 12, "subtitlePadding": 5, "offset": 14,
        },
        "axis": {
            "labelColor": ink, "titleColor": ink, "gridColor": rule, "domainColor": quiet, "tickColor": quiet,
            "labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal", "titlePadding": 8,
            "labelSeparation": 8,
        },
        "legend": {
            "labelColor": ink, "titleColor": ink, "labelFontSize": 12, "titleFontSize": 12,
            "labelLimit": 200, "titleLimit": 320,
        },
        "view": {"stroke": None},
    }  # fmt: skip


THEMES = {
    "light": _theme(ink=INK, quiet="#595959", rule="#e2e2e2", background="#ffffff"),
    "dark": _theme(ink=INK_ON_BLACK, quiet="#b0b0b0", rule="#3d3d3d", background="#121212"),
}
# The dark theme's colour for each colour of a specification, which uses those of the light theme.
BRIGHTER = dict(
    zip(
        [*PALETTE, *GREYS.values(), FEW_GREY, INK],
        [*ON_BLACK, *GREYS_ON_BLACK.values(), FEW_ON_BLACK, INK_ON_BLACK],
        strict=True,
    )
)


def colours_of(labels: Iterable[str], greys: dict[str, str], *, ordered: bool) -> list[str]:
    """Return a colour for each of *labels*; *greys* has the colours of "other" and "missing"."""
    labels = list(labels)
    values = [label for label in labels if label not in greys]
    if ordered and len(values) > 2:
        step = (len(SEQUENCE) - 1) / max(len(values) - 1, 1)
        chosen = [SEQUENCE[min(round(place * step), len(SEQUENCE) - 1)] for place in range(len(values))]
    else:
        chosen = [PALETTE[place % len(PALETTE)] for place in range(len(values))]
    return [greys.get(label) or chosen[values.index(label)] for label in labels]
