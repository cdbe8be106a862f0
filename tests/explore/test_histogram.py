"""The histogram of a range filter and its sliders."""

import re

import pytest

from experiments.models import UserExperiment

pytestmark = pytest.mark.django_db
AGES = "/explore/census/respondents/columns/age/histogram"


def bars(page):
    """Return the label, the number of records and whether the bar is within the bounds, for each bar."""
    found = re.findall(r'<rect class="bar( within)?" data-first[^>]*><title>(.*?): ([\d,]+)</title>', page)
    return [(label, int(count.replace(",", "")), bool(within)) for within, label, count in found]


def sliders(page):
    """Return the minimum, the maximum and the value of each slider, by the field that it sets."""
    found = re.findall(
        r'data-sets="(\w+)" aria-label="[^"]+" min="([^"]+)" max="([^"]+)" step="[^"]+" value="([^"]+)"', page
    )
    return {name: [float(number) for number in numbers] for name, *numbers in found}


def test_a_histogram_ignores_its_own_filter_and_marks_its_bounds(reader, respondents):
    page = reader.get(f"{AGES}?age__gte=40&age__lte=60&education=Bachelors").text
    drawn = bars(page)
    assert 0 < len(drawn) <= 30 and sum(count for _, count, _ in drawn) == 2  # 20 and 40
    assert [(label, within) for label, count, within in drawn if count] == [("20", False), ("40", True)]
    page = reader.get(f"{AGES}?age__gte=40&age__lte=60").text
    assert sum(count for _, count, _ in bars(page)) == 5 and len(bars(page)) <= 30
    least, most, low = sliders(page)["age__gte"]
    assert (least, most) == (sliders(page)["age__lte"][0], sliders(page)["age__lte"][1])
    assert least <= 20 < 100 <= most and low == 40 and sliders(page)["age__lte"][2] == 60
    assert reader.get(f"{AGES}?age__gte=-7").text.count('value="20"') == 1  # as far as the slider reaches
    assert reader.get(f"{AGES}?age__gte=x").status_code == 400


def test_dates_and_decimal_numbers_have_sliders(reader, people, experiments):
    page = reader.get("/explore/people/people/columns/date_of_birth/histogram?date_of_birth__gte=1853-01-01").text
    assert sum(count for _, count, _ in bars(page)) == 6 and "data-dated" in page
    assert [count for _, count, within in bars(page) if within and count] == [1] * 4
    for number in range(50):
        UserExperiment.objects.create(experiment_id=number, user_id=1, experiment_run_time=number / 10)
    page = reader.get("/explore/experiments/user-experiments/columns/experiment_run_time/histogram").text
    assert sum(count for _, count, _ in bars(page)) == 51 and len(bars(page)) <= 30
    assert sliders(page)["experiment_run_time__gte"][0] == 0


@pytest.mark.only_on("sqlite")
def test_the_form_asks_for_the_histograms_of_ranges_only(reader, people):
    page = reader.page("people/people/?search=mac&ordering=id")
    assert re.findall(r'class="histogram" hx-get="([^"]*)"', page) == [
        "/explore/people/people/columns/date_of_birth/histogram?search=mac"
    ]
    for column in ("id", "family_name"):
        part = reader.get(f"/explore/people/people/columns/{column}/histogram")
        assert part.status_code == 200 and "<svg" not in part.text
