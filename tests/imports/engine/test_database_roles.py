"""Imports with roles of different privileges on PostgreSQL have the same result."""

import pytest
from django.db import DatabaseError, connection

from imports.engine import merge
from imports.engine.references import may_defer_checks

PLACES = "city,county,country\nKelso,Roxburghshire,Scotland\nDerry,Derry,Ulster\n"
HEADER = "given_name,family_name,date_of_birth,place_of_birth\n"
PEOPLE = HEADER + "Ann,Mac,1901-02-03,Kelso\nBob,Oak,1950-12-31,Derry\n"
RESPONDENT = "39, {work}, 77516, Bachelors, {years}, Divorced, Sales, Wife, White, Male, 0, 0, 40, {country}, <=50K\n"

pytestmark = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no roles")


def respondent(work="Private", years=13, country="Peru"):
    return RESPONDENT.format(work=work, years=years, country=country)


@pytest.fixture
def role(request, execute):
    """Act as an owner of the tables without superuser rights, with the test's grants."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.oid::regclass::text, pg_get_userbyid(relowner) FROM pg_class c"
            " WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'm')"
        )
        tables = cursor.fetchall()
        name = connection.ops.quote_name(f"owner of {connection.settings_dict['NAME']}")
    execute(f"DROP ROLE IF EXISTS {name}", f"CREATE ROLE {name}", f"GRANT CREATE ON SCHEMA public TO {name}")
    execute(*(f"ALTER TABLE {table} OWNER TO {name}" for table, _ in tables))
    execute(*(statement.format(name=name) for statement in request.param), f"SET ROLE {name}")
    yield
    execute("RESET ROLE", *(f"ALTER TABLE {table} OWNER TO {owner}" for table, owner in tables))
    execute(f"DROP OWNED BY {name}", f"DROP ROLE {name}")


GRANTED = ["GRANT SET ON PARAMETER session_replication_role TO {name}"]


@pytest.mark.parametrize(
    ("role", "unchecked"), [([], False), (GRANTED, True)], ids=["may not", "may"], indirect=["role"]
)
@pytest.mark.parametrize("large", [False, True], ids=["small files", "large files"])
def test_roles_with_and_without_the_right_to_skip_checks_import_the_same(
    role, unchecked, large, write, importing, refused, rows, execute, monkeypatch
):
    if large:
        monkeypatch.setattr(merge, "MANY_BYTES", 0)
        monkeypatch.setattr(merge, "MANY_ROWS", 0)
    assert may_defer_checks() is unchecked
    write("all/people.csv", PEOPLE + "Gus,Elm,1901-02-03,Atlantis\n")
    folder = write("all/places.csv", PLACES).parent
    assert importing("people", folder).counts == {
        "places": {"read": 2, "created": 2},
        "people": {"read": 3, "created": 2, "rejected": 1},
    }
    assert rows("SELECT given_name, city FROM people JOIN places ON places.id = place_of_birth_id ORDER BY 1") == [
        ("Ann", "Kelso"),
        ("Bob", "Derry"),
    ]
    assert sorted(rows("SELECT country, births FROM births_by_country")) == [("Scotland", 1), ("Ulster", 1)]
    assert importing("people", folder).counts["people"] == {"read": 3, "unchanged": 2, "rejected": 1}

    census = write("adult.data", respondent() + respondent(country="?", work="State-gov") + respondent(years=1))
    assert importing("census", census).counts == {"respondents": {"read": 3, "created": 2, "rejected": 1}}
    assert rows(
        "SELECT changed_line, name FROM respondents LEFT JOIN countries c ON c.id = native_country_id ORDER BY 1"
    ) == [
        (1, "Peru"),
        (2, None),
    ]
    fewer = write("all/people.csv", PEOPLE.replace("Bob,Oak,1950-12-31,Derry\n", ""))
    write("all/places.csv", PLACES.replace("Derry,Derry,Ulster\n", ""))
    assert importing("people", fewer.parent, "--delete-missing").counts["places"]["deleted"] == 1
    assert rows("SELECT given_name FROM people") == [("Ann",)]
    with pytest.raises(DatabaseError, match="foreign key"):
        execute("DELETE FROM places")
