"""``manage.py export``: write a table or view, or a summary of it, to a file."""

import os
import sys
from argparse import RawDescriptionHelpFormatter
from collections.abc import Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.core.management.base import CommandError, CommandParser
from django.db import DatabaseError, models
from django.http import QueryDict
from django.template.defaultfilters import filesizeformat

from datasets.atomic_write import STANDARD_OUTPUT, write_whole
from datasets.command_errors import TerminalCommand, unusable
from datasets.models import MaterializedView
from datasets.permissions import may
from datasets.records.aggregation import OF_COLUMNS, groupings, measures, summarise
from datasets.records.grouping import AggregationError
from datasets.records.masking import Viewer, masked_name
from datasets.records.query_params import InvalidParametersError, ListQuery, parse_list_query
from datasets.refresh_option import refresh_before_reading
from datasets.registry import nearest_name, served_tables
from datasets.suggestions import did_you_mean, suggest
from exports.about import About
from exports.formats import FORMATS, Export, ExportError, export
from exports.summaries import summary_file

SUFFIXES = {known.suffix: name for name, known in FORMATS.items()}
OPTIONS = {"fields": "--columns", "ordering": "--ordering", "search": "--search", "by": "--by", "measure": "--measure"}
OF_OTHERS = ("format", "fields", "omit", "ordering", "search", "compress")  # the API's parameters that are not filters
SOURCE = "manage.py export {}"
EXAMPLES = """examples:
  manage.py export census/respondents --filter education=Bachelors --filter age__gte=30 -o bachelors.csv
  manage.py export people/people --filter county_of_birth=Fife --columns given_name,family_name -o fife.csv
  manage.py export people/people --by country_of_birth --measure count --ordering=-count --format json -o -

Filters are the same as in the API: NAME=VALUE, where NAME may end in __in, __gte, __lte, __icontains, __istartswith or
__isnull. Personal data is masked unless --as-user names an account that may see them. A file with masked values has
"masked" in its name, such as users.masked.csv, and the column masked_columns lists the masked columns.
"""


