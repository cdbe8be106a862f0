"""The laws of the house: each is a question to the files, which must find nothing here, and something in a breach."""

import ast
import re
import shutil
import subprocess
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.urls import Resolver404, URLResolver, get_resolver, resolve

ROOT = Path(__file__).resolve().parent.parent
SHARED = ("datasets", "explore", "monitoring")  # what names no dataset
FORBIDDEN_NAMES = {"utils", "helpers", "common", "base", "misc", "core", "services"}
LONGEST = 300
# The rooms of records' bulk writes: what stages, what merges, what undoes.
WRITERS = (
    "datasets/staging.py",
    "datasets/loading.py",
    "datasets/loading/",
    "datasets/history.py",
    "datasets/history/",
)


def files(root: Path, suffix: str = "") -> list[Path]:
    """The files that are committed, or would be; in a tree without git, all of them."""
    if (root / ".git").exists() and shutil.which("git"):
        listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(listing, cwd=root, check=True, capture_output=True, text=True).stdout.split("\0")
        found = {root / name for name in names if name}
    else:
        skipped = {".venv", "var", "__pycache__", ".git", ".hypothesis", ".pytest_cache", ".ruff_cache"}
        found = {path for path in root.rglob("*") if not skipped & set(path.relative_to(root).parts)}
    return sorted(path for path in found if path.is_file() and path.name.endswith(suffix))


def modules(root: Path) -> Iterator[tuple[str, Path, ast.Module]]:
    """Every module but migrations: its name in the tree, its path, its syntax."""
    for path in files(root, ".py"):
        name = path.relative_to(root).as_posix()
        if "/migrations/" not in name:
            yield name, path, ast.parse(path.read_bytes(), filename=name)


def datasets(root: Path) -> set[str]:
    """The dataset apps: folders with an app and sources of their own."""
    found = {path.parent.name for path in root.glob("*/sources.py") if (path.parent / "apps.py").exists()}
    return found - set(SHARED)


def imported(tree: ast.Module, package: tuple[str, ...]) -> Iterator[tuple[int, str]]:
    """The top-level package of everything that a module imports, with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name.split(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            yield from (
                (node.lineno, ".".join([*above, node.module or alias.name]).split(".")[0]) for alias in node.names
            )


def texts(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """The text constants of a module, with their lines; docstrings are not among them."""
    statements = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in statements:
            yield node.lineno, node.value


# The laws: each returns its breaches, as place and reason


def strangers_imported(root: Path) -> list[str]:
    """A dataset imports itself and datasets; what is shared imports no dataset, nor names one as app.Model does."""
    apps_here = datasets(root)
    local = {path.parent.name for path in root.glob("*/*.py")}
    breaches = []
    for name, _, tree in modules(root):
        home = name.split("/")[0]
        if home not in apps_here and home not in SHARED:
            continue
        barred = local - {home, "datasets"} if home in apps_here else apps_here
        found = list(imported(tree, Path(name).parent.parts))
        for line, text in texts(tree):
            if match := re.fullmatch(r"(\w+)(\.[A-Za-z_]\w*)*", text):
                app = match[1]
                # "census.Respondent" for a foreign key, and in what is shared a bare "census" too
                if app in apps_here and (text != app or home in SHARED) and not text.endswith((".csv", ".json")):
                    found.append((line, app))
        breaches += [f"{name}:{line} reaches for {app}" for line, app in found if app in barred]
    return breaches


def forbidden_names(root: Path) -> list[str]:
    """No module or package is named for having no name."""
    return [
        f"{path.relative_to(root).as_posix()} is a drawer, not a subject"
        for path in files(root, ".py")
        if {*path.relative_to(root).parent.parts, path.stem} & FORBIDDEN_NAMES
    ]


def first_lines(root: Path) -> list[str]:
    """Each module's first line (after #!) says what it is about; an __init__.py may be empty."""
    breaches = []
    for name, path, tree in modules(root):
        text = path.read_text()
        if path.name == "__init__.py" and not text.strip():
            continue
        first = 2 if text.startswith("#!") else 1
        said = ast.get_docstring(tree, clean=False)
        if not said or not said.splitlines()[0].strip() or tree.body[0].lineno != first:
            breaches.append(f"{name}:{first} does not say what the module is about")
    return breaches


def long_modules(root: Path) -> list[str]:
    """No module is longer than 300 lines."""
    lengths = ((name, len(path.read_text().splitlines())) for name, path, _ in modules(root))
    return [f"{name} has {length} lines, more than {LONGEST}" for name, length in lengths if length > LONGEST]


BULK_METHODS = {"bulk_create", "bulk_update", "executemany", "copy_from", "copy_expert"}
QUERYSET_METHODS = {"objects", "filter", "exclude", "all", "get_queryset", "select_related", "order_by", "using"}
BULK_SQL = re.compile(
    r"\s*(INSERT\s+INTO|UPDATE\s+\S+.*\bSET\b|DELETE\s+FROM|MERGE\s+INTO|TRUNCATE|COPY\s.*\bFROM)\b", re.S
)


