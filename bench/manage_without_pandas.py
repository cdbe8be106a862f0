"""Run manage.py as in production, where pandas is not installed. Arrow would load it, which takes 0.2 s."""

import runpy
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


class NotInstalled:
    """A finder of modules that finds no pandas."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        if name == "pandas":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


sys.meta_path.insert(0, NotInstalled)
sys.path[0] = str(ROOT)
runpy.run_path(str(ROOT / "manage.py"), run_name="__main__")
