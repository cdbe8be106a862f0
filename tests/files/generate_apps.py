"""Write apps for files into the project in the current folder: ``generate_apps.py JOBS OUTCOMES``, both JSON files."""

import json
import sys
from pathlib import Path

import django


def main(jobs: Path, outcomes: Path) -> None:
    """Generate an app for each job {name: file}; write {name: {"error": …, "key": …, "columns": …}}."""
    django.setup()
    from imports.new_dataset.app_files import files_of, format_code, install, make_migrations, write
    from imports.new_dataset.names import check_app_name
    from imports.new_dataset.proposal import propose
    from imports.readers import ReadError

    found: dict[str, dict] = {}
    for name, path in json.loads(jobs.read_text()).items():
        check_app_name(name)
        try:
            (table,) = propose(name, [Path(path)])
        except ReadError as error:
            found[name] = {"error": str(error)}
            continue
        write(Path(), files_of(name, [table]))
        kinds = {choice.heading: [choice.name, choice.kind, choice.reason] for choice in table.choices}
        found[name] = {
            "key": table.key,
            "columns": kinds,
            "missing": table.missing,
            "headerless": table.file.headerless,
        }
    written = [name for name, outcome in found.items() if "error" not in outcome]
    install(Path("config/settings.py"), written)
    make_migrations(Path(), written)
    format_code(Path(), written)
    outcomes.write_text(json.dumps(found))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
