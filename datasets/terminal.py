"""What commands say to who typed them: that the database cannot be used, and a text, in a file or on the screen."""

from django.core.management.base import BaseCommand, CommandError

from datasets.exports.files import STANDARD_OUTPUT, write_whole

SERVER = "See that DATABASE_URL is right and its server is running"
TABLES = f"{SERVER}; where the tables are not there yet, type: python manage.py migrate"


def unusable(error: Exception, advice: str = TABLES) -> CommandError:
    """Return the error of a command for which the database could not be used, with what to do."""
    return CommandError(f"The database cannot be used: {str(error).strip().splitlines()[0]}. {advice}")


def write_text(command: BaseCommand, output: str, text: str) -> None:
    """Write *text* to the file *output*, whole or not at all, or to the screen for ``-``; raises CommandError."""
    if output == STANDARD_OUTPUT:
        command.stdout.write(text, ending="")
        return
    try:
        write_whole(output, [text.encode()])
    except OSError as error:
        raise CommandError(f"--output {output}: expected a file that can be written, but: {error.strerror}.") from None
