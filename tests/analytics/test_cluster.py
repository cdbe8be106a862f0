"""Spark gives the same answers as DuckDB and the database, also if an executor dies in the middle of a query."""

import os
import random
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from analytics.engines import EngineUnavailableError
from analytics.engines.spark_engine import SparkEngine
from analytics.executor import engine
from analytics.manifest import load
from analytics.storage import storage_at
from census.models import Respondent
from datasets.records.aggregation import groupings, measures, summarise
from datasets.records.distribution import distribution
from datasets.sql.query_timeout import QueryTimeError, limited
from explore.charts import Drawing, draw
from people.models import Person
from tests.analytics.cluster import ADDRESS, Cluster, cluster_in
from tests.analytics.records import records_of, same

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.only_on("postgresql"),
    pytest.mark.filterwarnings("ignore:.*socket:pytest.PytestUnraisableExceptionWarning"),  # py4j leaves them open
]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory) -> Cluster:
    """A master and two workers on this machine, and a session that is closed at the end."""
    with pytest.MonkeyPatch.context() as patch, cluster_in(tmp_path_factory.mktemp("cluster")) as cluster:
        patch.setenv("SPARK_LOCAL_IP", ADDRESS)
        settings = {"spark.ui.enabled": "false", "spark.driver.host": ADDRESS, "spark.sql.shuffle.partitions": "2"}
        for name, value in settings.items():
            SparkSession.builder.config(name, value)
        yield cluster
        SparkSession.builder.getOrCreate().stop()


def questions(user) -> list:
    """Return summaries, charts and distributions with filters of every kind."""
    draws = random.Random(7)

    def summary(model, query, by, measured, *order):
        arguments = groupings(model, by, user), measures(model, measured, user), order
        return lambda: (found := summarise(records_of(model, query, user), *arguments)) and found.rows

    every = [
        "count",
        "sum:fnlwgt",
        "mean:fnlwgt",
        "median:age",
        "min:age",
        "max:native_country",
        "mean:income_over_50k",
    ]
    person = ["count", "min:date_of_birth", "max:given_name"]
    drawings = [
        (Respondent, Drawing("box", x="native_country", y="age", colour="sex")),
        (Respondent, Drawing("bar", x="native_country", measure="mean:age", weight="fnlwgt")),
        (Person, Drawing("line", x="date_of_birth")),
    ]
    [age], [born] = groupings(Respondent, ["age"], user), groupings(Person, ["date_of_birth"], user)
    return [
        summary(Respondent, "", ["native_country", "sex"], every, "-count"),
        summary(Respondent, "native_country__icontains=Σίς&corrected=false", ["age:7"], every),
        summary(Respondent, "workclass__istartswith=ä&age__gte=20", [], every),
        summary(Respondent, f"age__in={','.join(map(str, draws.sample(range(151), 40)))}", ["workclass"], every),
        summary(Respondent, "native_country__in=%22Korea, Republic of%22,Perú", ["native_country"], every),
        summary(Person, "given_name__icontains=k", ["date_of_birth:month"], person),
        summary(Person, "date_of_birth__lte=1500-01-01", ["date_of_birth:year", "given_name"], person),
        *(
            lambda drawn=drawn: _rounded(draw(drawn[0], drawn[0].objects.all(), drawn[1], user).rows)
            for drawn in drawings
        ),
        lambda: replace(distribution(Respondent.objects.all(), age), counts=None),
        lambda: replace(distribution(Person.objects.filter(pk__gte=3), born), counts=None),
    ]


def _rounded(rows):
    return [[float(f"{value:.9g}") if isinstance(value, float) else value for value in row] for row in rows]


def test_spark_answers_as_the_database_and_duckdb_do(place, cluster, copies, admin_user, monkeypatch):
    copies.place = replace(copies.place, copy=str(place))
    asked = questions(admin_user)
    of_database = [question() for question in asked]
    monkeypatch.setattr("datasets.records.aggregation._groups", None)
    monkeypatch.setattr("datasets.records.distribution._rows", None)
    for name in ("duckdb", cluster.url):
        with copies.used(engine=name):
            for expected, question in zip(of_database, asked, strict=True):
                assert same(expected, question()), (name, expected, question())


def test_an_executor_that_dies_in_the_middle_of_a_query_does_not_change_the_answer(
    place, cluster, copies, tmp_path, admin_user
):
    copies.place = replace(copies.place, copy=str(tmp_path / "large"))
    multiply(place, tmp_path / "large", times=60)  # 180,000 respondents
    by = groupings(Respondent, ["native_country", "sex", "age"], admin_user)
    measured = measures(Respondent, ["count", "median:fnlwgt", "mean:hours_per_week"], admin_user)

    def ask() -> list:
        return summarise(Respondent.objects.all(), by, measured).rows

    with copies.used():
        expected = ask()
    with copies.used(engine=cluster.url):
        tracker, killed = engine().session.sparkContext.statusTracker(), []

        def kill() -> None:
            """Kill an executor as soon as a task is running."""
            end = time.monotonic() + 120
            while time.monotonic() < end and not killed:
                stages = filter(None, map(tracker.getStageInfo, tracker.getActiveStageIds()))
                if any(stage.numActiveTasks for stage in stages):
                    killed.append(cluster.executors()[-1])
                    os.kill(killed[0], signal.SIGKILL)
                time.sleep(0.01)

        killing = threading.Thread(target=kill)
        killing.start()
        assert same(expected, ask())
        killing.join()
    assert len(killed) == 1 and killed[0] not in cluster.executors()
    assert sum(row[3] for row in expected) == 180_000


def multiply(place: Path, folder: Path, times: int) -> None:
    """Store a copy of the census in *folder* with each part of the respondents *times* times."""
    manifest = load(storage_at(str(place)), "census")
    parts = []
    for part in manifest.tables["respondents"].parts:
        for n in range(times):
            parts.append(replace(part, path=f"census/{n}.parquet"))
            (folder / "census").mkdir(parents=True, exist_ok=True)
            os.link(place / part.path, folder / parts[-1].path)
    tables = {"respondents": replace(manifest.tables["respondents"], parts=tuple(parts))}
    replace(manifest, tables=tables).save(storage_at(str(folder)))


def test_a_query_stops_at_the_time_limit(place, cluster, copies, admin_user, tmp_path):
    copies.place = replace(copies.place, copy=str(tmp_path / "large"), engine=cluster.url)
    multiply(place, tmp_path / "large", times=30)
    by = groupings(Respondent, ["native_country", "sex", "age"], admin_user)
    with copies.used(), pytest.raises(QueryTimeError), limited(0.2):
        summarise(Respondent.objects.all(), by, measures(Respondent, ["median:fnlwgt"], admin_user))


def test_the_database_answers_if_the_cluster_cannot_be_reached(place, copies, admin_user, caplog, monkeypatch):
    def fail(self):
        raise EngineUnavailableError("All masters are unresponsive")

    copies.place = replace(copies.place, copy=str(place), engine="spark://127.0.0.1:1")
    monkeypatch.setattr(SparkEngine, "session", property(fail))
    counted = measures(Person, ["count"], admin_user)
    with copies.used():
        for _ in range(2):
            assert summarise(Person.objects.all(), [], counted).rows == [(600,)]
    assert caplog.text.count("The database answers instead of the analytical copy") == 1  # it is asked again later
