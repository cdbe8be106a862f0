"""Many records and changes, inserted by the database itself, as if large files had been imported and changed once."""

from django.db import connection

from census.models import Country, EducationLevel, MaritalStatus, Occupation, Race, Relationship
from experiments.models import Compound
from imports.models import ImportRun, SourceFile

TABLES = ("respondents", "users", "user_experiments", "user_experiment_compounds", "changes")
TERMS = (EducationLevel, MaritalStatus, Occupation, Race, Relationship, Country)
NUMBERS = {
    "postgresql": "generate_series({}, {}) n",
    "sqlite": "(WITH RECURSIVE x(n) AS (SELECT {} UNION ALL SELECT n + 1 FROM x WHERE n < {}) SELECT n FROM x)",
}
DIALECTS = {
    "postgresql": {
        "identity": "decode(md5(CAST(n AS text)), 'hex')",
        "document": "jsonb_build_object('changed_in_id', n % 3)",
        "no": "false",
        "day": "DATE '1950-01-01' + n",
    },
    "sqlite": {
        "identity": "randomblob(16)",
        "document": "json_object('changed_in_id', n % 3)",
        "no": "0",
        "day": "date('1950-01-01', n || ' days')",
    },
}


def insert(first: int, last: int) -> None:
    """Insert respondents, users, experiments and changes: one of each for each number from *first* to *last*."""
    numbers, sql = NUMBERS[connection.vendor].format(first, last), DIALECTS[connection.vendor]
    terms = ", ".join(str(model.objects.get_or_create(name="Term", **_rank(model))[0].pk) for model in TERMS)
    Compound.objects.get_or_create(pk=1, compound_name="Water", compound_structure="H2O")
    census, experiments = (_run(dataset) for dataset in ("census", "experiments"))
    respondents = _file(census, "respondents", "adult.data")
    users, uses = (
        _file(experiments, "users", "users.csv"),
        _file(experiments, "user_experiments", "user_experiments.csv"),
    )
    origin = "created_in_id, created_line, changed_in_id, changed_line"
    respondent = (
        "identity, age, fnlwgt, education_id, marital_status_id, occupation_id, race_id, relationship_id,"
        " native_country_id, sex, capital_gain, capital_loss, hours_per_week, income_over_50k"
    )
    change = f"'updated', {sql['document']}, {sql['document']}, {sql['no']} FROM {numbers}"
    columns = 'run_id, "table", record, kind, "before", "after", is_tombstone'
    _execute(
        f"INSERT INTO respondents ({origin}, {respondent}) SELECT {respondents}, n, {respondents}, n,"
        f" {sql['identity']}, n % 80, n, {terms}, 'Male', 0, 0, n % 60, {sql['no']} FROM {numbers}",
        f"INSERT INTO users ({origin}, user_id, name, email, signup_date) SELECT {users}, n, {users}, n, n, 'U' || n,"
        f" 'u' || n || '@example.org', {sql['day']} FROM {numbers}",
        f"INSERT INTO user_experiments ({origin}, experiment_id, user_id, experiment_run_time)"
        f" SELECT {uses}, n, {uses}, n, n, n, n FROM {numbers}",
        f"INSERT INTO user_experiment_compounds (experiment_id, compound_id) SELECT n, 1 FROM {numbers}",
        f"INSERT INTO changes ({columns}) SELECT {census}, 'respondents', CAST(n AS text), {change}",
        f"INSERT INTO changes ({columns}) SELECT {experiments}, 'users', CAST(n AS text), {change}",
    )
    if connection.vendor == "postgresql":
        _execute(f"VACUUM ANALYZE {', '.join(TABLES)}")


def _execute(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def _rank(model) -> dict[str, dict[str, int]]:
    return {"defaults": {"years": 9}} if model is EducationLevel else {}


def _run(dataset: str) -> int:
    run, _ = ImportRun.objects.get_or_create(dataset=dataset, status=ImportRun.Status.APPLIED, reason="Many records")
    return run.pk


def _file(run: int, source: str, name: str) -> int:
    same = {"run_id": run, "source": source, "name": name, "original_name": name, "sha256": f"{source:_<64}"}
    return SourceFile.objects.get_or_create(**same, defaults={"size": 1})[0].pk
