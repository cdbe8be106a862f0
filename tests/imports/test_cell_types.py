"""Cell types: one cell and a whole column are converted by the same rule."""

import json
import math
from datetime import date

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from datasets.registry import dataset_apps
from imports import cell_types
from imports.sources import Detail, sources_of

COLUMNS = {
    f"{source.name}.{name}": column
    for dataset in dataset_apps()
    for source in sources_of(dataset)
    for name, column in source.bound.items()
}
KINDS = {name: getattr(column, "member_kind", column.kind) for name, column in COLUMNS.items()}
EMAIL, DAY, BIGINT, RUN_TIME, AGE, CITY = (
    KINDS[name]
    for name in (
        "users.email",
        "users.signup_date",
        "users.user_id",
        "user_experiments.experiment_run_time",
        "respondents.age",
        "places.city",
    )
)

# Columns of one kind are tried once, by the name of the first.
DIFFERENT = [name for place, (name, kind) in enumerate(KINDS.items()) if kind not in [*KINDS.values()][:place]]

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=12)
WHOLE = st.integers(-(2**70), 2**70) | st.integers(-200, 200) | st.sampled_from([2**63, 2**63 - 1, -(2**63), 2**31])
CELLS = st.one_of(
    TEXT,
    WHOLE.map(str),
    WHOLE.map(lambda n: f"{n:+}"),
    WHOLE.map(lambda n: f"{n:022}"),
    WHOLE.map(lambda n: f"{n:#x}"),
    st.floats().map(str),
    st.floats().map(lambda x: f"{x:.3e}".upper()),
    st.text("0123456789+-.eExXnNaAiIfF_ ", min_size=1, max_size=10),
    st.dates().map(str),
    st.dates().map(lambda day: f"{day:%Y%m%d}"),
    st.dates().map(lambda day: "{}-W{:02}-{}".format(*day.isocalendar())),
    st.text("0123456789-", min_size=8, max_size=12),
    st.from_regex(cell_types.PLAIN_EMAIL),
    st.emails(),
    st.text("x", min_size=95, max_size=105),
    st.text("🐭", min_size=195, max_size=205),
    st.sampled_from(["Female", "male", ">50K.", "<=50k", "Other", "0x10", "1e400", "-0", "-0.0", "1_000", "１２", "٣"]),
    st.sampled_from(['{"a": 1}', "{", "[]", "NaN"]),
).map(lambda text: text.strip(" \t"))


def checked(kind, text):
    """The value of the cell, or None if it is invalid."""
    try:
        return kind.check(text)
    except ValueError:
        return None


@pytest.mark.parametrize("name", DIFFERENT)
@settings(max_examples=50, deadline=None)
@given(st.lists(CELLS.filter(bool) | st.none(), min_size=1, max_size=4))
@example(["0x10"])
@example(["0" * 30 + "5"])
@example(["5 "])
@example(["-0.0"])
@example(["0000-01-01"])
@example(["10000-01-01"])
@example(["-001-01-01"])
def test_a_column_is_converted_like_its_single_cells(name, column):
    kind = KINDS[name]
    try:
        converted = kind.convert(pa.array(column, pa.string()))
    except pa.ArrowInvalid:
        return  # parsed cell by cell
    assert converted.type == kind.type
    assert [repr(v) for v in converted.to_pylist()] == [
        repr(None if text is None else checked(kind, text)) for text in column
    ]
    assert all(checked(kind, text) is not None for text in column if text is not None)


@pytest.mark.parametrize("name", DIFFERENT)
@settings(max_examples=50, deadline=None)
@given(text=CELLS.filter(bool))
def test_accepted_cells_have_the_type_of_the_column_and_others_name_the_expected_value(name, text):
    kind = KINDS[name]
    try:
        value = kind.check(text)
    except ValueError as error:
        assert str(error).startswith(("is ", "names ", "holds "))
        return
    assert value is not None
    assert pa.array([value], kind.type).to_pylist() == [value]


