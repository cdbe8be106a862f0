"""Execute notebooks without traces of the machine or the date."""

import os
from pathlib import Path

import nbclient
import nbformat

SECONDS = 600  # per cell; a longer execution is an error


def executed(path: Path, environment: dict[str, str] | None = None) -> nbformat.NotebookNode:
    """Return the executed notebook. Its cells run in the notebook's folder, with the given environment variables.

    Raises nbclient.exceptions.CellExecutionError if a cell fails, CellTimeoutError if a cell takes too long, and
    DeadKernelError if the process of the kernel ends.
    """
    notebook = nbformat.read(path, as_version=4)
    client = nbclient.NotebookClient(
        notebook,
        kernel_name="python3",  # the current Python
        timeout=SECONDS,
        extra_arguments=["--IPKernelApp.log_level=ERROR"],  # the kernel warns about its local transport
        record_timing=False,
        resources={"metadata": {"path": str(path.parent)}},
    )
    client.execute(env=dict(os.environ if environment is None else environment))
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    return notebook


def texts(notebook: nbformat.NotebookNode) -> list[str]:
    """Return the texts in the outputs of a notebook; the text of an image is its caption."""
    shown = [output.get("data", output) for cell in notebook.cells for output in cell.get("outputs", [])]
    return [data.get("text/markdown", data.get("text/plain", data.get("text"))) for data in shown]
