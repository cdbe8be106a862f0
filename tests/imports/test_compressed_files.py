"""Compressed files and zip archives: read as streams, within bounds, through every door."""

import bz2
import gzip
import io
import json
import lzma
import struct
import zipfile

import pyarrow as pa
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from imports.engine.run import import_files
from imports.input_files import candidates
from imports.models import ImportRun, SourceFile
from imports.readers.opened_files import OpenedFile
from imports.source_files import Upload
from tests.import_helpers import SAMPLES

PLACES = b"city,county,country\nKelso,Roxburghshire,Scotland\nPerth,Perthshire,Scotland\nDerry,Derry,Ireland,x\n"
PEOPLE = b"given_name,family_name,date_of_birth,place_of_birth\nAnn,Mac,1901-02-03,Kelso\n"
COUNTS = {"places": {"read": 3, "created": 2, "rejected": 1}}


def zstd(content: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    return sink.getvalue().to_pybytes()


def zipped(method=zipfile.ZIP_DEFLATED, **members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/").replace("_csv", ".csv"), content)
    return file.getvalue()


PACKERS = {
    "places.csv.gz": gzip.compress,
    "places.csv.bz2": bz2.compress,
    "places.csv.xz": lzma.compress,
    "places.csv.zst": zstd,
    "places.zip": lambda content: zipped(places_csv=content),
    "bzip2.zip": lambda content: zipped(zipfile.ZIP_BZIP2, places_csv=content),
    "stored.zip": lambda content: zipped(zipfile.ZIP_STORED, places_csv=content),
}


@pytest.mark.parametrize("name", PACKERS)
def test_a_compressed_file_is_imported_like_the_file_in_it(name, write, importing, whole):
    report = importing("people", write(name, PACKERS[name](PLACES)))
    assert report.counts == COUNTS and report.rejected == [("places.csv", 4, None)]
    before = whole("places")
    assert importing("people", write("places.csv", PLACES)).counts["places"]["unchanged"] == 2
    assert whole("places") == before


@pytest.mark.parametrize("name", PACKERS)
def test_a_truncated_or_damaged_file_is_refused_with_its_position(name, write, refused, rows):
    lines = b"".join(b"Town %d,County %d,Country %d\n" % (i, i * 7919 % 1000, i * i % 977) for i in range(60_000))
    content = PACKERS[name](b"city,county,country\n" + lines)
    middle = len(content) // 2
    sentences = [
        refused("people", write(name, content[: -len(content) // 3])),
        refused("people", write(name, content[:middle] + b"\xa5" * 60 + content[middle + 60 :])),
    ]
    for sentence in sentences:
        assert "places.csv" in sentence or name in sentence
        assert "opy " in sentence and ("ends too early" in sentence or "damaged" in sentence), sentence
    assert rows("SELECT * FROM places") == []


@pytest.mark.only_on("sqlite")
@pytest.mark.parametrize("name", PACKERS)
def test_every_byte_of_a_large_file_is_read(name, write):
    content = b"".join(b"Town %d,County %d\n" % (i, i * 7919 % 1000) for i in range(60_000))
    (candidate,) = candidates(path := write(name, PACKERS[name](content)), path)
    for size in (1000, 1 << 18, 1 << 22):
        opened = OpenedFile(candidate.path)
        assert b"".join(iter(lambda size=size, opened=opened: opened.read(size), b"")) == content
        opened.close()


def test_several_streams_in_one_file_are_read_one_after_the_other(write, importing):
    parts = PLACES[:30], PLACES[30:]
    for name, packer in [("places.csv.gz", gzip.compress), ("places.csv.xz", lzma.compress), ("places.csv.zst", zstd)]:
        content = b"".join(map(packer, parts)) + (bytes(8) if name.endswith("gz") else b"")
        assert importing("people", write(name, content), "--dry-run").counts == COUNTS


@pytest.mark.only_on("sqlite")
@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("places.csv.gz", gzip.compress(gzip.compress(PLACES)), "contains gzip data"),
        ("places.csv.gz", gzip.compress(zipped(places_csv=PLACES)), "contains a zip archive"),
        ("places.csv.gz", gzip.compress(bytes(257) + b"ustar\x0000" + bytes(300)), "contains a tar archive"),
        ("places.zip", zipped(places_csv=gzip.compress(PLACES)), "contains gzip data"),
        ("places.zip", zipped(), "contains no file"),
        ("places.csv", zipped(**{"[Content_Types].xml": b"x"}), "looks like a zip archive or an Excel workbook"),
        ("places.zip", zipped(**{"notes.txt": b"some\nnotes\n"}), "places.zip/notes.txt was skipped"),
        ("places.zip", zipped(places_csv=PLACES, a__places_csv=PLACES)[:-30], "damaged or not complete"),
        ("places.zip", zipped(**{f"f{i}_csv": b"a" for i in range(1001)}), "has 1,001 files; expected at most 1,000"),
    ],
)
def test_an_archive_that_cannot_be_read_is_refused(name, content, sentence, write, refused):
    assert sentence in refused("people", write(name, content))


@pytest.mark.only_on("sqlite")
def test_an_encrypted_member_is_refused(write, refused):
    content = zipped(places_csv=PLACES)
    for signature, offset in [(b"PK\x03\x04", 6), (b"PK\x01\x02", 8)]:
        at = content.index(signature) + offset
        content = content[:at] + b"\1" + content[at + 1 :]
    assert "places.csv: the file is protected by a password" in refused("people", write("places.zip", content))


def test_bombs_are_refused_before_their_data_is_unpacked(write, refused, settings, rows):
    settings.UNPACKED_LIMIT = 1_000_000
    bomb = b"city,county,country\n" + b"Kelso,a,b\n" * 200_000
    for name, packer in PACKERS.items():
        assert "1,000,000 bytes, the limit" in refused("people", write(name, packer(bomb)))
    claimed = zipped(places_csv=PLACES)
    at = claimed.index(b"PK\x01\x02") + 24
    claimed = claimed[:at] + struct.pack("<I", 2**31) + claimed[at + 4 :]
    settings.UNPACKED_LIMIT = 2**40
    assert "more than 200 times as large" in refused("people", write("places.zip", claimed))
    assert rows("SELECT * FROM places") == []


def test_the_files_of_an_archive_are_one_import_with_its_bytes(write, importing):
    content = zipped(a__places_csv=PLACES, **{"people.csv": PEOPLE, "README.txt": b"x", "__MACOSX/._places.csv": b"x"})
    report = importing("people", write("data.zip", content))
    assert report.counts == {**COUNTS, "people": {"read": 1, "created": 1}}
    assert any("README.txt was skipped because it matches no source" in note for note in report["notes"])
    files = SourceFile.objects.order_by("pk")
    assert [(file.name, file.part) for file in files] == [("places.csv", "a/places.csv"), ("people.csv", "people.csv")]
    assert len({file.sha256 for file in files}) == 1


def test_an_uploaded_archive_is_read_by_the_worker_and_its_lines_are_shown(admin_client, transactional_db):
    content = zipped(places_csv=PLACES, README_csv=b"no\ntable\n")
    upload = SimpleUploadedFile("data.zip", content)
    answer = admin_client.post(
        "/admin/imports/importrun/import/", {"dataset": "people", "files": upload, "encoding": "utf-8"}
    )
    assert answer.status_code == 302, answer.content
    run = ImportRun.objects.get()
    outcome = import_files("people", uploads=[Upload(each["name"], each["sha256"]) for each in run.uploads])
    assert any("README.csv was skipped" in note for note in outcome.run.notes)
    file = SourceFile.objects.get()
    page = admin_client.get(f"/admin/imports/sourcefile/{file.pk}/line/4/").text
    assert "Derry,Derry,Ireland,x" in page and "Perth,Perthshire,Scotland" in page
    download = admin_client.get(f"/admin/imports/sourcefile/{file.pk}/download/")
    assert b"".join(download.streaming_content) == content
    assert "places.csv.zip" in download["Content-Disposition"]


def test_documents_in_folders_of_an_archive_are_named_by_their_folder(admin_client, transactional_db, settings):
    folder = next(path for path in (SAMPLES / "subjects").rglob("subject.json"))
    content = zipped(**{f"{folder.parent.name}/subject.json": folder.read_bytes()})
    form = {"dataset": "subjects", "files": SimpleUploadedFile("data.zip", content), "encoding": "utf-8"}
    assert admin_client.post("/admin/imports/importrun/import/", form).status_code == 302
    settings.UPLOAD_LIMIT = 10
    (upload,) = ImportRun.objects.get().uploads
    outcome = import_files("subjects", uploads=[Upload(upload["name"], upload["sha256"])])
    assert "the limit for documents" in json.dumps(
        [row.problems for row in outcome.run.files.first().rejected_rows.all()]
    )
