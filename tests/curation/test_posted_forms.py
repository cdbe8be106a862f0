"""Posted forms of the admin are valid, or refused with a message that names the field."""

import pytest

from experiments.models import Compound, User, UserExperiment
from imports.models import Edit, ImportRun
from people.models import Person, Place

pytestmark = pytest.mark.only_on("postgresql")

PLACES = "city,county,country\nKelso,Roxburghshire,Scotland\nDerry,Derry,Ulster\n"
LIST, BULK, PLACE = "/admin/people/person/", "/admin/people/person/bulk/", "/admin/people/place/"
ADD = f"{PLACE}add/"
AYR = {"city": "Ayr", "county": "Ayrshire", "country": "Scotland"}
FORM = "application/x-www-form-urlencoded"
NINES = "9" * 25
NO_KEYS = ["abc", "\x00", NINES, "03", "1_0", " 3", "٣", "", "1,2", "1.0", "+1"]
LIST_ACTIONS = ["export_as_csv", "export_as_json", "delete_selected", "change_field"]


@pytest.fixture
def people(db):
    kelso, _ = (Place.objects.create(city=city, county=city, country="Scotland") for city in ("Kelso", "Derry"))
    born = {"family_name": "Oak", "date_of_birth": "1901-02-03", "place_of_birth": kelso}
    return [Person.objects.create(given_name=name, **born) for name in ("Ann", "Ben")]


def stored():
    return [list(m.objects.order_by("pk").values()) for m in (Person, Place, User, UserExperiment, Edit, ImportRun)]


@pytest.fixture
def nothing_changes(people):
    before = stored()
    yield
    assert stored() == before


@pytest.mark.parametrize("name", ["", "nothing", "\x00", "place_of_birth", "pk", NINES])
def test_a_field_without_references_is_refused(admin_client, people, nothing_changes, name):
    for page in ("change", "delete"):
        address = f"{LIST}{people[0].pk}/{page}/"
        answers = [
            admin_client.get(address, {"_to_field": name}),
            admin_client.post(address, {"_to_field": name, "post": "yes"}),
            admin_client.post(f"{address}?_to_field={name if name.isalpha() else ''}", {"post": "yes"}),
        ]
        assert [answer.status_code for answer in answers] == [400] * 3
        assert all("_to_field" in answer.text for answer in answers)
    assert admin_client.get(ADD, {"_to_field": name}).status_code == 400


def test_a_referenced_field_is_accepted(admin_client, people):
    address = f"{PLACE}{people[0].place_of_birth_id}/change/"
    assert admin_client.get(address, {"_to_field": "id", "_popup": "1"}).status_code == 200


@pytest.mark.parametrize("key", NO_KEYS)
def test_an_action_on_an_invalid_key_is_refused_by_name(admin_client, people, nothing_changes, key):
    actions = [name for name, _ in admin_client.get(LIST).context["action_form"].fields["action"].choices if name]
    assert set(LIST_ACTIONS) <= set(actions)
    for action in actions:
        data = {"action": action, "_selected_action": [people[0].pk, key], "index": "0", "post": "yes"}
        answer = admin_client.post(LIST, data)
        assert answer.status_code == 400 and "_selected_action" in answer.text, action
    data = {"field": "given_name", "value": "Same", "_selected_action": [key], "_preview": "x"}
    assert admin_client.post(BULK, data).status_code == 400


@pytest.mark.parametrize("key", [*NO_KEYS[:3], "07"])
@pytest.mark.parametrize("address", ["imports/importrun", "census/respondent", "people/birthsbycountry"])
def test_every_list_refuses_invalid_keys(admin_client, db, address, key):
    answer = admin_client.post(f"/admin/{address}/", {"action": "export_as_csv", "_selected_action": key})
    assert answer.status_code < 500
    assert answer.status_code == 400 or address == "people/birthsbycountry"  # whose keys are names


