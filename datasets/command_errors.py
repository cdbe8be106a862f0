"""What commands print, so that a terminal obeys no character of a file, and the arguments that they accept."""

from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandError, OutputWrapper

from datasets.atomic_write import STANDARD_OUTPUT, write_whole
from datasets.terminal_text import escaped, escaped_json, is_utf8

SERVER = "See that DATABASE_URL is right and its server is running"
TABLES = f"{SERVER}; where the tables are not there yet, type: python manage.py migrate"


class Escaping:
    """An output of a command that writes control characters out: terms, headings and names may hold any."""

    def __init__(self, output: OutputWrapper):
        object.__setattr__(self, "_output", output)

    def write(self, text: str = "", style_func=None, ending: str | None = None) -> None:
        """Write *text* with its line breaks, and other odd characters escaped."""
        self._output.write(escaped(str(text), keep="\n"), style_func, ending)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._output, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._output, name, value)


class TerminalCommand(BaseCommand):
    """A command whose messages hold no raw control characters, and whose arguments are text.

    ``paths`` are the options that name files, which may hold any byte.
    """

    paths: ClassVar[tuple[str, ...]] = ()

    @property
    def stdout(self) -> Escaping:
        """Where the command writes what it found."""
        return self._stdout

    @stdout.setter
    def stdout(self, output: OutputWrapper) -> None:
        self._stdout = Escaping(output)

    @property
    def stderr(self) -> Escaping:
        """Where the command writes what is wrong."""
        return self._stderr

    @stderr.setter
    def stderr(self, output: OutputWrapper) -> None:
        self._stderr = Escaping(output)

    def create_parser(self, prog_name: str, subcommand: str, **options) -> ArgumentParser:
        parser = super().create_parser(prog_name, subcommand, **options)
        refuse = parser.error
        parser.error = lambda message: refuse(escaped(message, keep="\n"))
        return parser

    def execute(self, *args, **options):
        for text in _texts({name: value for name, value in options.items() if name not in self.paths}):
            if not is_utf8(text):
                raise CommandError(f"An argument is not UTF-8: {escaped(text)}. Expected text in UTF-8.")
        return super().execute(*args, **options)


def _texts(options: dict[str, Any]) -> Iterator[str]:
    for value in options.values():
        yield from (text for text in (value if isinstance(value, list | tuple) else [value]) if isinstance(text, str))


def unusable(error: Exception, advice: str = TABLES) -> CommandError:
    """Return the error of a command for which the database could not be used, with what to do."""
    return CommandError(f"The database cannot be used: {str(error).strip().splitlines()[0]}. {advice}")


def write_json(command: BaseCommand, output: str, text: str) -> None:
    """Write *text*, JSON, to the file *output*, whole, or to the screen for ``-``; raises CommandError."""
    if output == STANDARD_OUTPUT:
        command.stdout.write(escaped_json(text), ending="")
        return
    try:
        write_whole(output, [text.encode()])
    except OSError as error:
        raise CommandError(f"--output {output}: expected a file that can be written, but: {error.strerror}.") from None
