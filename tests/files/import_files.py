"""Import files into apps, import them again, and compare the exports: ``import_files.py JOBS APPS OUTCOMES``."""

import csv
import io
import json
import sys
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import django

sys.path.insert(0, ".")


def main(jobs: Path, apps: Path, outcomes: Path) -> None:
    django.setup()
    from django.core.management import call_command

    proposals = json.loads(apps.read_text())
    results = {}
    with TemporaryDirectory() as folder:
        for name, path in json.loads(jobs.read_text()).items():
            if "error" in proposals[name]:
                continue
            try:
                reports = []
                for _ in range(2):
                    report = Path(folder, "report.json")
                    call_command(f"import_{name}", path, report=report, verbosity=0, no_refresh=True)
                    reports.append(json.loads(report.read_text()))
                exported = Path(folder, "export.csv")
                call_command("export", f"{name}/{name.replace('_', '-')}", output=str(exported), verbosity=0)
                results[name] = outcome(Path(path), proposals[name], reports, exported.read_text(encoding="utf-8-sig"))
            except Exception as error:
                results[name] = {"error": f"{type(error).__name__}: {error}"}
    outcomes.write_text(json.dumps(results))


def outcome(path: Path, proposal: dict, reports: list[dict], exported: str) -> dict:
    """Return the counts of the imports, the reasons of rejected rows, and the first values that differ."""
    first, second = (report["sources"][0] for report in reports)
    rejected = {row["line"]: row["problems"] for row in reports[0]["rejections"]}
    changed = {key: second[key] for key in ("created", "updated", "missing") if second[key]}
    return {
        "read": first["read"],
        "created": first["created"],
        "rejected": rejected,
        "changed_again": changed,
        "differences": differences(rows_of(path, proposal), proposal, list(csv.DictReader(io.StringIO(exported)))),
    }


def rows_of(path: Path, proposal: dict) -> list[list[str]]:
    """Read the rows of a file without the product, in the order of the proposal's columns."""
    text = path.read_text(encoding="utf-8-sig")
    if path.suffix == ".json":
        items = json.loads(text, parse_float=str, parse_int=str)
        return [[_cell(item.get(heading)) for heading in proposal["columns"]] for item in items]
    lines = text.splitlines()
    delimiter = max(",;\t", key=lines[0].count)
    rows = [row for row in csv.reader(io.StringIO(text), delimiter=delimiter) if any(cell.strip() for cell in row)]
    rows = rows if proposal["headerless"] else rows[1:]
    return [[cell.strip() for cell in row] for row in rows if len(row) == len(proposal["columns"])]


def _cell(value) -> str:
    if value is None:
        return ""
    return value.strip() if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def differences(rows: list[list[str]], proposal: dict, records: list[dict]) -> list[str]:
    """Return the first rows of the file that no record has, value by value."""
    left: dict[tuple, int] = {}
    columns = list(proposal["columns"].values())
    for record in records:
        values = tuple(_value(record[name], kind, ()) for name, kind, _ in columns)
        left[values] = left.get(values, 0) + 1
    found = []
    for row in rows:
        values = tuple(_value(cell, kind, proposal["missing"]) for cell, (_, kind, _) in zip(row, columns, strict=True))
        if left.get(values):
            left[values] -= 1
        else:
            found.append(str(values)[:200])
    return found[:5]


def _value(text: str, kind: str, missing) -> object:
    if text == "" or text in missing:
        return None
    if kind in ("FloatField", "IntegerField", "BigIntegerField"):
        return float(text.removesuffix("%").replace(",", "")) + 0.0
    if kind == "BooleanField":
        return text.lower() in ("1", "true", "yes", "y", "t")
    if kind == "DateField":
        return _day(text)
    if kind == "JSONField":
        is_document = text[:1] in ("[", "{")
        return json.dumps(json.loads(text, parse_float=str, parse_int=str), sort_keys=True) if is_document else text
    return text


def _day(text: str) -> date:
    for form in (
        "%Y-%m-%d",
        "%Y%m%d",
        "%b %d %Y",
        "%Y/%m/%d",
        "%m/%d/%Y",
        "%d/%m/%Y",
        "%d.%m.%Y",
        "%d %b %Y",
        "%d-%b-%Y",
    ):
        try:
            return datetime.strptime(text, form).date()  # noqa: DTZ007
        except ValueError:
            pass
    raise ValueError(text)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
