"""``manage.py census_insights``: answer six questions from the stored respondents, as JSON."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.db import DatabaseError

from census.insights import answers, unanswered
from census.models import Respondent
from datasets.command_errors import TerminalCommand, unusable, write_json


class Command(TerminalCommand):
    help = "Answer six questions from the stored respondents, and write the questions, answers and figures as JSON."

    paths = ("output",)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "-o", "--output", default="-", metavar="FILE", help="file to write (default: standard output)"
        )

    def handle(self, *, output: str, **options: Any) -> None:
        try:
            if not Respondent.objects.exists():
                raise CommandError("There are no respondents. Import some first: python manage.py import_census")
            insights = answers()
        except DatabaseError as error:
            raise unusable(error) from error
        text = json.dumps(insights, ensure_ascii=False, indent=2) + "\n"
        without = unanswered(insights)
        write_json(self, output, text)
        if output != "-" and options["verbosity"]:
            self.stdout.write(f"{output}: {len(insights) - len(without)} of {len(insights)} questions answered.")
        for question, answer in without.items():
            self.stderr.write(f"{question} {answer}")
