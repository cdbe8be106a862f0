"""``manage.py export_people_summary``: write the number of people born in each country, as JSON."""

import json
from argparse import ArgumentParser
from typing import Any

from datasets.command_errors import TerminalCommand, write_json
from datasets.refresh_option import refresh_before_reading
from people.models import BirthsByCountry


class Command(TerminalCommand):
    help = "Write the number of people born in each country as a JSON object, highest first."

    paths = ("output",)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--output",
            default="summary_output.json",
            metavar="FILE",
            help="file to write (default: summary_output.json); - for standard output",
        )

    def handle(self, *, output: str, **options: Any) -> None:
        refresh_before_reading("people")
        births = BirthsByCountry.objects.summary()
        text = json.dumps(births, ensure_ascii=False) + "\n"
        write_json(self, output, text)
        if output != "-" and options["verbosity"]:
            self.stdout.write(f"{output}: births by country, {sum(births.values()):,} in total.")