class Command(TerminalCommand):
    help = "Write a table or view, or a summary of it, to a file."
    paths = ("output",)

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        kwargs |= {"formatter_class": RawDescriptionHelpFormatter, "epilog": EXAMPLES}
        return super().create_parser(prog_name, subcommand, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("table", metavar="TABLE", help="dataset and table, such as census/respondents")
        parser.add_argument(
            "--filter", action="append", default=[], metavar="NAME=VALUE", help="filter of the records; can be repeated"
        )
        parser.add_argument("--search", metavar="WORDS", help="prefix search; every word must match")
        parser.add_argument("--columns", metavar="A,B", help="columns of the file, in this order (default: all)")
        parser.add_argument(
            "--ordering", metavar="A,-B", help="columns to sort by; - for descending: --ordering=-age,sex"
        )
        parser.add_argument(
            "--by", action="append", default=[], metavar="COLUMN", help="column to group by: age:10, day:year or sex"
        )
        parser.add_argument(
            "--measure",
            action="append",
            default=[],
            metavar="MEASURE",
            help=f"measure of each group: count (default), or {', '.join(OF_COLUMNS)} of a column, such as mean:age",
        )
        parser.add_argument(
            "--format", choices=FORMATS, help="format of the file (default: from its suffix, otherwise csv)"
        )
        parser.add_argument("--compress", action="store_true", help="compress with gzip (default for names with .gz)")
        parser.add_argument(
            "--spreadsheet", action="store_true", help="escape text that a spreadsheet would run as formulas (CSV)"
        )
        parser.add_argument("--as-user", metavar="NAME", help="show the personal data that this account may see")
        parser.add_argument("-o", "--output", metavar="FILE", required=True, help="output file; - for standard output")

    def handle(self, *, table: str, output: str, **options: Any) -> None:
        model = _model(table)
        options["table"] = table
        user = _user(options["as_user"], model)
        file_format = _format(options["format"], output)
        options["compress"] |= output.endswith(".gz")
        if options["spreadsheet"] and file_format != "csv":
            raise CommandError(f"--spreadsheet applies only to csv: in {file_format}, text is never run as a formula.")
        is_binary = file_format in ("xlsx", "parquet")
        if output == STANDARD_OUTPUT and sys.stdout.isatty() and (is_binary or options["compress"]):
            kind = file_format if is_binary else "A compressed file"
            raise CommandError(f"{kind} cannot be shown in a terminal. Name a file, or use a pipe: -o - | …")
        try:
            if issubclass(model, MaterializedView):
                refresh_before_reading(model._meta.app_label)
            summarised = bool(options["by"] or options["measure"])
            file = (self._summary if summarised else self._records)(model, user, file_format, options)
            with file as blocks:
                if masked := getattr(file, "masked", ""):
                    output = self._named_as_masked(output, masked)
                size = write_whole(output, blocks)
        except DatabaseError as error:
            raise unusable(error, "The file was not changed.") from error
        except BrokenPipeError:  # such as after "| head"
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return
        except ExportError as error:
            raise CommandError(f"{error} The file was not changed.") from None
        except OSError as error:
            raise CommandError(f"-o {output}: cannot write the file: {error.strerror}.") from None
        if output != STANDARD_OUTPUT and options["verbosity"]:
            self.stderr.write(f"{output}: {filesizeformat(size)} of {FORMATS[file_format].title}")

    def _named_as_masked(self, output: str, masked: str) -> str:
        """Return the name for a file with masked values, and print why it differs from *output*."""
        path = Path(output)
        if output == STANDARD_OUTPUT or (path.exists() and not path.is_file()):
            return output
        if (name := str(path.with_name(masked_name(path.name)))) != str(path):
            self.stderr.write(
                f"Masked columns: {masked.replace(';', ', ')}. The file is named {name}. To export the values, name an "
                "account that may see them with --as-user."
            )
        return name

    def _records(self, model: type[models.Model], user: Viewer, file_format: str, options: dict[str, Any]) -> Export:
        query, records = _query(model, user, options, ("columns", "ordering"))
        ordered = records.order_by(*(key.expression(backwards=False) for key in query.order))
        names = [column.name for column in query.columns]
        return export(
            model,
            ordered,
            names,
            user,
            file_format,
            defused=options["spreadsheet"],
            compress=options["compress"],
            filters=_parameters(options),
            source=SOURCE.format(options["table"]),
        )

    def _summary(
        self, model: type[models.Model], user: Viewer, file_format: str, options: dict[str, Any]
    ) -> AbstractContextManager[Iterable[bytes]]:
        for name in ("columns", "spreadsheet"):
            if options[name]:
                raise CommandError(f"--{name} does not apply to a summary, whose columns are --by and --measure.")
        _, records = _query(model, user, options, ())
        try:
            by = groupings(model, _words(options["by"]), user)
            measured = measures(model, _words(options["measure"]) or ["count"], user)
            ordering = _words([options["ordering"]] if options["ordering"] else [])
            summary = summarise(records, by, measured, ordering)
        except AggregationError as error:
            raise CommandError(f"{OPTIONS[error.parameter]}: {error}") from None
        about = About.of(model, _parameters(options), SOURCE.format(options["table"]))
        return summary_file(summary, file_format, about, compress=options["compress"])


def _model(path: str) -> type[models.Model]:
    tables = served_tables()
    if path not in tables:
        if of_dataset := [name for name in tables if name.startswith(f"{path}/")]:
            raise CommandError(f"{path} is a dataset. Choose one of its tables: {', '.join(of_dataset)}.")
        hint = did_you_mean(nearest_name(path, tables))
        raise CommandError(f"There is no table {path}.{hint} Tables: {', '.join(tables)}.")
    return tables[path]


def _user(name: str | None, model: type[models.Model]) -> Viewer:
    """Return the user whose permissions apply. By default, this is an anonymous user, and personal data is masked."""
    if name is None:
        return AnonymousUser()
    users = get_user_model()
    user = users.objects.filter(**{users.USERNAME_FIELD: name}).first()
    if user is None:
        names = users.objects.values_list(users.USERNAME_FIELD, flat=True)[:1000]
        raise CommandError(f"--as-user: there is no account {name}.{suggest(name, names)}")
    if not user.is_active:
        raise CommandError(f"--as-user: the account {name} is not active.")
    if not may(user, "view", model):
        raise CommandError(f"--as-user: {name} may not view {model._meta.verbose_name_plural}.")
    return user


def _format(file_format: str | None, output: str) -> str:
    """Return *file_format* if it is given, or else the format for the file's suffix (CSV if there is none)."""
    suffix = Path(output.removesuffix(".gz")).suffix
    if not file_format and suffix and suffix not in SUFFIXES:
        raise CommandError(f"-o {output}: unknown suffix {suffix}. Use {', '.join(SUFFIXES)}, or --format.")
    return file_format or SUFFIXES.get(suffix, "csv")


def _query(
    model: type[models.Model], user: Viewer, options: dict[str, Any], besides: Iterable[str]
) -> tuple[ListQuery, models.QuerySet[Any]]:
    """Return the query parameters of the list, and the filtered records. Raises CommandError."""
    parameters = QueryDict(mutable=True)
    for text in options["filter"]:
        name, equals, value = text.partition("=")
        if not equals:
            raise CommandError(f"--filter {text}: expected NAME=VALUE, such as --filter {name or 'name'}=value.")
        if name.strip() in OF_OTHERS:
            raise CommandError(f"--filter {text}: {name.strip()} is not a filter.")
        parameters.appendlist(name.strip(), value)
    for name, parameter in (("search", "search"), ("columns", "fields"), ("ordering", "ordering")):
        if options[name] is not None and (name == "search" or name in besides):
            parameters[parameter] = options[name]
    try:
        return parse_list_query(model, parameters, user, whole=True)
    except InvalidParametersError as error:
        messages = [
            f"{OPTIONS.get(name, f'--filter {name}')}: {' '.join(texts)}" for name, texts in error.errors.items()
        ]
        known = [name for name in error.more.get("parameters", ()) if name not in OF_OTHERS]
        raise CommandError(" ".join(messages) + (f" Filters: {', '.join(known)}." if known else "")) from None


def _parameters(options: dict[str, Any]) -> dict[str, str]:
    """Return the filters and the search as parameters of the list's URL; they have been validated."""
    filters = dict(text.split("=", 1) for text in options["filter"])
    return filters | ({"search": options["search"]} if options["search"] else {})


def _words(texts: Iterable[str]) -> list[str]:
    return [word.strip() for text in texts for word in text.split(",")]
