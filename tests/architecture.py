"""The rules of the architecture: each is a function that checks a tree of files and returns breaches with reasons."""

import ast
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from django.apps import apps
from django.urls import Resolver404, URLResolver, get_resolver, resolve

ROOT = Path(__file__).resolve().parent.parent
RULE_FILES = {"architecture.py", "test_architecture.py"}  # these files contain the forbidden words
# The packages that all datasets share and that name no dataset; and those that a dataset may import.
SHARED = ("datasets", "exports", "imports", "analytics", "curation", "api", "explore", "monitoring")
BELOW = SHARED[:5]
FORBIDDEN_NAMES = {"utils", "helpers", "common", "base", "misc", "core", "services"}
LONGEST = 300
# Packages that write records in bulk: staging, merge, undo; and modules that write summary tables.
WRITERS = (
    "imports/engine/",
    "curation/history/",
    "datasets/matviews.py",
    "datasets/view_migrations.py",
    "datasets/http/request_rates.py",  # counts of requests, which are not records
)


def files(root: Path, suffix: str = "") -> list[Path]:
    """Return the tracked and untracked files without ignored ones, or all files of a tree without git."""
    if (root / ".git").exists() and shutil.which("git"):
        listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(listing, cwd=root, check=True, capture_output=True, text=True).stdout.split("\0")
        paths = {root / name for name in names if name}
    else:
        skipped = {".venv", "var", "__pycache__", ".git", ".hypothesis", ".pytest_cache", ".ruff_cache"}
        paths = {path for path in root.rglob("*") if not skipped & set(path.relative_to(root).parts)}
    return sorted(path for path in paths if path.is_file() and path.name.endswith(suffix))


def modules(root: Path) -> Iterator[tuple[str, Path, ast.Module]]:
    """Yield every module except migrations: its name, path and syntax tree."""
    for path in files(root, ".py"):
        name = path.relative_to(root).as_posix()
        if "/migrations/" not in name:
            yield name, path, parsed(path.read_bytes())


@cache
def parsed(source: bytes) -> ast.Module:
    """Return a module's syntax tree, parsed once for all rules."""
    return ast.parse(source)


def datasets(root: Path) -> set[str]:
    """Return the dataset apps: folders with models and sources."""
    datasets = {path.parent.name for path in root.glob("*/sources.py") if (path.parent / "models.py").exists()}
    return datasets - set(SHARED)


def imported(tree: ast.Module, package: tuple[str, ...]) -> Iterator[tuple[int, str]]:
    """Yield the top-level package of each import of a module, with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name.split(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            yield from (
                (node.lineno, ".".join([*above, node.module or alias.name]).split(".")[0]) for alias in node.names
            )


def texts(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield the string constants of a module with their lines, without docstrings."""
    statements = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in statements:
            yield node.lineno, node.value


# The rules


def strangers_imported(root: Path) -> list[str]:
    """A dataset imports only itself and lower packages; a shared package neither imports nor names a dataset."""
    apps_here = datasets(root)
    local = {path.parent.name for path in root.glob("*/*.py")}
    breaches = []
    for name, _, tree in modules(root):
        home = name.split("/")[0]
        if home not in apps_here and home not in SHARED:
            continue
        barred = local - {home, *BELOW} if home in apps_here else apps_here
        imports = list(imported(tree, Path(name).parent.parts))
        for line, text in texts(tree):
            if match := re.fullmatch(r"(\w+)(\.[A-Za-z_]\w*)*", text):
                app = match[1]
                # "census.Respondent" for a foreign key, and in shared packages a bare "census" too
                if app in apps_here and (text != app or home in SHARED) and not text.endswith((".csv", ".json")):
                    imports.append((line, app))
        breaches += [f"{name}:{line} reaches for {app}" for line, app in imports if app in barred]
    return breaches