def bulk_writes(root: Path) -> list[str]:
    """Only the writers write many records at once; models that are no dataset's (runs, users) are no records."""
    bookkeeping = {model.__name__ for model in apps.get_models() if model._meta.app_label not in datasets(ROOT)}
    breaches = []
    for name, _, tree in modules(root):
        home = name.split("/")[0]
        if name.startswith(WRITERS) or home not in datasets(root) | {*SHARED, "config"}:
            continue
        pieces = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                method, chain = node.func.attr, node.func.value
                names = {n.attr for n in ast.walk(chain) if isinstance(n, ast.Attribute)}
                roots = {n.id for n in ast.walk(chain) if isinstance(n, ast.Name)}
                on_queryset = names & QUERYSET_METHODS or any(r.endswith(("queryset", "records")) for r in roots)
                if not roots & bookkeeping and (
                    method in BULK_METHODS or (method in ("update", "delete") and on_queryset)
                ):
                    breaches.append(f"{name}:{node.lineno} calls {method} on records")
            elif isinstance(node, ast.Constant | ast.JoinedStr) and id(node) not in pieces:
                parts = node.values if isinstance(node, ast.JoinedStr) else [node]
                sql = "".join(str(p.value) if isinstance(p, ast.Constant) else "x" for p in parts)
                if BULK_SQL.match(sql):
                    breaches.append(f"{name}:{node.lineno} writes by SQL: {sql.strip()[:30]}")
    return breaches


def texts_of_tests(root: Path) -> set[str]:
    """All that the tests say in quotes; an f-string with each text of its module, or a 1, in its first gap."""
    said = set()
    for name, path, tree in modules(root):
        if name.startswith("tests/") and path.name != Path(__file__).name:
            own = {text for _, text in texts(tree)}
            words = [*filter(re.compile(r"[a-z][\w/-]{0,60}").fullmatch, own), "1"]
            for node in ast.walk(tree):
                if isinstance(node, ast.JoinedStr):
                    pieces = [p.value if isinstance(p, ast.Constant) else None for p in node.values]
                    first = pieces.index(None) if None in pieces else 0
                    rest = ["1" if piece is None else piece for piece in pieces]
                    own |= {"".join([*rest[:first], word, *rest[first + 1 :]]) for word in words}
            said |= own
    return said


def untested_commands(root: Path) -> list[str]:
    """Every management command is named in a test."""
    commands = {path.stem for path in root.glob("*/management/commands/*.py") if not path.stem.startswith("_")}
    return [f"no test calls {command}" for command in sorted(commands - texts_of_tests(root))]


def api_routes(resolver: URLResolver, prefix: str = "") -> Iterator[str]:
    """Every route below api/, as Django shows it; a format in place of the query (.json) is the same route."""
    for pattern in resolver.url_patterns:
        route = prefix + str(pattern.pattern).removeprefix("^")
        if isinstance(pattern, URLResolver):
            yield from api_routes(pattern, route)
        elif route.startswith("api/") and "format" not in route:
            yield route


def untested_routes(root: Path) -> list[str]:
    """Every API route is one that an address in a test leads to."""
    reached = set()
    for text in texts_of_tests(root):
        if text.startswith("/api/"):
            try:
                reached.add(resolve(re.split(r"[?#]", text)[0]).route)
            except Resolver404:
                pass  # a test of what is not there
    return [f"no test names an address of {route}" for route in sorted({*api_routes(get_resolver())} - reached)]


ADDRESS = re.compile(r"://|^\s*-|\s@\s|(^|\s)[./]+/|index-url|find-links")


def addresses_in_requirements(root: Path) -> list[str]:
    """The lock files name packages, versions and hashes, and no place to get them from."""
    breaches = []
    for path in sorted(root.glob("requirements*.txt")):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if ADDRESS.search(line.strip().removeprefix("--hash=")):
                breaches.append(f"{path.name}:{number} names a place: {line.strip()}")
    return breaches


INDEX = re.compile(rb"https?://[^\s\"'<>]*(pypi|pythonhosted|/simple\b)|(?<![\w.$}-])/(work|root)/")


def machine_in_files(root: Path) -> list[str]:
    """No committed file names a package index, or a folder of the machine that it was written on."""
    breaches = []
    for path in files(root):
        for number, line in enumerate(path.read_bytes().splitlines(), 1):
            if path != Path(__file__) and (match := INDEX.search(line)):
                breaches.append(f"{path.relative_to(root).as_posix()}:{number} holds {match[0].decode()}")
    return breaches


IN_CODE = (strangers_imported, forbidden_names, first_lines, long_modules, bulk_writes)
IN_ALL = (untested_commands, untested_routes, addresses_in_requirements, machine_in_files)


