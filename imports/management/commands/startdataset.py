"""``manage.py startdataset``: examine files, and write a dataset app that imports them."""

import shutil
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from datasets.command_errors import TerminalCommand


class Command(TerminalCommand):
    help = (
        "Examine whole CSV or JSON files, and write an app that imports them: models, sources, admin, import command, "
        "README, tests and the first migration. Existing files are never overwritten."
    )
    paths = ("files",)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="name of the dataset and its app, such as wines")
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="files with one table each")
        parser.add_argument(
            "--encoding", default="utf-8", help="encoding of the files, such as cp1252 (default: utf-8)"
        )
        parser.add_argument("--describe", action="store_true", help="print the findings, and write nothing")

    def handle(self, *, name: str, files: list[Path], encoding: str, describe: bool, **options: Any) -> None:
        from imports.new_dataset.app_files import (  # noqa: PLC0415 - loads Arrow, which --help does not need
            NewAppError,
            files_of,
            format_code,
            install,
            make_migrations,
            write,
        )
        from imports.new_dataset.names import AppNameError, check_app_name  # noqa: PLC0415
        from imports.new_dataset.proposal import propose  # noqa: PLC0415
        from imports.new_dataset.readme_text import description  # noqa: PLC0415
        from imports.readers import ReadError  # noqa: PLC0415

        root = Path(settings.BASE_DIR)
        try:
            check_app_name(name)
            tables = propose(name, files, encoding)
        except (AppNameError, ReadError) as error:
            raise CommandError(str(error)) from None
        if describe or options["verbosity"]:
            for line in description(tables):
                self.stdout.write(line)
        if describe:
            return
        module = Path(str(sys.modules[settings.SETTINGS_MODULE].__file__))
        before = module.read_bytes()
        try:
            write(root, files_of(name, tables, encoding))
        except NewAppError as error:
            raise CommandError(str(error)) from None
        try:
            install(module, [name])
            make_migrations(root, [name])
        except NewAppError as error:
            module.write_bytes(before)
            shutil.rmtree(root / name)
            shutil.rmtree(root / "tests" / name)
            raise CommandError(f"{error} Nothing was written.") from None
        format_code(root, [name])
        if options["verbosity"]:
            given = " ".join(map(str, files))
            self.stdout.write(
                f"Wrote {name}/ and tests/{name}/, and added {name} to INSTALLED_APPS. Read {name}/models.py, correct "
                f"it, and then run: python manage.py migrate && python manage.py import_{name} {given}"
            )
