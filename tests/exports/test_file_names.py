"""The name of an exported file says the table, the filters and the day, and every system can store it."""

from datetime import date
from urllib.parse import unquote

import pytest

from census.models import Respondent
from experiments.models import User
from exports.file_names import LONGEST, file_stem

DAY = date(2026, 3, 1)


@pytest.mark.parametrize(
    "filters, name",
    [
        ({}, "census-respondents_2026-03-01"),
        ({"age__gte": "30", "age__lte": "39"}, "census-respondents_age-from-30_age-to-39_2026-03-01"),
        ({"education__in": 'HS-grad,"a, b"'}, "census-respondents_education-HS-grad-a-b_2026-03-01"),
        ({"workclass__isnull": "true"}, "census-respondents_workclass-is-empty_2026-03-01"),
        ({"search": "../../etc/passwd\x00\u202e$(rm)"}, "census-respondents_search-etc-passwd-rm_2026-03-01"),
        ({"education": "Ärzte 医師 हिन्दी"}, "census-respondents_education-Ärzte-医師-हिन्दी_2026-03-01"),
    ],
)
def test_a_name_has_the_filters(db, filters, name):
    assert file_stem(Respondent, filters, DAY) == name


def test_a_name_is_bounded(db):
    filters = {f"{name}__icontains": "医" * 500 for name in ("education", "workclass", "occupation", "race")}
    stem = file_stem(Respondent, filters, DAY)
    assert len(stem.encode()) <= LONGEST and stem.endswith("_and-2-more_2026-03-01"), stem
    assert stem.startswith("census-respondents_education-contains-医医医")


def test_a_name_has_no_personal_values(db):
    assert file_stem(User, {"email__icontains": "alice"}, DAY) == "experiments-users_by-email_2026-03-01"


def test_every_file_of_a_list_has_the_same_name(admin_client, bring):
    bring("people", places="city,county,country\nKelso,Ärven,Scotland\n")
    for address, suffix in (
        ("/explore/people/places/export/file?format=xlsx&", "xlsx"),
        ("/explore/people/places/chart.png?kind=bar&x=country&", "png"),
        ("/explore/people/places/chart.csv?kind=bar&x=country&", "csv"),
        ("/api/people/places/?format=parquet&", "parquet"),
    ):
        answer = admin_client.get(f"{address}county=Ärven")
        named = unquote(answer["Content-Disposition"]).removeprefix("attachment; filename*=utf-8''")
        assert named.startswith("people-places_county-Ärven_") and named.endswith(f".{suffix}")
        assert answer.status_code == 200 and b"".join(answer)
