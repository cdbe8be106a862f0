"""Materialized views: created and dropped by migrations, and refreshed."""

from datetime import date

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection, migrations, models
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.state import ProjectState
from django.db.migrations.writer import OperationWriter

from datasets import matviews
from datasets.view_migrations import CreateView, DropView
from experiments.models import UserFeatures
from people.models import BirthsByCountry, Person, Place
from tests.work import counted
from tests.work_records import insert


def ann_of(country):
    place = Place.objects.create(city=f"Capital of {country}", county="-", country=country)
    Person.objects.create(given_name="Ann", family_name="Mac", date_of_birth=date(1900, 1, 1), place_of_birth=place)


def view_exists(name):
    with connection.cursor() as cursor:
        tables = connection.introspection.get_table_list(cursor)
    return name in {table.name for table in tables}


@pytest.mark.django_db
def test_a_refresh_updates_the_views_of_one_dataset():
    ann_of("Wales")
    assert [done.view for done in matviews.refresh("people")] == [BirthsByCountry]
    assert BirthsByCountry.objects.get(country="Wales").births == 1


@pytest.mark.django_db
def test_the_command_refreshes_all_views_and_shows_which(capsys):
    ann_of("Wales")
    call_command("refresh_views")
    output = [line.split(":")[0] for line in capsys.readouterr().out.splitlines()]
    views = {"income_by_education", "user_features", "births_by_country", "subjects_by_birth_year"}
    assert views <= set(output) and len(output) == len(set(output))
    assert BirthsByCountry.objects.get(country="Wales").births == 1


@pytest.mark.django_db
def test_the_command_refreshes_the_views_of_the_datasets_that_are_named(capsys):
    call_command("refresh_views", "people")
    assert [line.split(":")[0] for line in capsys.readouterr().out.splitlines()] == ["births_by_country"]


def test_the_command_lists_the_datasets_if_one_does_not_exist():
    with pytest.raises(
        CommandError,
        match=r"There is no dataset peple with summary tables\. Datasets with summary tables: census, experiments, ",
    ):
        call_command("refresh_views", "peple")


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite refreshes a table")
@pytest.mark.django_db
def test_every_view_has_a_unique_index_for_a_concurrent_refresh():
    views = [view for dataset in matviews.datasets_with_views() for view in matviews.views_of(dataset)]
    assert len(views) == 4
    with connection.cursor() as cursor:
        for view in views:
            constraints = connection.introspection.get_constraints(cursor, view._meta.db_table)
            assert any(
                constraint["unique"] and constraint["columns"] == [view._meta.pk.column]
                for constraint in constraints.values()
            ), view


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite's tables are never unpopulated")
@pytest.mark.django_db
def test_a_view_that_was_never_filled_is_filled():
    ann_of("Wales")
    with connection.cursor() as cursor:
        cursor.execute("REFRESH MATERIALIZED VIEW births_by_country WITH NO DATA")
    matviews.refresh("people")
    assert BirthsByCountry.objects.get(country="Wales").births == 1


@pytest.mark.django_db(transaction=True)
def test_a_table_of_a_view_can_be_altered_and_restored():
    ann_of("Wales")
    operations = [
        DropView("births_by_country", sql="0002_births_by_country"),
        migrations.AlterField("place", "country", models.CharField(max_length=300)),
        CreateView("births_by_country", sql="0002_births_by_country"),
    ]
    before = ProjectState.from_apps(apps)
    migration = migrations.Migration("0003_longer_countries", "people")
    migration.operations = operations
    after = migration.mutate_state(before)
    with connection.schema_editor() as editor:
        migration.apply(before.clone(), editor)
    assert country_length() == 300
    assert BirthsByCountry.objects.get(country="Wales").births == 1

    with connection.schema_editor() as editor:
        migration.unapply(before.clone(), editor)
    assert country_length() == 200
    assert BirthsByCountry.objects.get(country="Wales").births == 1
    assert after.models["people", "place"].fields["country"].max_length == 300


def country_length():
    with connection.cursor() as cursor:
        columns = connection.introspection.get_table_description(cursor, "places")
    return next(column.display_size for column in columns if column.name == "country")


@pytest.mark.django_db(transaction=True)
def test_the_migration_of_a_view_can_be_reversed():
    try:
        MigrationExecutor(connection).migrate([("people", "0001_initial")])
        assert not view_exists("births_by_country")
    finally:
        executor = MigrationExecutor(connection)
        executor.migrate([leaf for leaf in executor.loader.graph.leaf_nodes() if leaf[0] == "people"])
    assert view_exists("births_by_country")


def test_an_operation_is_serialized_into_a_squashed_migration():
    operation = CreateView("births_by_country", sql="0002_births_by_country")
    text, imports = OperationWriter(operation, indentation=0).serialize()
    assert "datasets.view_migrations" in " ".join(imports)
    assert "0002_births_by_country" in text and "/" not in text


@pytest.mark.skipif(connection.vendor != "sqlite", reason="Work is counted only by SQLite's virtual machine")
@pytest.mark.django_db
def test_ten_times_as_many_users_are_about_ten_times_the_work_of_a_refresh():
    work = []
    for first, last in ((1, 200), (201, 2_000)):
        insert(first, last)
        with counted("user_features_live") as counts:
            matviews.refresh("experiments")
        work.append(sum(count["instructions"] for count in counts.statements.values()))
    assert UserFeatures.objects.filter(total_experiments=1, most_common_compounds="1").count() == 2_000
    assert 0 < work[0] < work[1] <= 15 * work[0]
