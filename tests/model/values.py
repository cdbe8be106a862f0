"""Values in files and edits, chosen because conversions easily change them."""

import json
from typing import Any

from hypothesis import strategies as st

from tests.model.files import exact

TEXTS = st.sampled_from(["Ann", "Zoë 🧪", "Ω", 'O"Neil, \\ x', "-1e5", "00.10", "=1+1", "ﬁ"])
DAYS = st.sampled_from(["2023-01-01", "1999-12-31", "1000-01-01"])
USERS = st.sampled_from([1, 2, 2**53 + 1])
COMPOUNDS = st.sampled_from([1, 2, 2**63 - 1])
PLACES = ["Ayr", "Zürich"]
CITIES = st.sampled_from(PLACES)
NAMES = ["Ann", "Zoë 🧪", "Bo", "Cy", "Dee", "Eve", "Ω", "Gus", "Hal", "Ida"]
# So different that rows can be paired with records, of which there are few.
PERSON: dict[str, st.SearchStrategy] = {
    "given_name": st.sampled_from([f"{name}{end}" for name in NAMES for end in ("", "a", "-Jo")]),
    "family_name": st.sampled_from([f"{name}{end}" for name in NAMES for end in ("son", "ley", "ton")]),
    "date_of_birth": st.sampled_from([f"19{year}-02-03" for year in range(10, 50)]),
    "place_of_birth": st.sampled_from([*PLACES, *PLACES, "Troy"]),  # Troy is no place
}
NUMBERS = st.sampled_from([0.1 + 0.2, 123456789.12345678, 5.0, 1e-7, 5e-324, 2.0**53 + 2]) | st.floats(0, 1e150)
EMAILS = st.sampled_from(["a@example.org", "z.o+e@example.org", "b+1@example.org"])


def rows(key: str, keys: st.SearchStrategy, **values: st.SearchStrategy) -> st.SearchStrategy[list[dict]]:
    """Return rows of a table with unique keys."""
    row = st.fixed_dictionaries({key: keys, **values})
    return st.lists(row, max_size=4, unique_by=lambda item: item[key])


ROWS = {
    "users": rows("user_id", USERS, name=TEXTS, email=EMAILS, signup_date=DAYS),
    "compounds": rows("compound_id", COMPOUNDS, compound_name=TEXTS, compound_structure=TEXTS),
    "user_experiments": rows(
        "experiment_id",
        st.integers(1, 4),
        user=USERS,
        compounds=st.sets(COMPOUNDS, min_size=1).map(lambda ids: tuple(sorted(ids))),
        experiment_run_time=NUMBERS,
    ),
    "places": rows("city", CITIES, county=TEXTS, country=TEXTS),
    "people": st.lists(st.fixed_dictionaries(PERSON), max_size=2)
    | st.lists(st.fixed_dictionaries(PERSON), min_size=5, max_size=8),
}

SCALARS = NUMBERS | st.sampled_from([None, True, "ä\n", "1.0", 2**63, -1, 0, 1.0, 1e22])
NESTED = st.dictionaries(st.sampled_from(["b", "a", "ä"]), SCALARS | st.lists(SCALARS, max_size=3), max_size=3)
DOCUMENT = st.fixed_dictionaries(
    {"subject_id": st.sampled_from(["1", "2"])},
    optional={
        "schema_version": st.sampled_from(["1", "2.0"]),
        "species": st.sampled_from([None, "Mus musculus"]),
        "sex": st.sampled_from(["Female", "Male"]),
        "date_of_birth": DAYS,
        "genotype": TEXTS,
        "weights": SCALARS | NESTED,
    },
)
EXACT = st.sampled_from(["0.1234567890123456789", "123456789012345678901234567890", "1E-30", "-0.0", "100.00", "1e5"])
SPELLINGS = st.sampled_from([{}, {"indent": 1}, {"separators": (",", ":")}, {"sort_keys": True, "ensure_ascii": False}])


def document(value: dict, how: dict, number: str) -> str:
    """Return a document as JSON text; a number beyond float precision replaces a placeholder text."""
    return json.dumps(value, **how).replace('"1.0"', number)


DOCUMENTS = st.dictionaries(
    st.sampled_from(["s1", "s2", "s3"]),
    st.builds(document, DOCUMENT, SPELLINGS, st.just('"1.0"') | EXACT),
    min_size=1,
)
# A curator may save a document without a subject.
TYPED_DOCUMENT = DOCUMENT | st.just({"note": "ä"}) | st.just({"numbers": [1.5, {"a": None}]})

# Values that a curator may set for each field; references are chosen among the existing records.
VALUES: dict[str, dict[str, Any]] = {
    "users": {"name": TEXTS, "email": EMAILS, "signup_date": DAYS},
    "compounds": {"compound_name": TEXTS, "compound_structure": TEXTS},
    "user_experiments": {"user": None, "compounds": None, "experiment_run_time": NUMBERS},
    "places": {"county": TEXTS, "country": TEXTS},
    "people": {"given_name": TEXTS, "family_name": TEXTS, "date_of_birth": DAYS, "place_of_birth": None},
    "subjects": {
        "species": st.none() | TEXTS,
        "sex": st.sampled_from([None, "Female", "Male"]),
        "date_of_birth": st.none() | DAYS,
        "genotype": st.none() | TEXTS,
    },
    "sessions": {"schema_version": st.none() | TEXTS, "document": TYPED_DOCUMENT, "subject": None},
}


def in_model(table: str, name: str, value: Any) -> Any:
    """Return a curator's value in the form of the model."""
    if name == "document":
        return exact(json.dumps(value))
    return tuple(value) if isinstance(value, list) else value


REASONS = ["", "typing error", "“ß” isn't 100 % {x} <b>", "x" * 500]
