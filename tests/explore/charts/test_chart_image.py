"""Images of charts: requested sizes, permissions, conditional requests, and the worker process."""

import json
import os
import re
import signal
import struct
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from threading import Thread

import pytest
import vl_convert
from django.conf import settings
from django.utils import timezone

from explore.charts import Drawing, draw, render_client
from explore.charts.render_client import RendererBusyError, RenderingError, render, renderer
from people.models import Person

pytestmark = pytest.mark.only_on("sqlite")

ADDRESS = "/explore/people/people/chart"
SPEC = {"data": {"values": [{"a": 1}]}, "mark": "point", "encoding": {"x": {"field": "a", "type": "quantitative"}}}


def size_of(image: bytes) -> tuple[int, int]:
    """Return the width and height of an image from its bytes."""
    if image.startswith(b"\x89PNG\r\n"):
        return struct.unpack(">II", image[16:24])
    if image.startswith(b"\xff\xd8"):
        place = 2
        while image[place + 1] not in (0xC0, 0xC1, 0xC2):
            place += 2 + struct.unpack(">H", image[place + 2 : place + 4])[0]
        height, width = struct.unpack(">HH", image[place + 5 : place + 9])
        return width, height
    root = re.match(rb'<svg[^>]* width="(\d+)" height="(\d+)" viewBox="0 0 [\d.]+ [\d.]+"', image)
    return int(root[1]), int(root[2])


@pytest.mark.parametrize("suffix, kind", [("png", "image/png"), ("jpg", "image/jpeg"), ("svg", "image/svg+xml")])
def test_an_image_has_the_requested_size(reader, people, suffix, kind):
    for width, height in [(640, 480), (100, 100), (1999, 1001), (4000, 100), (333, 4000)]:
        answer = reader.get(f"{ADDRESS}.{suffix}?width={width}&height={height}")
        assert answer.status_code == 200
        assert answer["Content-Type"] == kind
        assert size_of(answer.content) == (width, height)
    assert size_of(reader.get(f"{ADDRESS}.{suffix}").content) == (800, 420)
    assert size_of(reader.get(f"{ADDRESS}.{suffix}?width=400").content) == (400, 210)


@pytest.mark.parametrize("size", ["99", "4001", "1e3", "-300", "٣٣٣", "9" * 5000])
def test_other_sizes_are_refused(reader, people, size):
    answer = reader.get(f"{ADDRESS}.png", {"width": size})
    assert answer.status_code == 400
    assert answer.text.startswith("width: Expected a whole number of pixels between 100 and 4000")
    assert answer["Content-Type"].startswith("text/plain")


def test_an_image_fits_a_slide_or_a_column_of_a_page(reader, people):
    for suffix in ("png", "jpg", "svg"):
        assert size_of(reader.get(f"{ADDRESS}.{suffix}?size=slide").content) == (1600, 900)
    png, jpg, svg = (
        reader.get(f"{ADDRESS}.{suffix}?kind=bar&x=county_of_birth&size=column") for suffix in ("png", "jpg", "svg")
    )
    assert size_of(png.content)[0] == size_of(jpg.content)[0] == 1004
    resolution = png.content.index(b"pHYs")
    assert int.from_bytes(png.content[resolution + 4 : resolution + 8]) == 11811  # pixels per metre: 300 dpi
    assert jpg.content[6:18] == b"JFIF\x00\x01\x02\x01" + (300).to_bytes(2) * 2
    width, box = re.search(r'<svg[^>]* width="([\d.]+)mm" height="[\d.]+mm" viewBox="0 0 ([\d.]+) ', svg.text).groups()
    assert float(width) == pytest.approx(85, abs=0.1)
    letters = {float(size) for size in re.findall(r'font-size="([\d.]+)px"', svg.text)}
    assert min(letters) * float(width) / float(box) / 25.4 * 72 > 7  # points in print


@pytest.mark.parametrize("query", ["size=poster", "size=slide&width=300", "size=column&height=300"])
@pytest.mark.parametrize("end", [".png", ".csv", ".json", "/"])
def test_an_unknown_or_contradictory_size_is_refused(reader, people, query, end):
    answer = reader.get(f"{ADDRESS}{end}?{query}")
    assert answer.status_code == 400
    assert "Expected one of page, slide, column; found poster." in answer.text or "Remove size, or width" in answer.text


def test_an_image_is_of_the_chart_that_the_address_names(reader, people):
    svg = reader.get(f"{ADDRESS}.svg?kind=bar&x=county_of_birth&family_name=Mac&width=600&height=300").text
    for text in (
        "People by county of birth",
        "family name is Mac",
        "3 people",
        f"{timezone.localdate():%B %Y}",
        "Fife",
    ):
        assert text in svg
    assert "style=" not in svg  # the CSP forbids this if a browser opens the image


def test_values_are_escaped_in_an_image(reader, people):
    svg = reader.get(f"{ADDRESS}.svg?kind=bar&x=place_of_birth&width=1200").text
    assert "<b>" not in svg and "&lt;b&gt;" in svg


