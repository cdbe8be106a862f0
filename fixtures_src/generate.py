"""Generate the sample sources: all four folders as committed, or one file of any size for a benchmark.

    python fixtures_src/generate.py                                     the committed samples, in place
    python fixtures_src/generate.py --only census --rows 1000000 --output /tmp/big
    python fixtures_src/generate.py --planted                           the README's table of bad rows

The planted bad rows are in addition to the 10,000 people, 110 places, 5,000 respondents, 200 users, 50 compounds and
2,000 experiments; the two bad folders are among the 60. The same seed gives the same bytes on every machine.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

try:
    import numpy as np
    from makers import census, experiments, people, subjects
    from makers.draws import Rows, Variation, blocks
    from makers.planting import spoil, weave
except ModuleNotFoundError as error:  # for example, a python3 outside .venv
    sys.exit(f"{error.name} is not installed here. Type: make install, then .venv/bin/python fixtures_src/generate.py")

SEED = 1994
HERE = Path(__file__).parent
SAMPLES = {
    "people/places.csv": people.PLANTED_PLACES,
    "people/people.csv": people.PLANTED_PEOPLE,
    "census/adult.data": census.PLANTED_DATA,
    "census/adult.test": census.PLANTED_TEST,
    "experiments/users.csv": experiments.PLANTED_USERS,
    "experiments/compounds.csv": experiments.PLANTED_COMPOUNDS,
    "experiments/user_experiments.csv": experiments.PLANTED_EXPERIMENTS,
}


def main(arguments: list[str] | None = None) -> None:
    """Run the command line."""
    parser = command_line()
    options = parser.parse_args(arguments)
    if options.planted:
        print("\n".join(planted_table()))
    elif options.only:
        if options.rows is None or options.output is None:
            parser.error(
                f"--only {options.only} also needs --rows and --output, as in --rows 1000000 --output /tmp/big"
            )
        if options.change_share + options.missing_share > 1000:
            parser.error("--change-share and --missing-share together are more than all rows; make their sum 1 at most")
        if options.only != "census" and (options.header or options.spaced):
            parser.error("--header and --spaced are for --only census; leave them out")
        measure(options)
    elif any(value for name, value in vars(options).items() if name not in ("output", "seed")):
        parser.error("a size, a share or a spelling needs --only, as in --only census --rows 1000000 --output /tmp/big")
    else:
        samples(options.seed, options.output or HERE)


def command_line() -> argparse.ArgumentParser:
    """Parse and check the options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, metavar="DIR", help="folder to write to (default: fixtures_src)")
    parser.add_argument("--seed", type=int, default=SEED, metavar="N", help=f"random seed (default: {SEED})")
    parser.add_argument("--planted", action="store_true", help="print the table of planted rows, and write nothing")
    big = parser.add_argument_group("one file of any size")
    big.add_argument("--only", choices=["census", "people", "users"], help="generate only this file")
    big.add_argument("--rows", type=whole, metavar="N", help="number of rows")
    big.add_argument("--header", action="store_true", help="census: adult.csv with a header, not adult.data without")
    big.add_argument("--spaced", action="store_true", help="census: a space after each comma, as in UCI's files")
    for name, what in {
        "change": "rows with another value",
        "new": "rows added at the end",
        "missing": "rows left out",
        "bad": "rows that no import can use",
    }.items():
        big.add_argument(
            f"--{name}-share", type=thousandths, default=0, metavar="S", help=f"{what}, 0 to 1: 0.1 is a tenth"
        )
    return parser


def whole(text: str) -> int:
    """Parse a number of rows."""
    if not text.isascii() or not text.isdigit() or not 0 < int(text) <= 2**31:
        raise argparse.ArgumentTypeError(f"expected a whole number of 1 or more, such as 1000000; found {text!r}")
    return int(text)


def thousandths(text: str) -> int:
    """Parse a share as thousandths."""
    try:
        share = round(float(text) * 1000, 6)
    except (ValueError, OverflowError):
        share = -1
    if not 0 <= share <= 1000 or share != int(share):
        raise argparse.ArgumentTypeError(f"expected a share from 0 to 1 in steps of 0.001, such as 0.1; found {text!r}")
    return int(share)


