"""The histogram of a range filter and its sliders."""

import re
from datetime import date

import pytest

from experiments.models import User, UserExperiment

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


@pytest.mark.parametrize(
    ("first", "days"),
    [
        (date(9999, 12, 1), 30),
        (date(9999, 1, 1), 364),
        (date(9995, 1, 1), 1825),
        (date.min, 60),
        (date.min, 800),
        (date.min, 3652058),
    ],
)
def test_the_first_and_the_last_days_of_the_calendar_are_in_bins(reader, first, days):
    for number in (0, days):
        signed_up = date.fromordinal(first.toordinal() + number)
        User.objects.create(user_id=number + 1, name="Ann", email="ann@example.org", signup_date=signed_up)
    page = reader.get("/explore/experiments/users/columns/signup_date/histogram").text
    assert sum(count for _, count, _ in bars(page)) == 2


@pytest.mark.parametrize(
    "times", [[1e300], [1e17], [1e17, 1e17 + 16], [0, 5e-324], [0, 1.7976931348623157e308], [1.7e308, 1.6e308]]
)
def test_the_smallest_and_the_largest_numbers_are_in_bins_and_in_charts(reader, experiments, times):
    UserExperiment.objects.all().delete()
    for number, run_time in enumerate(times):
        UserExperiment.objects.create(experiment_id=number, user_id=1, experiment_run_time=run_time)
    table = "/explore/experiments/user-experiments/"
    page = reader.get(f"{table}columns/experiment_run_time/histogram").text
    assert sum(count for _, count, _ in bars(page)) == len(times)
    for drawing in ("kind=histogram&x=experiment_run_time", "kind=box&y=experiment_run_time"):
        assert reader.get(f"{table}chart/?{drawing}").status_code == 200, drawing


def test_a_sum_that_no_number_can_hold_is_an_error(reader, experiments):
    for number in (10, 11):
        UserExperiment.objects.create(experiment_id=number, user_id=1, experiment_run_time=1.7e308)
    sums = "kind=bar&x=user&measure=sum:experiment_run_time"
    answer = reader.get(f"/explore/experiments/user-experiments/chart.csv?{sums}")
    assert answer.status_code == 400 and "the largest supported number" in answer.text


def test_a_histogram_that_takes_too_long_is_left_out_and_tried_again(reader, respondents, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr("explore.histogram.slow_seconds", lambda: -1)  # no query has any time left
        answer = reader.get(f"{AGES}?search=bachelors")
    assert answer.status_code == 200 and bars(answer.text) == []
    again = reader.get(f"{AGES}?search=bachelors", headers={"If-None-Match": answer.get("ETag", "")})
    assert again.status_code == 200 and bars(again.text)
