"""What a request for an import brings: a small JSON document, or a form with files, checked as the browser's is."""

import hashlib
import json
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

import orjson
from django.core.exceptions import SuspiciousOperation
from django.http import QueryDict
from django.http.multipartparser import MultiPartParserError
from django.utils.datastructures import MultiValueDict
from rest_framework import parsers
from rest_framework.exceptions import ParseError, UnsupportedMediaType

from datasets.api.parameters import Refused
from datasets.models import ImportRun
from datasets.sources import dataset_apps
from datasets.uploads import ENCODINGS, OPTIONS, ImportForm, TooLarge, receive

MOST_JSON = 2**16  # bytes
MODES = ("apply", "rehearse")
FLAGS = ("strict", "remove_missing", "remove_most")
KNOWN = ("dataset", "mode", *OPTIONS[1:])
MEANINGS = {"true": True, "on": True, "1": True, "false": False, "off": False, "0": False}


class TooMuch(Refused):
    """More than may be sent."""

    status_code = 413


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
    mode = sent.pop("mode", MODES[0])
    if mode not in MODES:
        errors["mode"] = [f"Expected one of {', '.join(MODES)}; found {_shown(mode)}."]
    errors |= _wrong_types(sent)
    if not errors:
        form = ImportForm({"encoding": ENCODINGS[0], "samples": not files} | sent, files)
        if form.is_valid():
            return form.new_run(request.user), mode
        errors = _told(form, sent)
    raise Refused(errors)


def read_confirmation(request) -> bool:
    """Return whether an apply confirms that most of a table is deleted; raises as :func:`read_order`."""
    kind = _kind(request)
    if kind in (parsers.FormParser.media_type, parsers.MultiPartParser.media_type):
        sent, files = _form(request)
        sent |= dict.fromkeys(files, "")  # none is expected
    elif kind == parsers.JSONParser.media_type or not kind:
        sent = _document(request)
    else:
        raise UnsupportedMediaType(kind, f"Expected application/json; found {kind[:100]}.")
    errors = _unknown(sent, ["remove_most"])
    if not errors and not isinstance(sent.get("remove_most", False), bool):
        errors["remove_most"] = [f"Expected true or false, found {_shown(sent['remove_most'])}."]
    if errors:
        raise Refused(errors)
    return sent.get("remove_most", False)


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
    text = request._request.read(MOST_JSON + 1)
    if len(text) > MOST_JSON:
        raise TooMuch({"": [f"Expected a JSON document of at most {MOST_JSON:,} bytes. Send files as a form."]})
    try:
        sent = orjson.loads(text or b"{}")
    except orjson.JSONDecodeError as error:
        raise ParseError(
            f'The body is no JSON: {error.msg}, line {error.lineno}. Expected, for example, {{"dataset": "…"}}.'
        ) from None
    if not isinstance(sent, dict):
        raise ParseError('Expected a JSON object, such as {"dataset": "…"}.')
    return sent


def _form(request) -> tuple[dict[str, Any], MultiValueDict]:
    plain = request._request
    try:
        receive(plain)
    except TooLarge as error:
        raise TooMuch({"files": [str(error)]}) from None
    except (MultiPartParserError, SuspiciousOperation) as error:
        raise ParseError(f"The form cannot be read: {error}") from None
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
            near = [f" The nearest known one is {one}." for one in get_close_matches(name, known, n=1)]
            errors[name] = ["".join(["Unknown parameter.", *near, f" Known ones: {', '.join(known)}."])]
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


def _told(form: ImportForm, sent: dict[str, Any]) -> dict[str, list[str]]:
    """Return the form's errors by parameter."""
    errors = {name: [str(message) for message in messages] for name, messages in form.errors.items()}
    if errors.pop("samples", None):
        errors["files"] = [f"The site has no folder of files of {sent['dataset']}: send files, as a form."]
    return errors


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 100 else f"{text[:100]}…"