@pytest.mark.parametrize("name", KINDS)
def test_common_cells_are_converted_by_the_fast_path(name):
    """The fast path converts plain numbers, dates, texts and addresses."""
    plain = {
        cell_types.IntegerCell: ("7", 7),
        cell_types.FloatCell: ("7.5", 7.5),
        cell_types.DateCell: ("1984-03-01", date(1984, 3, 1)),
        cell_types.TextCell: ("ann.mac@example.org", "ann.mac@example.org"),
    }
    kind = KINDS[name]
    assume_quick = plain.get(type(kind))
    if assume_quick is None:
        assert isinstance(kind, cell_types.ChoiceCell | cell_types.DocumentCell)
        return
    text, value = assume_quick
    assert kind.convert(pa.array([text, None])).to_pylist() == [value, None]


@settings(deadline=None)
@given(st.from_regex(cell_types.PLAIN_EMAIL, fullmatch=True))
def test_the_validator_accepts_each_address_of_the_fast_path(address):
    assert checked(EMAIL, address) == address


@pytest.mark.both_engines  # each has its own range of whole numbers
@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (BIGINT, "9223372036854775807", 2**63 - 1),
        (BIGINT, "-9223372036854775808", -(2**63)),
        (BIGINT, "+5", 5),
        (BIGINT, "007", 7),
        (BIGINT, "-" + "0" * 5000 + "7", -7),
        (RUN_TIME, "1e3", 1000.0),
        (RUN_TIME, ".5", 0.5),
        (RUN_TIME, "-0", 0.0),
        (DAY, "0001-01-01", date(1, 1, 1)),
        (DAY, "9999-12-31", date(9999, 12, 31)),
        (DAY, "2024-02-29", date(2024, 2, 29)),
        (AGE, "150", 150),
        (CITY, "é" * 200, "é" * 200),
    ],
)
def test_a_value_at_the_edge_is_accepted(kind, text, value):
    assert kind.check(text) == value
    assert math.copysign(1, value) == math.copysign(1, kind.check(text)) if isinstance(value, float) else True


@pytest.mark.both_engines  # each has its own range of whole numbers
@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (BIGINT, "9223372036854775808"),
        (BIGINT, "9" * 5000),
        (BIGINT, "1.0"),
        (BIGINT, "1e3"),
        (BIGINT, "1_000"),
        (BIGINT, "0x10"),
        (BIGINT, "١٢"),
        (BIGINT, "--1"),
        (BIGINT, "+"),
        (RUN_TIME, "-1"),
        (RUN_TIME, "nan"),
        (RUN_TIME, "inf"),
        (RUN_TIME, "1e999"),
        (RUN_TIME, "1,5"),
        (RUN_TIME, "1_0"),
        (DAY, "2023-02-29"),
        (DAY, "24-01-01"),
        (DAY, "20240101"),
        (DAY, "2024-W01-1"),
        (DAY, "2024-01-01T00:00"),
        (DAY, "0000-01-01"),
        (AGE, "151"),
        (AGE, "-1"),
        (CITY, "x" * 201),
        (EMAIL, "ann@"),
    ],
)
def test_a_value_beyond_the_edge_is_not_accepted(kind, text):
    with pytest.raises(ValueError):
        kind.check(text)
    with pytest.raises(pa.ArrowInvalid):
        kind.convert(pa.array([text]))


def test_a_choice_is_accepted_in_any_case():
    sex, income = KINDS["respondents.sex"], KINDS["respondents.income"]
    assert [sex.check(text) for text in ("Female", "FEMALE", "male")] == ["Female", "Female", "Male"]
    assert [income.check(text) for text in (">50K", ">50k.", "<=50K", "<=50K.")] == [True, True, False, False]


def test_a_document_keeps_the_order_of_its_keys():
    text = json.dumps({"b": 1, "a": [None, "é"]}, ensure_ascii=False)
    assert KINDS["sessions.document"].check(text) == text


def test_every_column_of_every_source_has_a_cell_type():
    assert len({type(kind) for kind in KINDS.values()}) == 6
    assert any(isinstance(column, Detail) for column in COLUMNS.values())
