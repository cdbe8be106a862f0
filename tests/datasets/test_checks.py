"""``manage.py check`` reports each mistake in a model's Listing, with a hint."""

from dataclasses import replace

import pytest
from django.apps import apps
from django.core.checks import run_checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError

from census.models import EducationLevel, IncomeByEducation, Respondent
from datasets.checks import check_listings
from datasets.listing import Chart, Listing, Weight
from datasets.models import Record
from experiments.models import User, UserExperiment, UserFeatures
from people.models import Person, Place
from subjects.models import Session, Subject

EMAIL = "experiments.view_email"


@pytest.fixture
def check_output(monkeypatch):
    """Return the output of manage.py check after changing options of a model's Listing."""

    def check_output(model, **options) -> str:
        monkeypatch.setattr(model, "listing", replace(model.listing, **options))
        with pytest.raises(SystemCheckError) as caught:
            call_command("check")
        return str(caught.value)

    return check_output


def test_the_listings_of_the_datasets_have_no_mistakes():
    assert run_checks() == []


MISTAKES = {
    "search, misspelt": (
        Subject, {"search": ["speces"]}, "E003", "Listing.search: Subject has no field speces.", "species"),
    "search, misspelt behind a reference": (
        Respondent, {"search": ["occupation__nme"]}, "E003", "Occupation has no field nme.", "name"),
    "search, a reference misspelt": (
        Respondent, {"search": ["ocupation__name"]}, "E003", "Respondent has no field ocupation.", "occupation"),
    "search, a reference alone": (
        Respondent, {"search": ["occupation"]}, "E003", "occupation leads to a record, not to a value.", None),
    "search, through a text": (
        Subject, {"search": ["species__name"]}, "E003", "species of Subject does not refer to a record", None),
    "search, many records": (
        UserExperiment, {"search": ["compounds__compound_name"]}, "E003", "has no field compounds.", None),
    "search, a number": (Respondent, {"search": ["age"]}, "E003", "age is not a text field.", "age__exact"),
    "search, a date": (
        User, {"search": ["signup_date__exact"]}, "E003", "is neither a text field nor an integer field", None),
    "search, a document": (Session, {"search": ["document"]}, "E003", "document is not a text field.", None),
    "search, a text": (Place, {"search": "city"}, "E003", 'search is not a list such as ["name"]', None),
    "search, no texts": (Place, {"search": [1]}, "E003", "Listing.search is not a list", None),
    "label, misspelt": (Place, {"label": "citty"}, "E004", "Listing.label: Place has no field citty.", "city"),
    "label, a reference": (
        Person, {"label": "place_of_birth"}, "E004", "place_of_birth cannot be the label of a record.", None),
    "label, a list": (Place, {"label": ["city"]}, "E004", "Listing.label is not a name", None),
    "joined, misspelt": (
        Respondent, {"joined": {"education_years": "education__yers"}}, "E005", "has no field yers.", "years"),
    "joined, its own column": (
        Person, {"joined": {"born": "date_of_birth"}}, "E005", "date_of_birth does not lead to another table.", None),
    "joined, a name that is taken": (
        Person, {"joined": {"given_name": "place_of_birth__city"}}, "E005", "Person already has a column given_name.",
        None),
    "joined, a name that is a path": (
        Person, {"joined": {"born__in": "place_of_birth__city"}}, "E005", "born__in is not a valid column name.", None),
    "joined, a list": (Respondent, {"joined": ["education__years"]}, "E005", "Listing.joined is not a dict", None),
    "lists, misspelt": (
        UserFeatures, {"lists": ["most_common_compunds"]}, "E006", "no field most_common_compunds.",
        "most_common_compounds"),
    "lists, a number": (
        UserFeatures, {"lists": ["total_experiments"]}, "E006", "is not a text field with values such as 2;3.", None),
    "lists, a text": (UserFeatures, {"lists": "most_common_compounds"}, "E006", "Listing.lists is not a list", None),
    "personal, misspelt": (User, {"personal": {"emial": EMAIL}}, "E007", "User has no field emial.", "email"),
    "personal, a date": (User, {"personal": {"signup_date": EMAIL}}, "E007", "signup_date cannot be masked.", None),
    "personal, the key": (
        Subject, {"personal": {"subject_id": EMAIL}}, "E007", "subject_id cannot be masked.", None),
    "personal, its permission misspelt": (
        User, {"personal": {"email": "experiments.view_emial"}}, "E007", "there is no permission", EMAIL),
    "personal, a permission that does not exist": (
        User, {"personal": {"email": "x.y"}}, "E007", "there is no permission x.y.", None),
    "personal, a label": (User, {"label": "email"}, "E007", "email is the label, which every viewer", None),
    "personal, the name": (User, {"personal": {"name": EMAIL}}, "E007", "name is the label, which every viewer", None),
    "personal, a list": (User, {"personal": ["email"]}, "E007", "Listing.personal is not a dict", None),
    "personal, no permission": (User, {"personal": {"email": None}}, "E007", "Listing.personal is not a dict", None),
    "chart, x misspelt": (Respondent, {"chart": Chart(x="educaton")}, "E008", "has no column educaton.", "education"),
    "chart, colour misspelt": (
        Respondent, {"chart": Chart(x="age", colour="sx")}, "E008", "Respondent has no column sx.", "sex"),
    "chart, measured column misspelt": (
        Respondent, {"chart": Chart(x="sex", measure="mean:agee")}, "E008", "has no column agee.", "age"),
    "chart, order misspelt": (
        Respondent, {"chart": Chart(x="education", sort="-education_yers")}, "E008", "has no column education_yers.",
        "education_years"),
    "chart, unknown measure": (
        Respondent, {"chart": Chart(x="sex", measure="average:age")}, "E008", "average:age is not a measure.", None),
    "chart, a measure of nothing": (
        Respondent, {"chart": Chart(x="sex", measure="mean")}, "E008", "mean is not a measure.", None),
    "chart, the mean of texts": (
        IncomeByEducation, {"chart": Chart(x="years", measure="mean:education")}, "E008", "is not a number", None),
    "chart, the mean in a histogram": (
        Respondent, {"chart": Chart(kind="histogram", x="age", measure="mean:fnlwgt")}, "E008",
        "a histogram cannot show mean:fnlwgt.", None),
    "chart, unknown kind": (Respondent, {"chart": Chart(kind="pie", x="age")}, "E008", "there is no kind pie.", None),
    "chart, of documents": (Session, {"chart": Chart(x="document")}, "E008", "document cannot be grouped.", None),
    "chart, personal": (User, {"chart": Chart(x="email")}, "E008", "email is personal data, but everyone", None),
    "chart, a dict": (Respondent, {"chart": {"x": "age"}}, "E008", "Listing.chart is not a chart", None),
    "chart, the share of a number": (
        Respondent, {"chart": Chart(x="sex", measure="share:age")}, "E008", "age is not a boolean column", None),
    "weights, misspelt": (Respondent, {"weights": [Weight("fnlwt", "people")]}, "E010", "no field fnlwt.", "fnlwgt"),
    "weights, a text": (Respondent, {"weights": [Weight("sex", "people")]}, "E010", "sex is not a number.", None),
    "weights, no unit": (Respondent, {"weights": [Weight("age", "")]}, "E010", "age has no unit", None),
    "weights, a name": (Respondent, {"weights": ["fnlwgt"]}, "E010", "Listing.weights is not a list such as", None),
    "api, no part of an address": (Place, {"api": "by year"}, "E009", "by year is not a valid part of a URL.", None),
    "api, nothing": (Place, {"api": None}, "E009", "Listing.api is not a name", None),
    "api, a name that is taken": (Place, {"api": "people"}, "E009", "another table has the same name: people.", None),
}  # fmt: skip


