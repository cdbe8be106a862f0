"""The search of the page of a run, in a preview and in the applied run."""

from people.models import Place
from tests.curation.run_pages import do, plain

PLACES = "city,county,country\nKelso,Roxburghshire,Scotland\nDerry,Derry,Ulster\n"


def test_records_are_found_by_key_value_and_changed_column(curator, previewed):
    do(curator, previewed(places=PLACES), "apply")
    keys = dict(Place.objects.values_list("city", "pk"))
    run = previewed(places=PLACES.replace("Derry,Derry", "Derry,Londonderry").replace("Scotland", "Alba"))
    derry, kelso = ([f"places {keys[city]} {city}"] for city in ("Derry", "Kelso"))
    for _ in "previewed", "applied":
        for asked, expected in {
            ("", ""): [*kelso, *derry],
            ("", "places.county"): derry,
            ("", "places.country"): kelso,
            ("", "places.city"): [],  # a key never changes
            ("lonDON", ""): derry,
            ("lonDON", "places.country"): [],
            (str(keys["Kelso"]), ""): kelso,
            (f"places {keys['Kelso']}", ""): kelso,
            (f"places {keys['Kelso']}", "places.county"): [],
            ("line 3", ""): derry,
        }.items():
            sent = {"tab": "changed", "q": asked[0], "column": asked[1]}
            answer = curator.get(f"/admin/imports/importrun/{run.pk}/change/", sent)
            found = [f"{e['source']} {e['record']} {e['same']}" for e in answer.context["entries"]]
            assert found == expected, asked
        run = do(curator, run, "apply") if run.status == "previewed" else run
    run = previewed(places=PLACES + "".join(f"City{n},A,B\n" for n in range(120)))
    sent = {"tab": "new", "q": "city1", "page": "1"}
    answer = curator.get(f"/admin/imports/importrun/{run.pk}/change/", sent)
    assert answer.context["page"].paginator.count == 31 and "31 records" in plain(answer)
    answer = curator.get(f"/admin/imports/importrun/{run.pk}/change/", {"tab": "new", "colum": "places.county"})
    assert answer.status_code == 400 and "colum: Unknown parameter. Did you mean column?" in answer.text
    answer = curator.get(f"/admin/imports/importrun/{run.pk}/change/", {"tab": "changed", "column": "places.city"})
    assert "No record has a visible change in the column “places.city”." in plain(answer)
    for name in ("q", "column"):
        answer = curator.get(f"/admin/imports/importrun/{run.pk}/change/", {name: 201 * "x"})
        assert answer.status_code == 400 and f"{name}: Expected at most 200 characters, found 201." in answer.text