@pytest.mark.parametrize("word", ["yes", "2", " "])
def test_only_one_value_selects_all_matching_records(admin_client, people, nothing_changes, word):
    data = {"action": "export_as_csv", "_selected_action": [people[0].pk], "select_across": word}
    answer = admin_client.post(LIST, data)
    assert answer.status_code == 400 and "select_across" in answer.text


@pytest.mark.parametrize("key", [NINES, "\x00", "abc", "03", " 3", "٣", "1_0"])
def test_an_invalid_key_in_a_reference_is_a_form_error(admin_client, people, nothing_changes, key):
    ann = {"given_name": "Ann", "family_name": "Ash", "date_of_birth": "1901-02-03", "place_of_birth": key}
    bulk = {"field": "place_of_birth", "value": key, "select_across": "1", "_preview": "x"}
    for address, data in ((f"{LIST}add/", ann), (f"{LIST}{people[0].pk}/change/", ann), (BULK, bulk)):
        answer = admin_client.post(address, data)
        assert answer.status_code == 200 and "errorlist" in answer.text


@pytest.mark.parametrize("key", [NINES, "abc", "03"])
def test_one_invalid_key_among_several_references_is_a_form_error(admin_client, key):
    User.objects.create(user_id=1, name="Ann", email="ann@example.org", signup_date="2023-01-01")
    form = {"experiment_id": "7", "user": "1", "compounds": [key], "experiment_run_time": "3"}
    for name in ("user", "compounds"):
        answer = admin_client.post("/admin/experiments/userexperiment/add/", form | {name: [key]})
        assert answer.status_code == 200 and "errorlist" in answer.text
    assert not UserExperiment.objects.exists()


@pytest.mark.parametrize("key", [NINES, "03", "\x00"])
def test_the_account_forms_refuse_invalid_keys_by_field(admin_client, admin_user, key):
    account = f"/admin/auth/user/{admin_user.pk}/change/"
    for address, name in (
        ("/admin/auth/group/add/", "permissions"),
        (account, "groups"),
        (account, "user_permissions"),
    ):
        answer = admin_client.post(address, {"name": "Readers", name: [key]})
        assert answer.status_code == 400 and f"{name}: Expected the key" in answer.text


@pytest.mark.parametrize("name", ["city", "county"])
@pytest.mark.parametrize("sent", ["Z%EBx", "Z\udcebx", "%ED%A0%80", "%C3", "%FF%FE"])
def test_a_form_that_is_not_utf8_is_refused_by_its_field(admin_client, people, nothing_changes, name, sent):
    body = f"country=Scotland&city=Ayr&county=Ayr&{name}=".replace(f"{name}=Ayr&", "") + sent
    answer = admin_client.post(ADD, body.encode(errors="surrogateescape"), content_type=FORM)
    assert answer.status_code == 400 and f"the field {name}" in answer.text and "UTF-8" in answer.text


def test_a_name_of_a_field_that_is_not_utf8_is_refused(admin_client, people, nothing_changes):
    answer = admin_client.post(ADD, b"city=Ayr&county=Ayr&country=Scotland&x%EB=1", content_type=FORM)
    assert answer.status_code == 400 and "UTF-8" in answer.text


def multipart(fields: dict[str, bytes], *more: bytes) -> bytes:
    head = b'--x\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
    return b"".join([*(head % (name.encode(), value) for name, value in fields.items()), *more, b"--x--\r\n"])


FILE = b'--x\r\nContent-Disposition: form-data; name="files"; filename="places.csv"\r\n\r\n' + PLACES.encode() + b"\r\n"


@pytest.mark.parametrize("value", [b"Z\xebx", b"\xc3", b"a" * 70_000 + b"\xeb" + b"a" * 70_000, b"\xed\xa0\x80"])
def test_a_text_of_a_multipart_form_that_is_not_utf8_is_refused(admin_client, people, nothing_changes, value):
    fields = {"county": b"Ayr", "country": b"Scotland", "city": value}
    answer = admin_client.post(ADD, multipart(fields), content_type="multipart/form-data; boundary=x")
    assert answer.status_code == 400 and "the field city" in answer.text


