"""A process of its own that makes images of charts: vl-convert holds Python's lock while it draws.

It reads requests from standard input and writes answers to standard output until its input ends; each is a line of
JSON (``{"format": "png", "spec": {...}}``, ``{"size": 123}`` or ``{"error": "..."}``), an answer's image after it.
With the word ``bundle`` it writes the program that draws the same charts in a browser, and ends.
"""

import json
import sys

import vl_convert

VERSION = "6.4"
QUALITY = 92  # of a JPEG


def image(format: str, spec: dict, scale: float) -> bytes:
    """Return *spec* as an image; it may fetch nothing from anywhere."""
    options = {"vl_version": VERSION, "allowed_base_urls": []}
    if format == "svg":
        return vl_convert.vegalite_to_svg(spec, **options).encode()
    if format == "jpg":
        return vl_convert.vegalite_to_jpeg(spec, scale=scale, quality=QUALITY, **options)
    return vl_convert.vegalite_to_png(spec, scale=scale, **options)


def serve(requests, answers) -> None:
    """Answer *requests* one after the other."""
    for line in requests:
        try:
            made = image(**json.loads(line))
            answers.write(json.dumps({"size": len(made)}).encode() + b"\n" + made)
        except ValueError as error:  # as vl-convert says what it could not draw
            answers.write(json.dumps({"error": str(error)[:500]}).encode() + b"\n")
        answers.flush()


if __name__ == "__main__":
    if sys.argv[1:] == ["bundle"]:
        sys.stdout.write(vl_convert.javascript_bundle(vl_version=VERSION))
    else:
        serve(sys.stdin.buffer, sys.stdout.buffer)
