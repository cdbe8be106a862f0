"""The parts of the Chart tab that load after its page: the server's picture, the chart of a large table, the script."""

import json
import re
from html import unescape
from pathlib import Path

from django.contrib.staticfiles import finders
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

CHART = "census/respondents/chart/"


def test_the_picture_is_on_the_page_before_the_script_draws(reader, respondents):
    page = reader.page(f"{CHART}?kind=bar&x=education")
    image = re.search(r'<img src="([^"]+)" width="800" height="(\d+)" alt="([^"]+)">', page)
    assert image[3].startswith("Respondents by education. Census: respondents. Grey: fewer than 5")
    on_black = re.search(r'<source media="\(prefers-color-scheme: dark\)" srcset="([^ "]+)"', page)[1]
    pictures = {}
    for address in (image[1], on_black):
        answer = reader.get(unescape(address))
        assert (answer.status_code, answer["Content-Type"]) == (200, "image/svg+xml")
        assert "Content-Disposition" not in answer  # opens in the browser, where its marks are links
        assert f'viewBox="0 0 800 {image[2]}"' in answer.text and "Respondents by education" not in answer.text
        assert 'xlink:href="http://testserver/explore/census/respondents/?education=Masters"' in answer.text
        pictures[address] = answer.text
    assert len({*pictures.values()}) == 2
    assert f'id="chart-picture" href="{image[1]}"' in page


def test_the_chart_of_a_large_table_is_a_part_of_its_own(reader, respondents, monkeypatch):
    monkeypatch.setattr("explore.charts.views.QUICK", 3)
    query = "kind=bar&x=education&measure=median:hours_per_week"
    with CaptureQueriesContext(connection) as captured:
        page = reader.page(f"{CHART}?{query}")
    assert not [entry["sql"] for entry in captured if "GROUP BY" in entry["sql"] and "value_0" in entry["sql"]]
    assert "chart-drawing" not in page and ">Show the chart</a>" in page
    late = unescape(re.search(r'id="chart-shown" hx-get="([^"]+)" hx-trigger="load"', page)[1])
    assert late == f"/explore/census/respondents/chart/figure/?{query}"
    figure = reader.get(late).text
    assert 'id="explore"' in figure and "Median hours per week by education</h2>" in figure
    assert "chart-drawing" in figure and 'hx-trigger="load"' not in figure.partition('id="chart-shown"')[2]
    assert "chart-drawing" in reader.page(f"{CHART}?{query}")  # remembered
    for wrong in ("kind=bar&x=educaton", "kind=box&x=sex&y=sex", "kind=bar&x=sex&measure=mean:sex"):
        assert "chart-shown" in reader.page(f"{CHART}?{wrong}", 400)
    too_late = reader.page(f"{CHART}figure/?kind=line&x=age&scale=log", 400)
    assert "There is no chart: <code>scale</code>: A log scale needs values above 0" in too_late


def test_the_javascript_bundle_is_a_static_file(settings, tmp_path):
    path = Path(finders.find("explore/vega.js"))
    text = path.read_text()
    assert "vegaEmbed" in text and "sourceMappingURL" not in text
    settings.STATIC_ROOT = tmp_path / "static"
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
    }
    call_command("collectstatic", interactive=False, verbosity=0)
    manifest = json.loads((settings.STATIC_ROOT / "staticfiles.json").read_text())["paths"]
    served = settings.STATIC_ROOT / manifest["explore/vega.js"]
    assert served.read_bytes() == path.read_bytes()
    assert served.with_name(served.name + ".gz").exists()