@pytest.mark.parametrize("name", ["known_as", "dataset", "mode", "encoding"])
@pytest.mark.parametrize("address", ["/api/imports/", "/admin/imports/importrun/import/"])
def test_a_text_of_an_upload_that_is_not_utf8_is_refused(admin_client, people, nothing_changes, address, name):
    fields = {"dataset": b"people", "mode": b"preview", "encoding": b"utf-8", name: b"pl\xebces.csv"}
    answer = admin_client.post(address, multipart(fields, FILE), content_type="multipart/form-data; boundary=x")
    assert answer.status_code == 400 and f"the field {name}" in answer.content.decode()


def test_a_form_in_another_charset_is_refused(admin_client, people, nothing_changes):
    fields = {name: value.encode() for name, value in AYR.items()}
    for kind in ("multipart/form-data; boundary=x; charset=iso-8859-1", f"{FORM}; charset=iso-8859-1"):
        assert admin_client.post(ADD, multipart(fields), content_type=kind).status_code == 400


def test_valid_utf8_is_stored_unchanged(admin_client, people):
    body = "city=Z%C3%ABx+y&county=Åyr&country=Scotland".encode()
    assert admin_client.post(ADD, body, content_type=FORM).status_code == 302
    city = "é" * 60
    fields = {"city": city.encode(), "county": "日本".encode(), "country": b"Scotland"}
    kind = "multipart/form-data; boundary=x"
    assert admin_client.post(ADD, multipart(fields), content_type=kind).status_code == 302
    assert Place.objects.filter(city="Zëx y", county="Åyr").exists()
    assert Place.objects.filter(city=city, county="日本").exists()


@pytest.mark.parametrize("name", [*AYR, "_save"])
def test_a_field_of_one_value_that_is_sent_twice_is_refused(admin_client, people, nothing_changes, name):
    place = f"{PLACE}{people[0].place_of_birth_id}/change/"
    for address in (ADD, place):
        answer = admin_client.post(address, AYR | {name: ["Aone", "Atwo"]})
        assert answer.status_code == 400 and f"{name}: Expected one value, found 2" in answer.text


@pytest.mark.parametrize("name", ["field", "value", "expected", "select_across", "confirmed"])
def test_a_bulk_edit_refuses_repeated_fields(admin_client, people, nothing_changes, name):
    data = {"field": "given_name", "value": "Same", "select_across": "1", "_preview": "x", "expected": "2"}
    value = data.get(name, "x")
    answer = admin_client.post(BULK, data | {name: [value, value]})
    assert answer.status_code == 400 and f"{name}: Expected one value" in answer.text


def test_the_upload_form_refuses_repeated_fields(admin_client, people, nothing_changes):
    twice = multipart({"dataset": b"people", "encoding": b"utf-8"}, multipart({"dataset": b"census"})[:-7], FILE)
    kind = "multipart/form-data; boundary=x"
    answer = admin_client.post("/admin/imports/importrun/import/", twice, content_type=kind)
    assert answer.status_code == 400 and "dataset: Expected one value" in answer.content.decode()


def test_multi_valued_fields_accept_several_values(admin_client):
    User.objects.create(user_id=1, name="Ann", email="ann@example.org", signup_date="2023-01-01")
    for number in (1, 2):
        Compound.objects.create(compound_id=number, compound_name=f"C{number}", compound_structure="C")
    form = {"experiment_id": "7", "user": "1", "compounds": ["1", "2"], "experiment_run_time": "3"}
    answer = admin_client.post("/admin/experiments/userexperiment/add/", form)
    assert answer.status_code == 302
    assert UserExperiment.objects.get().compounds.count() == 2
    data = {"field": "compounds", "value": ["1", "2"], "select_across": "1", "_preview": "x"}
    assert admin_client.post("/admin/experiments/userexperiment/bulk/", data).status_code == 200
