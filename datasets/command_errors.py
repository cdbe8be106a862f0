"""The output and error messages of management commands, which are safe for terminals whatever a file contains."""

from collections.abc import Callable, Iterator
from typing import Any, ClassVar, TextIO, cast

from django.core.management.base import BaseCommand, CommandError, CommandParser, OutputWrapper

from datasets.atomic_write import STANDARD_OUTPUT, write_whole
from datasets.terminal_text import escaped, escaped_json, is_utf8

SERVER = "Check that DATABASE_URL is correct and that its server is running"
TABLES = f"{SERVER}. If the tables do not exist yet, run: python manage.py migrate"


class Escaping(OutputWrapper):
    """An output wrapper that escapes control characters, which terms, headers and names may contain."""

    def __init__(self, output: OutputWrapper):
        output.ending = ""  # write() adds the ending
        super().__init__(cast(TextIO, output))  # Django uses the wrapper as a text stream

    def write(  # type: ignore[override]  # like OutputWrapper, it returns no number
        self, msg: str = "", style_func: Callable[[str], str] | None = None, ending: str | None = None
    ) -> None:
        """Write *msg* with all control characters escaped, except line breaks."""
        super().write(escaped(str(msg), keep="\n"), style_func, ending)


class TerminalCommand(BaseCommand):
    """A command whose messages contain no raw control characters, and whose arguments must be UTF-8.

    ``paths`` names the options that are file paths, which may contain any bytes. These commands skip the system checks,
    which load every page of the site. ``migrate`` runs the database checks, and ``check`` runs all checks.
    """

    requires_system_checks = ()
    paths: ClassVar[tuple[str, ...]] = ()

    @property
    def stdout(self) -> OutputWrapper:
        """The stream for results."""
        return self._stdout

    @stdout.setter
    def stdout(self, output: OutputWrapper) -> None:
        self._stdout = Escaping(output)

    @property
    def stderr(self) -> OutputWrapper:
        """The stream for errors."""
        return self._stderr

    @stderr.setter
    def stderr(self, output: OutputWrapper) -> None:
        self._stderr = Escaping(output)

    def create_parser(self, prog_name: str, subcommand: str, **options: Any) -> CommandParser:
        parser = super().create_parser(prog_name, subcommand, **options)
        refuse = parser.error
        # Django creates the parser, so the method cannot be overridden in a subclass.
        parser.error = lambda message: refuse(escaped(message, keep="\n"))  # type: ignore[method-assign]
        return parser

    def execute(self, *args: Any, **options: Any) -> str | None:
        for text in _texts({name: value for name, value in options.items() if name not in self.paths}):
            if not is_utf8(text):
                raise CommandError(f"An argument is not valid UTF-8: {escaped(text)}.")
        return super().execute(*args, **options)


def _texts(options: dict[str, Any]) -> Iterator[str]:
    for value in options.values():
        yield from (text for text in (value if isinstance(value, list | tuple) else [value]) if isinstance(text, str))


def unusable(error: Exception, advice: str = TABLES) -> CommandError:
    """Return the CommandError for an unavailable database, with *advice*."""
    return CommandError(f"The database is not available: {str(error).strip().splitlines()[0]}. {advice}")


def write_json(command: BaseCommand, output: str, text: str) -> None:
    """Write *text*, a JSON document, to the file *output* atomically, or to the terminal for ``-``.

    Raises CommandError.
    """
    if output == STANDARD_OUTPUT:
        command.stdout.write(escaped_json(text), ending="")
        return
    try:
        write_whole(output, [text.encode()])
    except OSError as error:
        raise CommandError(f"--output {output}: cannot write the file: {error.strerror}.") from None
