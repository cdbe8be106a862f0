"""A value that its column cannot store is a form error: when adding, changing and bulk editing."""

import pytest
from django.apps import apps

from people.models import Place

pytestmark = pytest.mark.only_on("postgresql")

NINES = "9" * 25
WHOLE = [NINES, "9" * 5000, "\x00"]
FLOAT = ["1e999", "nan"]
DAY = ["99999-01-01", NINES, "\x00"]
TEXT = ["a\x00b"]
DOCUMENT = ["\x00", "[" * 5000]

RECORDS = {
    "people.place": ({"city": "Ayr", "county": "Ayrshire", "country": "Scotland"}, {"county": TEXT}),
    "people.person": (
        {"given_name": "Cy", "family_name": "Ash", "date_of_birth": "1901-02-03", "place_of_birth": "1"},
        {"family_name": TEXT, "date_of_birth": DAY, "place_of_birth": [NINES, "\x00"]},
    ),
    "experiments.user": (
        {"user_id": "2", "name": "Bo", "email": "bo@example.org", "signup_date": "2023-01-01"},
        {"name": TEXT, "email": TEXT, "signup_date": DAY, "user_id": WHOLE},
    ),
    "experiments.compound": (
        {"compound_id": "2", "compound_name": "B", "compound_structure": "C"},
        {"compound_name": TEXT, "compound_id": WHOLE},
    ),
    "experiments.userexperiment": (
        {"experiment_id": "2", "user": "1", "experiment_run_time": "3", "compounds": ["1"]},
        {"experiment_id": [NINES], "user": [NINES], "compounds": [NINES], "experiment_run_time": FLOAT},
    ),
    "subjects.subject": (
        {"subject_id": "2", "sex": "Male"},
        {"species": TEXT, "date_of_birth": DAY, "subject_id": TEXT},
    ),
    "subjects.session": (
        {"name": "s2", "subject": "1", "schema_version": "1", "document": '{"a": 1}'},
        {"schema_version": TEXT, "document": DOCUMENT, "subject": [NINES, "\x00"]},
    ),
    "census.educationlevel": ({"name": "Odd", "years": "3"}, {"years": WHOLE, "name": TEXT}),
    "census.respondent": (
        {"age": "30", "fnlwgt": "3", "capital_gain": "1", "capital_loss": "1", "hours_per_week": "3", "sex": "Male"},
        {"age": WHOLE, "fnlwgt": WHOLE, "education": [NINES]},
    ),
}


@pytest.fixture
def stored(bring, respondent):
    bring(
        "people",
        places="city,county,country\nKelso,Roxburghshire,Scotland\n",
        people="given_name,family_name,date_of_birth,place_of_birth\nAnn,Oak,1901-02-03,Kelso\n",
    )
    model = apps.get_model
    user = model("experiments.User").objects.create(
        user_id=1, name="Ann", email="a@example.org", signup_date="2023-01-01"
    )
    compound = model("experiments.Compound").objects.create(compound_id=1, compound_name="A", compound_structure="C")
    made = model("experiments.UserExperiment").objects.create(experiment_id=1, user=user, experiment_run_time=1)
    made.compounds.add(compound)
    subject = model("subjects.Subject").objects.create(subject_id="1")
    model("subjects.Session").objects.create(subject=subject, name="s1", document={"a": 2})
    respondent().save()


@pytest.mark.parametrize("label", RECORDS)
def test_a_value_that_a_column_cannot_store_is_a_form_error(admin_client, stored, label):
    valid, odd = RECORDS[label]
    model = apps.get_model(label)
    if "place_of_birth" in valid:
        valid = valid | {"place_of_birth": Place.objects.get().pk}
    base = f"/admin/{label.replace('.', '/')}/"
    record = model.objects.first()
    before = list(model.objects.order_by("pk").values())
    bulk = _fields_of_bulk_edit(admin_client, f"{base}bulk/")
    for name, values in odd.items():
        column = model._meta.get_field(name)
        for value in values:
            data = {"field": name, "value": value, "select_across": "1", "_preview": "x"}
            sent = {f"{base}add/": valid | {name: value}}
            if not column.primary_key:
                sent[f"{base}{record.pk}/change/"] = valid | {name: value}
                sent |= {f"{base}bulk/": data} if name in bulk else {}
            for address, form in sent.items():
                answer = admin_client.post(address, form)
                assert answer.status_code == 200, (address, name, value[:30])
                assert "errorlist" in answer.text, (address, name, value[:30])
    assert list(model.objects.order_by("pk").values()) == before


def _fields_of_bulk_edit(client, address: str) -> set[str]:
    page = client.get(address)
    return set(dict(page.context["form"].fields["field"].choices)) if page.status_code == 200 else set()
