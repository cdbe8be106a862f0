"""What a process loads when it starts: --help loads neither the pages of the site nor Arrow."""

import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT

SLOW = {"config.urls", "pyarrow", "numpy", "altair", "rich", "xlsxwriter"}
MAIN = f"""
import atexit, sys, manage
atexit.register(lambda: print(*sorted({SLOW} & set(sys.modules)), file=sys.stderr))
sys.exit(manage.main())
"""


@pytest.mark.parametrize("name", ["import_census", "import_sources", "migrate"])
def test_the_help_of_a_command_loads_neither_pages_nor_arrow(name):
    command = [sys.executable, "-c", MAIN, name, "--help"]
    ran = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (0, "\n")
