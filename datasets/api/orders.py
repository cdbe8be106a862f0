"""What a request for an import brings: a small JSON document, or a form with files, checked as the browser's is."""

import hashlib
import json
from collections.abc import Iterable
from typing import Any

import orjson
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict
from rest_framework import parsers
from rest_framework.exceptions import ParseError, UnsupportedMediaType

from datasets.api.parameters import Refused
from datasets.bodies import Body, BodyError
from datasets.models import ImportRun
from datasets.receiving import receive
from datasets.sources import dataset_apps
from datasets.suggestions import suggest
from datasets.uploads import ENCODINGS, OPTIONS, ImportForm

MOST_JSON = 2**16  # bytes
MODES = ("apply", "rehearse")
CONFIGURED = "configured"  # what the parameter sources says for the site's own files
FLAGS = ("strict", "remove_missing", "remove_most", "allow_missing_columns")
KNOWN = ("dataset", "sources", "mode", *OPTIONS[1:])
MEANINGS = {"true": True, "on": True, "1": True, "false": False, "off": False, "0": False}


class NotReceivedError(Refused):
    """A body that was not taken in."""

    def __init__(self, error: BodyError):
        super().__init__({"files" if error.status in (413, 507) else "": [str(error)]})
        self.status_code = error.status


def read_order(request) -> tuple[ImportRun, str]:
    """Return what is asked for as a new run, and its mode; raises Refused, ParseError and UnsupportedMediaType."""
    kind = _kind(request)
    if kind == parsers.MultiPartParser.media_type:
        sent, files = _form(request)
    elif kind == parsers.JSONParser.media_type or not kind:
        sent, files = _document(request), MultiValueDict()
    else:
        raise UnsupportedMediaType(
            kind, f"Expected application/json, or multipart/form-data with files; found {kind[:100]}."
        )
    errors = _unknown(sent, KNOWN) | {
        name: ["Expected the files as the field files."] for name in files if name != "files"
    }
    if "files" in sent:
        errors["files"] = ["Expected files, sent by a form, found a text. With curl, say files=@NAME: the @ matters."]
    is_told = "mode" in sent
    mode = sent.pop("mode", MODES[0])
    if not is_told and kind == parsers.MultiPartParser.media_type and "sources" not in sent:
        errors["mode"] = [f"Expected one of {', '.join(MODES)}, for files are sent; found none."]
    elif mode not in MODES:
        errors["mode"] = [f"Expected one of {', '.join(MODES)}; found {_shown(mode)}."]
    errors |= _wrong_types(sent) | _wrong_sources(sent, files, errors)
    if not errors:
        form = ImportForm({"encoding": ENCODINGS[0], "samples": "sources" in sent} | sent, files)
        if form.is_valid():
            return form.new_run(request.user), mode
        errors = _told(form, sent)
    raise Refused(errors)


def read_confirmation(request, known: Iterable[str] = ()) -> dict[str, bool]:
    """Return what a request says about a run, of the names that are *known*; raises as :func:`read_order`.

    Whatever else it says is refused: who sends it expects something that would not be done.
    """
    kind = _kind(request)
    if not request._request.body:
        sent = {}
    elif kind in (parsers.FormParser.media_type, parsers.MultiPartParser.media_type):
        plain = request._request
        sent = _fields(plain.POST) | dict.fromkeys(plain.FILES, "")  # no file is expected
        sent.pop("csrfmiddlewaretoken", None)
    elif kind == parsers.JSONParser.media_type or not kind:
        sent = _document(request)
    else:
        raise UnsupportedMediaType(kind, f"Expected application/json; found {kind[:100]}.")
    errors = _unknown(sent, known)
    for name in sent.keys() - errors.keys():
        if not isinstance(sent[name], bool):
            errors[name] = [f"Expected true or false, found {_shown(sent[name])}."]
    if errors:
        raise Refused(errors)
    return sent