def forbidden_names(root: Path) -> list[str]:
    """No module or package has a meaningless name."""
    return [
        f"{path.relative_to(root).as_posix()} has a name that says nothing"
        for path in files(root, ".py")
        if {*path.relative_to(root).parent.parts, path.stem} & FORBIDDEN_NAMES
    ]


def first_lines(root: Path) -> list[str]:
    """Each module begins (after #!) with a docstring; an __init__.py may be empty."""
    breaches = []
    for name, path, tree in modules(root):
        text = path.read_text()
        if path.name == "__init__.py" and not text.strip():
            continue
        first = 2 if text.startswith("#!") else 1
        docstring = ast.get_docstring(tree, clean=False)
        if not docstring or not docstring.splitlines()[0].strip() or tree.body[0].lineno != first:
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
    """Only the writers write records in bulk; models outside the datasets, such as runs, are not records."""
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


@cache
def texts_of_tests(root: Path) -> set[str]:
    """Return all string constants of the tests; an f-string has each text of its module, or a 1, in its first gap."""
    descriptions = set()
    for name, path, tree in modules(root):
        if name.startswith("tests/") and path.name not in RULE_FILES:
            own = {text for _, text in texts(tree)}
            words = [*filter(re.compile(r"[a-z][\w/-]{0,60}").fullmatch, own), "1"]
            for node in ast.walk(tree):
                if isinstance(node, ast.JoinedStr):
                    pieces = [p.value if isinstance(p, ast.Constant) else None for p in node.values]
                    first = pieces.index(None) if None in pieces else 0
                    rest = ["1" if piece is None else piece for piece in pieces]
                    own |= {"".join([*rest[:first], word, *rest[first + 1 :]]) for word in words}
            descriptions |= own
    return descriptions


def untested_commands(root: Path) -> list[str]:
    """Every management command is named in a test."""
    commands = {path.stem for path in root.glob("*/management/commands/*.py") if not path.stem.startswith("_")}
    return [f"no test calls {command}" for command in sorted(commands - texts_of_tests(root))]


def api_routes(resolver: URLResolver, prefix: str = "") -> Iterator[str]:
    """Return every route below api/; one with a format suffix (.json) is the same route."""
    for pattern in resolver.url_patterns:
        route = prefix + str(pattern.pattern).removeprefix("^")
        if isinstance(pattern, URLResolver):
            yield from api_routes(pattern, route)
        elif route.startswith("api/") and "format" not in route:
            yield route


def untested_routes(root: Path) -> list[str]:
    """Every API route matches an address in a test."""
    reached = set()
    for text in texts_of_tests(root):
        if text.startswith("/api/"):
            try:
                reached.add(resolve(re.split(r"[?#]", text)[0]).route)
            except Resolver404:
                pass  # a test of a missing module
    return [f"no test names an address of {route}" for route in sorted({*api_routes(get_resolver())} - reached)]


ADDRESS = re.compile(r"://|^\s*-|\s@\s|(^|\s)[./]+/|index-url|find-links")


def addresses_in_requirements(root: Path) -> list[str]:
    """The lock files list packages, versions and hashes, without an index."""
    breaches = []
    for path in sorted(root.glob("requirements*.txt")):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if ADDRESS.search(line.strip().removeprefix("--hash=")):
                breaches.append(f"{path.name}:{number} names a place: {line.strip()}")
    return breaches


INDEX = re.compile(rb"https?://[^\s\"'<>]*(pypi|pythonhosted|/simple\b)|(?<![\w.$}-])/(work|root)/")


def machine_in_files(root: Path) -> list[str]:
    """No tracked file names a package index or a folder of a developer's machine."""
    breaches = []
    for path in files(root):
        for number, line in enumerate(path.read_bytes().splitlines(), 1):
            if path.name not in RULE_FILES and (match := INDEX.search(line)):
                breaches.append(f"{path.relative_to(root).as_posix()}:{number} holds {match[0].decode()}")
    return breaches