@pytest.mark.parametrize("law", [*IN_CODE, *IN_ALL], ids=lambda law: law.__name__)
def test_the_house_keeps_the_law(law):
    assert law(ROOT) == []


def test_the_laws_look_at_all_datasets():
    assert datasets(ROOT) >= {"subjects", "census", "experiments", "people"}
    assert {app.split(".")[0] for app in apps.app_configs} >= datasets(ROOT)


PLACES = {
    "places/apps.py": '"""The app."""\n',
    "places/sources.py": '"""Files of places."""\nimport datasets.sources\nfrom . import models\n',
    "census/apps.py": '"""The app."""\n',
    "census/sources.py": '"""Files of the census."""\n',
}
BREACHES = {
    "an import of a sibling": (strangers_imported, "places/models.py", '"""x"""\nfrom census.models import Country'),
    "a relative import of a sibling": (strangers_imported, "places/models.py", '"""x"""\nfrom ..census import models'),
    "a key to a sibling": (strangers_imported, "places/models.py", '"""x"""\ncity = ForeignKey("census.Country")'),
    "a dataset in what is shared": (strangers_imported, "datasets/api.py", '"""x"""\nimport census.models'),
    "a dataset's name in what is shared": (strangers_imported, "explore/views.py", '"""x"""\nif app == "census": x()'),
    "a drawer": (forbidden_names, "places/utils.py", '"""Odds and ends."""'),
    "a package of drawers": (forbidden_names, "places/common/text.py", '"""Odds and ends."""'),
    "no docstring": (first_lines, "places/models.py", "import json"),
    "a docstring further down": (first_lines, "places/models.py", '# note\n"""Places."""'),
    "an empty first line": (first_lines, "places/models.py", '"""\nPlaces.\n"""'),
    "a long module": (long_modules, "places/models.py", '"""x"""\n' + "\n" * LONGEST),
    "bulk_create": (bulk_writes, "places/admin.py", '"""x"""\nPlace.objects.bulk_create(found)'),
    "an update of a queryset": (bulk_writes, "places/admin.py", '"""x"""\nPlace.objects.filter(x=1).update(x=2)'),
    "a deletion": (bulk_writes, "places/admin.py", '"""x"""\nqueryset.delete()'),
    "executemany": (bulk_writes, "datasets/admin.py", '"""x"""\ncursor.executemany(sql, rows)'),
    "SQL": (bulk_writes, "datasets/api.py", '"""x"""\nexecute(f"INSERT INTO {table} VALUES (1)")'),
    "COPY": (bulk_writes, "places/models.py", '"""x"""\ncursor.copy(f"COPY {table} ({names}) FROM STDIN")'),
    "an untested command": (untested_commands, "places/management/commands/import_places.py", '"""x"""'),
    "an index": (addresses_in_requirements, "requirements.txt", "--index-url https://packages.example.org/simple"),
    "a wheel on this machine": (addresses_in_requirements, "requirements.txt", "six @ file:///wheels/six.whl"),
    "a found link": (addresses_in_requirements, "requirements-dev.txt", "    --find-links /wheels"),
    "a folder of this machine": (machine_in_files, "README.md", "Type: cd /root/tabularium"),
    "an index in a page": (machine_in_files, "Dockerfile", "RUN pip install -i https://packages.example.org/simple"),
}


@pytest.mark.parametrize(("law", "name", "text"), BREACHES.values(), ids=BREACHES)
def test_a_breach_is_seen(law, name, text, tmp_path):
    for place, content in {**PLACES, name: text}.items():
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text(textwrap.dedent(content))
    found = law(tmp_path)
    assert len(found) == 1 and name.rpartition("/")[2].removesuffix(".py") in found[0]


def test_what_is_allowed_is_no_breach(tmp_path):
    allowed = (
        '"""x"""\nImportRun.objects.filter(pk=1).update(x=2)\nseen = {}\nseen.update(a=1)\n"places.Place"\n"census"'
    )
    for place, content in {
        **PLACES,
        "places/admin.py": allowed,
        "datasets/staging.py": '"""x"""\nc.executemany()',
    }.items():
        (tmp_path / place).parent.mkdir(exist_ok=True)
        (tmp_path / place).write_text(content)
    assert [breach for law in IN_CODE for breach in law(tmp_path)] == []


def test_an_address_that_no_test_names_is_seen(tmp_path):
    (tmp_path / "tests").mkdir()
    asked = 'get("/api/?format=json")\nget("/api/nothing/")\nfor table in ["places"]:\n    get(f"/api/people/{table}/{pk}/")'
    (tmp_path / "tests/test_api.py").write_text(f'"""x"""\n{asked}')
    missing = untested_routes(tmp_path)
    assert len(missing) == len({*api_routes(get_resolver())}) - 2
    assert any("people/places/$" in breach for breach in missing)