def digest_of(run: ImportRun, mode: str) -> str:
    """Return what tells one order from another: everything that it asks for."""
    asked = {name: getattr(run, name) for name in OPTIONS} | {"mode": mode, "uploads": run.uploads}
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def key_of(request) -> str:
    """Return the request's Idempotency-Key, or nothing; raises Refused."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return ""
    if not (key.isascii() and key.isprintable() and 0 < len(key.strip()) and len(key) <= 255):
        raise Refused({"Idempotency-Key": ["Expected 1 to 255 visible characters, such as a UUID."]})
    return key.strip()


def _kind(request) -> str:
    return (request.content_type or "").partition(";")[0].strip().lower()


def _document(request) -> dict[str, Any]:
    too_much = f"Expected a JSON document of at most {MOST_JSON:,} bytes. Send files as a form."
    try:
        text = Body(request._request).read_all(MOST_JSON, too_much)
    except BodyError as error:
        raise NotReceivedError(error) from None
    try:
        sent = orjson.loads(text or b"{}")
    except orjson.JSONDecodeError as error:
        raise ParseError(
            f'The body is no JSON: {error.msg}, line {error.lineno}. Expected, for example, {{"dataset": "…"}}.'
        ) from None
    if not isinstance(sent, dict):
        raise ParseError('Expected a JSON object, such as {"dataset": "…"}.')
    names: list[str] = []
    json.loads(text or "{}", object_pairs_hook=lambda pairs: names.extend(name for name, _ in pairs))
    if twice := {name for name in names if names.count(name) > 1 and name in sent}:
        raise Refused({name: ["Expected once."] for name in twice})
    return sent


def _form(request) -> tuple[dict[str, Any], MultiValueDict]:
    plain = request._request
    plain.user = request.user
    try:
        receive(plain)
    except BodyError as error:
        raise NotReceivedError(error) from None
    return _fields(plain.POST), plain.FILES


def _fields(form: QueryDict) -> dict[str, Any]:
    """Return a form's fields, yes and no as such; raises Refused for one that comes twice."""
    twice = [name for name, values in form.lists() if len(values) > 1 and name != "files"]
    if twice:
        raise Refused({name: ["Expected once."] for name in twice})
    return {name: MEANINGS.get(text.lower(), text) if name in FLAGS else text for name, text in form.items()}


def _unknown(names: Iterable[str], known: Iterable[str]) -> dict[str, list[str]]:
    """Return a message for each of *names* that is not known."""
    errors = {}
    for name in names:
        if name not in known:
            ones = f" Known ones: {', '.join(known)}." if known else " None is expected here."
            errors[name] = [f"Unknown parameter.{suggest(name, known)}{ones}"]
    return errors


def _wrong_types(sent: dict[str, Any]) -> dict[str, list[str]]:
    errors = {}
    for name, value in sent.items():
        if name in FLAGS and not isinstance(value, bool):
            errors[name] = [f"Expected true or false, found {_shown(value)}."]
        elif name in KNOWN and name not in FLAGS and not isinstance(value, str):
            errors[name] = [f"Expected a text, found {_shown(value)}."]
    allowed = {"dataset": list(dataset_apps()), "encoding": list(ENCODINGS)}
    for name, choices in allowed.items():
        if name in sent and name not in errors and sent[name] not in choices:
            errors[name] = [f"Expected one of {', '.join(choices)}; found {_shown(sent[name])}."]
    if "dataset" not in sent:
        errors["dataset"] = [f"Expected one of {', '.join(allowed['dataset'])}; found none."]
    return errors


def _wrong_sources(sent: dict[str, Any], files: MultiValueDict, errors: dict) -> dict[str, list[str]]:
    """Return what is wrong with where the files come from: what is left out never stands for the site's own."""
    sources = sent.get("sources")
    if "files" in errors or not (sources is None or isinstance(sources, str)):
        return {}
    if sources not in (None, CONFIGURED):
        return {"sources": [f"Expected {CONFIGURED}, for the site's own files; found {_shown(sources)}."]}
    if sources and files:
        return {"sources": ["Expected files, or sources for the site's own files; found both."]}
    if not sources and not files:
        return {
            "files": [f"Expected files, sent by a form, or sources={CONFIGURED} for the site's own files; found none."]
        }
    return {}


def _told(form: ImportForm, sent: dict[str, Any]) -> dict[str, list[str]]:
    """Return the form's errors by parameter."""
    errors = {name: [str(message) for message in messages] for name, messages in form.errors.items()}
    if errors.pop("samples", None):
        errors["files"] = [f"The site has no folder of files of {sent['dataset']}: send files, as a form."]
    return errors


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 100 else f"{text[:100]}…"
