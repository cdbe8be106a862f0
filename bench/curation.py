"""Benchmark of pairing: an edited version of a file without a key, imported with pairing and without.

Imports a million respondents (or --rows), and 10,000 people with their places, and then a version of each file with
edited, new, missing and moved rows, into empty tables. A record that the second import updated is a pair of an old and
a new line. bench/edited_files.py generates the files and the correct pairs. A file of people has only 120 edited rows,
so their pairs are counted in --versions files from different seeds. Times are those of whole processes including their
start; each is the best of --repeat.
"""

import sys
import tempfile
from pathlib import Path

from edited_files import SEED, Accuracy, EditedFiles
from measuring import ROOT, Figure, Site, Timed, arguments, best, log, show, sites, timed

MODELS = {"census": "Respondent", "people": "Person"}
NO_PAIRING = "--no-pairing"
# Prints the old and the new line of each record that the last run has updated.
PAIRS = """
from django.apps import apps
from imports.models import Change, ImportRun
model = apps.get_model("{dataset}", "{model}")
run = ImportRun.objects.applied("{dataset}").first()
new_lines = dict(model.objects.filter(changed_in__run=run).values_list("pk", "changed_line"))
updates = Change.objects.filter(run=run, table=model._meta.db_table, kind=Change.Kind.UPDATED)
for record, before in updates.values_list("record", "before"):
    print(before["changed_line"], new_lines[int(record)])
"""


def generated(folder: Path, dataset: str, rows: int, version: int) -> EditedFiles:
    """Generate the files in a separate process: a child process starts with the peak memory of its parent."""
    program = [sys.executable, str(ROOT / "bench" / "edited_files.py"), dataset]
    timed([*program, "--rows", str(rows), "--seed", str(SEED + version), "--output", str(folder)])
    return EditedFiles(folder, dataset)


def last_accuracy(site: Site, dataset: str, files: EditedFiles) -> Accuracy:
    """Return the accuracy of the last run's pairs."""
    lines = site.ask(PAIRS.format(dataset=dataset, model=MODELS[dataset])).splitlines()
    return files.accuracy([(int(old), int(new)) for old, new in map(str.split, lines)])


def measure(site: Site, dataset: str, versions: list[EditedFiles], repeat: int) -> list[Figure]:
    """Return the figures of one dataset on one engine."""
    command = f"import_{dataset}"
    times: dict[str, list[Timed]] = {"with": [], "without": []}
    accuracy = Accuracy()
    turns = max(repeat, len(versions))
    for turn in range(turns):
        log(f"{site.name}, {dataset}, turn {turn + 1} of {turns}")
        files = versions[turn % len(versions)]
        for how, options in [("without", [NO_PAIRING])] * (turn < repeat) + [("with", [])]:
            site.start_anew()
            site.manage(command, *map(str, [*files.parents, files.first]), "--strict")
            times[how].append(site.manage(command, str(files.edited), "--strict", *options))
        if turn < len(versions):
            accuracy += last_accuracy(site, dataset, files)
    paired, unpaired = best(times["with"]).seconds, best(times["without"]).seconds
    name = f"{site.name}, {dataset}"
    return [
        Figure(f"{name}: pairs", accuracy.pairs, ""),
        *(
            Figure(
                f"{name}: correct, of {edited:,} rows with {cells} edited", 100 * accuracy.correct[cells] / edited, "%"
            )
            for cells, edited in sorted(accuracy.edited.items())
        ),
        Figure(f"{name}: correct, of all edited rows", accuracy.correct_share, "%", least=99),
        Figure(f"{name}: wrong, of all pairs", accuracy.wrong_share, "%", 0.1),
        Figure(f"{name}: without pairing", unpaired, "s"),
        Figure(f"{name}: with pairing", paired, "s"),
        Figure(f"{name}: with pairing, as a multiple of without", paired / unpaired, "×", 1.5),
        Figure(f"{name}: peak memory without pairing", max(time.megabytes for time in times["without"]), "MB"),
        Figure(f"{name}: peak memory with pairing", max(time.megabytes for time in times["with"]), "MB"),
    ]


def main() -> int:
    parser = arguments(__doc__)
    parser.add_argument("--people", type=int, default=10_000, metavar="N", help="number of people")
    parser.add_argument("--versions", type=int, default=10, metavar="N", help="number of files of people")
    parser.add_argument("--repeat", type=int, default=3, help="number of measurements; the best one counts")
    parser.add_argument("--engine", choices=["postgresql", "sqlite"], help="measure only this engine")
    parser.add_argument("--dataset", choices=list(MODELS), help="measure only this dataset")
    options = parser.parse_args()
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="tabularium-bench-") as name:
        folder = Path(name)
        files = {}
        for dataset, rows, versions in ("census", options.rows, 1), ("people", options.people, options.versions):
            if options.dataset in (None, dataset):
                log(f"Making {rows:,} rows of {dataset} and their edited version, {versions} times")
                files[dataset] = [generated(folder / f"{dataset}{n}", dataset, rows, n) for n in range(versions)]
        for site in sites(folder, options.engine):
            site.manage("migrate", "-v", "0")
            for dataset, versions in files.items():
                figures += measure(site, dataset, versions, options.repeat)
    return show(figures, as_json=options.json)


if __name__ == "__main__":
    raise SystemExit(main())
