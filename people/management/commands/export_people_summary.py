"""``manage.py export_people_summary``: write how many people were born in each country, as JSON."""

import json
from argparse import ArgumentParser

from datasets import matviews
from datasets.command_errors import TerminalCommand, write_json
from people.models import BirthsByCountry


class Command(TerminalCommand):
    help = "Write how many people were born in each country as a JSON object, most births first."

    paths = ("output",)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--output",
            default="summary_output.json",
            metavar="FILE",
            help="where to write it, by default ./summary_output.json; - is standard output",
        )

    def handle(self, *, output: str, **options) -> None:
        matviews.refresh("people")  # people may have been edited since the last import
        births = BirthsByCountry.objects.summary()
        text = json.dumps(births, ensure_ascii=False) + "\n"
        write_json(self, output, text)
        if output != "-" and options["verbosity"]:
            self.stdout.write(f"{output}: births by country, {sum(births.values()):,} in all.")