def samples(seed: int, root: Path) -> None:
    """Write all four folders, with their planted rows."""

    def rows(count: int, start: int = 0) -> Rows:
        none = np.zeros(count, dtype=bool)
        return Rows(np.arange(start, start + count), none, none)

    def save(name: str, start: str, good: list[str], separator: str, end: str = "\n") -> None:
        lines = weave(good, SAMPLES[name], start.count("\n") + 1, separator)
        write(root / name, start + "\n".join(lines) + end)

    save("people/places.csv", people.PLACES_HEADER + "\n", people.place_lines(), ",")
    save("people/people.csv", people.PEOPLE_HEADER + "\n", people.lines(seed, rows(10_000)), ",")
    save("census/adult.data", "", census.lines(seed, rows(4000), ", "), ", ")
    test = census.lines(seed, rows(1000, start=4000), ", ", dot=".")
    save("census/adult.test", "|1x3 Cross validator\n", test, ", ")
    tabbed = experiments.SEPARATOR
    users, compounds = (experiments.user_lines(seed, rows(200)), experiments.compound_lines(seed))
    made = experiments.experiment_lines(seed, 2000, len(users), len(compounds))
    save("experiments/users.csv", f"\n{experiments.USERS_HEADER}\n", users, tabbed, end="")
    save("experiments/compounds.csv", experiments.COMPOUNDS_HEADER + "\n", compounds, tabbed, end="")
    save("experiments/user_experiments.csv", experiments.EXPERIMENTS_HEADER + "\n", made, tabbed, end="")
    for folder, text in subjects.files(seed).items():
        write(root / "subjects" / folder / "subject.json", text)


def planted_table() -> Iterator[str]:
    """Return the planted rows as a Markdown table."""
    yield "| file | line | what is wrong |"
    yield "|---|---|---|"
    for name, planted in SAMPLES.items():
        for each in planted:
            yield f"| `{name}` | {each.line} | {each.wrong} |"
    for name, wrong in subjects.REJECTED.items():
        yield f"| `subjects/{name}` | | {wrong} |"


def measure(options: argparse.Namespace) -> None:
    """Write one big file of valid rows, or a variation of it, in blocks."""
    separator, header, end = ",", "", "\n"
    if options.only == "census":
        separator = ", " if options.spaced else ","
        name, header = ("adult.csv", ",".join(census.COLUMNS)) if options.header else ("adult.data", "")
        make = partial(census.lines, options.seed, separator=separator)
        spoils = census.SPOILS
    elif options.only == "people":
        write(options.output / "places.csv", "\n".join([people.PLACES_HEADER, *people.place_lines()]) + "\n")
        name, header, spoils = "people.csv", people.PEOPLE_HEADER, people.SPOILS
        make = partial(people.lines, options.seed)
    else:
        separator, end = experiments.SEPARATOR, ""
        name, header, spoils = ("users.csv", "\n" + experiments.USERS_HEADER, experiments.USER_SPOILS)
        make = partial(experiments.user_lines, options.seed)
    variation = Variation(options.change_share, options.new_share, options.missing_share, options.bad_share)
    count = changed = bad = 0

    def lines() -> Iterator[list[str]]:
        nonlocal count, changed, bad
        if header:
            yield [header]
        for rows in blocks(options.seed, options.rows, variation):
            count += len(rows.numbers)
            changed += int(rows.changed.sum())
            bad += int(rows.bad.sum())
            yield spoil(make(rows), rows, spoils, separator)

    write_blocks(options.output / name, lines(), end)
    new = options.rows * options.new_share // 1000
    missing = options.rows + new - count
    print(
        f"{options.output / name}: {count:,} rows ({changed:,} changed, {new:,} new, {bad:,} bad), {missing:,} missing"
    )


def write_blocks(path: Path, blocks_of_lines: Iterable[list[str]], end: str) -> None:
    """Write lines to a file, a block at a time, with a line end after the last."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        between = b""
        for lines in blocks_of_lines:
            if lines:
                file.write(between + "\n".join(lines).encode())
                between = b"\n"
        file.write(end.encode())


def write(path: Path, text: str) -> None:
    """Write a whole file in UTF-8, with its line ends unchanged."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())


if __name__ == "__main__":
    try:
        main()
    except OSError as problem:
        sys.exit(f"cannot write the files: {problem}; choose another folder with --output")