def test_a_client_that_has_the_image_gets_304_until_the_records_change(reader, people):
    first = reader.get(f"{ADDRESS}.png?width=200&height=200")
    assert first["Cache-Control"] == "private, no-cache"
    known = {"headers": {"If-None-Match": first["ETag"]}}
    assert reader.get(f"{ADDRESS}.png?width=200&height=200", **known).status_code == 304
    assert reader.get(f"{ADDRESS}.png?width=201&height=200", **known).status_code == 200
    assert reader.get(f"{ADDRESS}.jpg?width=200&height=200", **known).status_code == 200
    Person.objects.first().delete()
    after = reader.get(f"{ADDRESS}.json", **known)
    assert sum(row["value"] for row in after.json()["data"]["values"]) == 5


@pytest.mark.parametrize("end", [".png", ".jpg", ".svg", ".csv", ".json", "/", "/figure/"])
def test_charts_need_the_permission_to_view_the_table(client, signed_in, people, end):
    answer = client.get(ADDRESS + end)
    assert answer.status_code == 302 and answer["Location"].startswith("/sign-in/")
    stranger = signed_in("Nobody", name="mallory")
    answer = stranger.get(ADDRESS + end)
    assert answer.status_code == 403
    assert "1851" not in answer.text
    assert stranger.post(ADDRESS + end).status_code == 405


def test_at_most_half_of_the_threads_wait_for_images(reader, people):
    places = [render_client.permits.acquire(blocking=False) for _ in range(settings.STREAMS_AT_ONCE)]
    try:
        assert all(places)
        answer = reader.get(f"{ADDRESS}.png")
        assert answer.status_code == 503
        assert answer["Retry-After"] == "5"
        assert "ETag" not in answer
        assert reader.get(f"{ADDRESS}/").status_code == 200
        with pytest.raises(RendererBusyError):
            render("png", SPEC)
    finally:
        for _ in places:
            render_client.permits.release()
    assert reader.get(f"{ADDRESS}.png").status_code == 200


def test_a_renderer_that_exits_or_hangs_is_replaced(monkeypatch):
    assert render("png", SPEC).startswith(b"\x89PNG")
    first = renderer.call(os.getpid)
    assert render("svg", SPEC).startswith(b"<svg")
    assert renderer.call(os.getpid) == first
    os.kill(first, signal.SIGKILL)
    assert render("jpg", SPEC).startswith(b"\xff\xd8")
    second = renderer.call(os.getpid)
    assert second != first
    os.kill(second, signal.SIGSTOP)
    monkeypatch.setattr(render_client, "PATIENCE", 0.1)
    with pytest.raises(RenderingError, match=r"within 0\.1 seconds"):
        render("png", {**SPEC, "title": "x" * 500_000})  # more than the buffer of a pipe
    for ended in (first, second):
        with pytest.raises(ProcessLookupError):  # the process is gone, not a zombie
            os.kill(ended, 0)
    monkeypatch.undo()
    assert render("png", SPEC).startswith(b"\x89PNG")


def test_an_image_whose_renderer_always_dies_is_refused():
    with pytest.raises(RenderingError, match="the rendering process exited"):
        renderer.call(os._exit, 1)
    assert render("png", SPEC).startswith(b"\x89PNG")


def test_a_rendering_error_does_not_affect_the_next_image():
    with pytest.raises(RenderingError):
        render("png", {"mark": "nonsense"})
    assert render("png", SPEC).startswith(b"\x89PNG")


def test_a_renderer_fetches_nothing():
    elsewhere = {**SPEC, "data": {"url": "http://127.0.0.1:9/data.json"}}
    with pytest.raises(RenderingError):
        render("svg", elsewhere)


def test_images_are_rendered_one_at_a_time():
    made = []
    call = partial(renderer.call, vl_convert.vegalite_to_png, json.dumps(SPEC))
    threads = [Thread(target=lambda: made.append(call())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 4 and len({*made}) == 1


def test_a_renderer_has_no_secrets_in_its_environment():
    assert renderer.call(os.getenv, "SECRET_KEY") is renderer.call(os.getenv, "DATABASE_URL") is None
    assert renderer.call(os.getenv, "PATH") == os.environ["PATH"]


@pytest.mark.parametrize("end", [signal.SIGKILL, None], ids=["killed", "ended"])
def test_a_renderer_ends_with_its_parent_process(child_environment, end):
    program = (
        "import os; from explore.charts.render_client import render, renderer; "
        f"render('svg', {SPEC!r}); print(renderer.call(os.getpid), flush=True); input()"
    )
    command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", program]
    with subprocess.Popen(
        command, env=child_environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        worker = int(process.stdout.readline())
        assert is_running(worker)
        if end:
            process.send_signal(end)
        process.stdin.write(b"\n")
        process.stdin.close()
        process.wait(30)
    until = time.monotonic() + 30
    while is_running(worker):
        assert time.monotonic() < until
        time.sleep(0.05)


def is_running(process: int) -> bool:
    """Return whether a process exists and is not a zombie."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_notebook_shows_a_picture(people):
    picture = draw(Person, Person.objects.all(), Drawing("bar", x="county_of_birth"))
    shown = picture._repr_mimebundle_()
    assert size_of(shown["image/png"])[0] == 1600
    assert shown["text/plain"].startswith("People by county of birth. People. Grey: fewer than 5 people in the group.")
    with pytest.raises(ValueError, match="gif"):
        picture.image("gif")