@pytest.mark.parametrize(("model", "options", "number", "problem", "meant"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_reported(check_output, model, options, number, problem, meant):
    text = check_output(model, **options)
    assert f"(datasets.{number})" in text and problem in text
    if meant:
        assert f"HINT: Did you mean {meant}?" in text
    else:
        assert "HINT: Did you mean" not in text


def test_every_mistake_is_reported_at_once(check_output):
    text = check_output(User, search=["nam", "emial"], personal={"emial": EMAIL})
    assert text.count("experiments.User: (datasets.E003)") == 2 and "(datasets.E007)" in text


@pytest.mark.parametrize(
    ("former", "option"),
    [
        ("search_fields", "search"),
        ("label_field", "label"),
        ("joined_columns", "joined"),
        ("text_lists", "lists"),
        ("id_lists", "lists"),
        ("personal_fields", "personal"),
        ("first_chart", "chart"),
        ("chart", "chart"),
    ],
)
def test_an_attribute_that_nothing_reads_is_reported(monkeypatch, check_output, former, option):
    monkeypatch.setattr(Subject, former, ["species"], raising=False)
    text = check_output(Subject)
    assert f"subjects.Subject: (datasets.E001) {former} has no effect." in text
    assert f"HINT: Write listing = Listing({option}=...) instead." in text


def test_a_former_attribute_of_a_model_without_a_listing_is_reported(monkeypatch):
    monkeypatch.setattr(Record, "personal_fields", {"email": EMAIL}, raising=False)
    reported = {error.obj for error in check_listings([apps.get_app_config("experiments")])}
    assert reported == {model for model in apps.get_app_config("experiments").get_models() if issubclass(model, Record)}


def test_a_listing_by_another_name_is_reported(monkeypatch, check_output):
    monkeypatch.setattr(Subject, "listings", Listing(), raising=False)
    assert "(datasets.E002) The Listing listings has no effect." in check_output(Subject)


def test_an_invalid_listing_is_reported(monkeypatch):
    monkeypatch.setattr(EducationLevel, "listing", {"search": ["name"]}, raising=False)
    [error] = check_listings([apps.get_app_config("census")])
    assert (error.id, error.msg, error.obj) == ("datasets.E002", "listing is not a Listing.", EducationLevel)


def test_a_listing_cannot_be_changed():
    with pytest.raises(AttributeError):
        Respondent.listing.search = ()
