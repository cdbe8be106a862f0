"""PostgreSQL's VACUUM: settings of the tables, and the tables that need it after a large change.

After VACUUM, a count reads only an index, and the planner's statistics are current. SQLite needs neither.
"""

from django.db import connection, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor as Editor

from datasets.models import Version
from datasets.registry import dataset_apps
from datasets.sql.table_operations import AlterTables

SHARE = 0.05  # of a table's rows, after whose change autovacuum visits it; PostgreSQL's default is 0.2
LARGE_SHARE = 0.1  # of a table's rows, after whose change the worker vacuums it at once
LEAST = 10_000  # rows; smaller changes are left to autovacuum
SETTINGS = ", ".join(
    [
        *(f"autovacuum_{what}_scale_factor = {SHARE}" for what in ("vacuum", "vacuum_insert", "analyze")),
        # VACUUM would lock a table to shrink its file, and the lock would cancel the long queries of a read replica.
        "vacuum_truncate = off",
        "toast.vacuum_truncate = off",
    ]
)


class VacuumOften(AlterTables):
    """Let autovacuum visit each table of the app after a change of SHARE of its rows, and never shrink its file.

    Do nothing on SQLite. Place this after the operations that create tables.
    """

    def alter(self, schema_editor: Editor, model: type[models.Model]) -> None:
        table = schema_editor.quote_name(model._meta.db_table)
        schema_editor.execute(f"ALTER TABLE {table} SET ({SETTINGS})")

    def describe(self) -> str:
        return "Vacuum often"

    @property
    def migration_name_fragment(self) -> str:
        return "vacuum_often"


def vacuum_changed_tables() -> list[str]:
    """Vacuum and analyze each table of which a large share has been written since its last VACUUM; return their names.

    Tables without a change of the data since then are skipped: rows that another transaction can still see stay dead.
    So are tables that another process has locked.
    """
    if connection.vendor != "postgresql" or connection.in_atomic_block:  # VACUUM cannot run in a transaction
        return []
    numbers = Version.objects.filter(name__in=dataset_apps()).values_list("number", flat=True)
    changed_at = max(numbers, default=0) / 1e6
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT quote_ident(t.relname) FROM pg_stat_user_tables t JOIN pg_class ON pg_class.oid = t.relid"
            " WHERE t.schemaname = current_schema() AND pg_has_role(pg_class.relowner, 'USAGE')"
            " AND t.n_ins_since_vacuum + t.n_dead_tup >= GREATEST(%s, %s * t.n_live_tup)"
            " AND COALESCE(GREATEST(t.last_vacuum, t.last_autovacuum), '-infinity') < to_timestamp(%s)",
            [LEAST, LARGE_SHARE, changed_at],
        )
        tables = [name for (name,) in cursor.fetchall()]
        for table in tables:
            cursor.execute(f"VACUUM (ANALYZE, SKIP_LOCKED) {table}")
    return tables
