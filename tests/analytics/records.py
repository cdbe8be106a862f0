"""Records with missing values and letters of many scripts, and the comparison of answers about them."""

import random
from datetime import date, timedelta
from math import isclose

from django.http import QueryDict

from census.models import (
    Country,
    EducationLevel,
    MaritalStatus,
    Occupation,
    Race,
    Relationship,
    Respondent,
    Workclass,
)
from datasets.records.query_params import narrowed
from datasets.versions import raise_version
from experiments.models import Compound, User, UserExperiment
from people.models import Person, Place

COUNTRIES = [
    "Perú",
    "PERÚ",
    "İstanbul",
    "ΣΊΣΥΦΟΣ",
    "σίσυφος",
    "Straße",
    "Korea, Republic of",
    'a "quoted" one',
    "50%_\\x",
]
PEOPLE = ["Éa", "éa", "Ω", "ω", "Kelvin", "KELVIN", "ß", "ſs", "李", "O'Neil", "ZZ top", "é"]


def fill() -> None:
    """Store records with missing values and letters of many scripts."""
    draws = random.Random(1)
    countries = [Country.objects.create(name=name) for name in COUNTRIES]
    classes = [None, *(Workclass.objects.create(name=name) for name in ("Private", "private sector", "Ämter"))]
    levels = [EducationLevel.objects.create(name=f"Level {years}", years=years) for years in (14, 9, 12)]
    others = {
        field: kind.objects.create(name=field)
        for field, kind in [("marital_status", MaritalStatus), ("relationship", Relationship), ("race", Race)]
    }
    occupation = Occupation.objects.create(name="Sales")
    rows = [
        Respondent(
            age=draws.randint(0, 150),
            workclass=draws.choice(classes),
            fnlwgt=draws.choice([0, 1, 2**31 - 1, draws.randint(1, 10**6)]),
            education=draws.choice(levels),
            occupation=draws.choice([None, occupation]),
            **others,
            sex=draws.choice(["Female", "Male"]),
            capital_gain=draws.choice([0, 0, draws.randint(1, 99_999)]),
            capital_loss=0,
            hours_per_week=draws.randint(0, 168),
            native_country=draws.choice([None, *countries]),
            income_over_50k=draws.random() < 0.3,
            corrections=draws.choice([None, None, {"age": 1}]),
        )
        for _ in range(3000)
    ]
    Respondent.objects.bulk_create(rows)
    places = [Place.objects.create(city=name, county=name[::-1], country=draws.choice("AB")) for name in PEOPLE]
    Person.objects.bulk_create(
        Person(
            given_name=draws.choice(PEOPLE),
            family_name="".join(draws.choices(PEOPLE, k=2)),
            date_of_birth=date(1000, 1, 1) + timedelta(draws.randint(0, 370_000)),
            place_of_birth=draws.choice(places),
        )
        for _ in range(600)
    )
    users = [
        User.objects.create(pk=n, name=f"N{n}", email=f"n{n}@example.org", signup_date=date(2020, 1, n)) for n in (1, 2)
    ]
    experiments = [
        UserExperiment(
            pk=n, user=draws.choice(users), experiment_run_time=draws.choice([0.1, 1e-7, 1e12, n / 7, n * 1.5])
        )
        for n in range(1, 301)
    ]
    UserExperiment.objects.bulk_create(experiments)
    experiments[0].compounds.add(Compound.objects.create(pk=1, compound_name="A", compound_structure="C"))
    for dataset in ("census", "people", "experiments"):
        raise_version(dataset)


def same(one, other) -> bool:
    """Whether two results are equal; numbers that are not whole may differ by a part in 10¹²."""
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return isclose(one, other, rel_tol=1e-12)
    return type(one) is type(other) and one == other


def records_of(model, query: str, user):
    records, errors, _ = narrowed(model, QueryDict(query), user, ())
    assert not errors
    return records
