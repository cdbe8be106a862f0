"""``manage.py census_insights``: answer six questions from the respondents that are stored, as JSON."""

import json
from argparse import ArgumentParser
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from census.insights import answers, unanswered
from census.models import Respondent


class Command(BaseCommand):
    help = "Answer six questions from the respondents that are stored: question, answer and figures, as JSON."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("-o", "--output", default="-", metavar="FILE", help="where to write it, else to the screen")

    def handle(self, *, output: str, **options) -> None:
        try:
            if not Respondent.objects.exists():
                raise CommandError("There are no respondents. Import some first: python manage.py import_census")
            said = answers()
        except DatabaseError as error:
            raise CommandError(
                f"The database cannot be used: {str(error).strip().splitlines()[0]}. Where the tables are not there "
                "yet, type: python manage.py migrate"
            ) from error
        text = json.dumps(said, ensure_ascii=False, indent=2) + "\n"
        without = unanswered(said)
        if output == "-":
            self.stdout.write(text, ending="")
        else:
            try:
                Path(output).write_text(text, encoding="utf-8")
            except OSError as error:
                raise CommandError(
                    f"--output {output}: expected a file that can be written, but: {error.strerror}."
                ) from None
            if options["verbosity"]:
                self.stdout.write(f"{output}: {len(said) - len(without)} of {len(said)} questions answered.")
        for question, answer in without.items():
            self.stderr.write(f"{question} {answer}")
