"""HEAD returns the same status and headers as GET, without the body."""

from imports.models import ImportRun
from people.models import Place

OWN = {"X-Request-ID", "Expires"}  # of the moment


ADDRESSES = [
    "/",
    "/admin/",
    "/sign-in/",
    "/admin/people/place/",
    "/admin/people/place/{place}/change/",
    "/admin/people/place/{place}/delete/",
    "/admin/people/place/{place}/history/",
    "/admin/people/place/?p=0x1",
    "/admin/imports/importrun/import/",
    "/api/",
    "/api/people/places/",
    "/api/people/places/{place}/",
    "/api/people/places/0/",
    "/api/people/places/?nope=1",
    "/api/people/places/?city=%EB",
    "/api/people/places/?format=csv",
    "/api/people/places/?format=ndjson",
    "/api/people/places/summary/?by=country",
    "/api/people/places/summary/?by=country&format=csv",
    "/api/imports/",
    "/api/imports/{run}/apply/",
    "/api/nothing/",
    "/api/schema/",
    "/api/docs/",
    "/explore/",
    "/explore/people/places/",
    "/explore/people/places/?nothing=1",
    "/explore/people/places/chart.json",
    "/explore/people/places/chart.csv?kind=bar&x=country",
    "/explore/people/places/export/",
    "/explore/people/places/export/file",
    "/explore/people/places/export/file/",
    "/explore/nothing/",
    "/healthz",
    "/nothing",
]
STREAMED = [address for address in ADDRESSES if address.endswith(("?format=csv", "ndjson", "export/file"))]


def test_head_has_the_status_and_the_headers_of_get(bring, admin_client):
    bring("people", places="city,county,country\nKelso,Borders,Scotland\n")
    known = {"place": Place.objects.get().pk, "run": ImportRun.objects.get().pk}
    for address in (address.format(**known) for address in ADDRESSES):
        get, head = admin_client.get(address), admin_client.head(address)
        length = str(len(get.getvalue()))
        assert get.get("Content-Length") == (None if address in STREAMED else length), address
        expected = {name: value for name, value in get.headers.items() if name not in OWN}
        headers = {name: value for name, value in head.headers.items() if name not in OWN}
        assert (head.status_code, headers) == (get.status_code, expected), address
        assert not b"".join(head)


def test_head_without_a_login_is_as_get(db, client):
    for address in ("/admin/", "/sign-in/", "/explore/", "/api/imports/1/apply/", "/api/people/places/"):
        get, head = client.get(address), client.head(address)
        assert (head.status_code, head.get("Content-Length")) == (get.status_code, get.get("Content-Length")), address
