"""Parse and validate the bodies and parameters of import requests."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import orjson
from django.db import models
from rest_framework import parsers, serializers
from rest_framework.exceptions import ParseError, UnsupportedMediaType
from rest_framework.request import Request
from rest_framework.serializers import ValidationError

from api.strict_serializers import Choice, Files, Flag, Parameters, StrictSerializer, Text, WholeNumber
from datasets.http.request_bodies import Body, BodyError
from datasets.http.signed_in import signed_in_user
from datasets.records.query_params import LARGEST_PAGE, PAGE_SIZE, InvalidParametersError
from datasets.registry import dataset_apps
from datasets.text import clean
from imports.models import LONGEST_REASON, ImportRun
from imports.resolved_rows import RowState
from imports.upload_handlers import receive
from imports.uploads import ENCODINGS, OPTIONS, ImportForm

MOST_JSON = 2**18  # bytes: a thousand choices about pairs
MODES = ("apply", "preview")
CONFIGURED = "configured"  # the only valid value of ``sources``: the site's own files
FLAGS = ("strict", "delete_missing", "delete_most", "allow_missing_columns", "blockers_first")
MEANINGS = {"true": True, "on": True, "1": True, "false": False, "off": False, "0": False}
JSON, FORM, MULTIPART = (kind.media_type for kind in (parsers.JSONParser, parsers.FormParser, parsers.MultiPartParser))
TOO_MUCH = f"Expected a JSON document of at most {MOST_JSON:,} bytes. Send files as a form."


class NotReceivedError(InvalidParametersError):
    """The server did not accept the request body, because it was too large, too slow or malformed."""

    def __init__(self, error: BodyError):
        super().__init__({"files" if error.status in (413, 507) else "": [str(error)]})
        self.status_code = error.status


class PageParameters(Parameters):
    """The parameters of a paginated list."""

    page_size = WholeNumber(min_value=1, max_value=LARGEST_PAGE, default=PAGE_SIZE, help_text="Entries per page.")
    cursor = serializers.CharField(required=False, help_text="The start of the page, from the links next and previous.")


class ImportsParameters(PageParameters):
    """The parameters of the list of imports."""

    dataset = Choice(list(dataset_apps()), required=False, help_text="Only imports of this dataset.")
    status = Choice(ImportRun.Status.values, required=False, help_text="Only imports with this status.")


class RejectionsParameters(PageParameters):
    """The parameters of the list of rejected rows."""

    file = serializers.CharField(
        required=False, help_text="Only rows of the file with this id; the import's sources list the ids."
    )
    state = Choice(RowState.values, required=False, help_text="Only rows that are currently in this state.")


class ImportRequestSerializer(StrictSerializer, serializers.ModelSerializer):
    """A request to import the site's own files."""

    serializer_field_mapping = {models.BooleanField: Flag, models.CharField: Text}

    dataset = Choice(list(dataset_apps()))
    sources = Choice(
        [CONFIGURED],
        required=False,
        help_text="Import the site's own files instead of uploads.",
        error_messages={"invalid_choice": f"Expected {CONFIGURED} (the site's own files), found {{input}}."},
    )
    mode = Choice(MODES, required=False, help_text="Required with uploads; otherwise the default is apply.")
    pairing = Choice(
        ImportRun.Pairing.values,
        required=False,
        help_text="Whether edited rows of files without a key are paired with their records: auto pairs them if at "
        "least half of the file still matches. The default is auto.",
    )
    encoding = Choice(ENCODINGS, default=ENCODINGS[0], help_text="The files' text encoding.")

    class Meta:
        model = ImportRun
        fields: tuple[str, ...] = ("dataset", "sources", "mode", *OPTIONS[1:])
        validators = ()  # the model's constraints on running imports do not apply


class ImportUploadSerializer(ImportRequestSerializer):
    """A request to import the site's own files, or the files sent with it."""

    files = Files(required=False, help_text="The uploads; mode is then required. Cannot be combined with sources.")

    class Meta(ImportRequestSerializer.Meta):
        fields = (*ImportRequestSerializer.Meta.fields, "files")

    def validate(self, sent: dict[str, Any]) -> dict[str, Any]:
        """Require either files or sources, because the site's own files are not the default."""
        if "sources" in sent and "files" in sent:
            raise ValidationError({"sources": ["Expected either uploaded files or sources, found both."]})
        if not ("sources" in sent or "files" in sent):
            message = f"Send files in a form, or sources={CONFIGURED} to import the site's own files."
            raise ValidationError({"files": [message]})
        if "files" in sent and "mode" not in sent:
            raise ValidationError({"mode": [f"Expected one of {', '.join(MODES)} with uploaded files, found none."]})
        return sent


class Reason(Text):
    """An optional reason."""

    def __init__(self, **options: Any):
        super().__init__(required=False, allow_blank=True, max_length=LONGEST_REASON, **options)

    def to_internal_value(self, data: Any) -> str:
        return clean(super().to_internal_value(data))


class ApplyRequestSerializer(StrictSerializer):
    """A request to apply a previewed import."""

    reason = Reason(help_text="Why the files are imported; replaces the reason of the preview.")
    delete_most = Flag(required=False, help_text="Allow deleting more than half of a table.")
    pairing = Choice(
        [ImportRun.Pairing.ON.value],
        required=False,
        help_text="Pair edited rows with their records even if less than half of a file still matches.",
    )


def read_import_request(request: Request) -> tuple[ImportRun, str]:
    """Return a new, unsaved run and its mode. Raises InvalidParametersError, ParseError and UnsupportedMediaType."""
    plain = request._request
    plain.user = request.user
    sent = ImportUploadSerializer(data=_body(request, (JSON, MULTIPART), receive)).read()
    form = ImportForm(sent | {"configured": "sources" in sent}, plain.FILES if "files" in sent else None)
    if not form.is_valid():
        errors = {name: [str(message) for message in messages] for name, messages in form.errors.items()}
        if errors.pop("configured", None):
            errors["files"] = [f"The site has no files of its own for {sent['dataset']}. Send files in a form."]
        raise InvalidParametersError(errors)
    return form.new_run(signed_in_user(request)), sent.get("mode", MODES[0])


def read_confirmation(request: Request, serializer: type[StrictSerializer] = StrictSerializer) -> dict[str, Any]:
    """Return the fields of a request to apply, cancel, undo or redo a run.

    Raises the same errors as :func:`read_import_request`.
    """
    sent = _body(request, (JSON, MULTIPART, FORM)) if request._request.body else {}
    return serializer(data=sent).read()


def digest_of(run: ImportRun, mode: str) -> str:
    """Return a digest of the request's content, which identifies a repeated request."""
    content = {name: getattr(run, name) for name in OPTIONS} | {"mode": mode, "uploads": run.uploads}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def idempotency_key(request: Request) -> str:
    """Return the request's Idempotency-Key, or an empty string. Raises InvalidParametersError for an invalid key."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return ""
    if not (key.isascii() and key.isprintable() and 0 < len(key.strip()) and len(key) <= 255):
        raise InvalidParametersError({"Idempotency-Key": ["Expected 1 to 255 visible characters, such as a UUID."]})
    return key.strip()


def _body(request: Request, kinds: Sequence[str], receive: Callable | None = None) -> dict[str, Any]:
    """Return the fields of a JSON document or a form. *receive* reads a form with files."""
    kind, plain = (request.content_type or JSON).partition(";")[0].strip().lower(), request._request
    if kind not in kinds:
        raise UnsupportedMediaType(kind, f"Expected {', or '.join(kinds)}; found {kind[:100]}.")
    try:
        if kind == JSON:
            return _document(Body(plain).read_all(MOST_JSON, TOO_MUCH) or b"{}")
        if receive:
            receive(plain)
    except BodyError as error:
        raise NotReceivedError(error) from None
    form = plain.POST
    _expect_once(name for name, values in form.lists() for _ in values if name != "files")
    texts = {name: MEANINGS.get(text.lower(), text) if name in FLAGS else text for name, [*_, text] in form.lists()}
    texts.pop("csrfmiddlewaretoken", None)
    return {name: plain.FILES.getlist(name) for name in plain.FILES} | texts  # a text field cannot replace a file


def _document(text: bytes) -> dict[str, Any]:
    names: list[str] = []
    try:
        sent = orjson.loads(text)
        json.loads(text, object_pairs_hook=lambda pairs: names.extend(name for name, _ in pairs))
    except json.JSONDecodeError as error:
        problem = f"The body is not valid JSON: {error.msg}, line {error.lineno}."
        raise ParseError(f'{problem} Expected, for example, {{"dataset": "…"}}.') from None
    if not isinstance(sent, dict):
        raise ParseError('Expected a JSON object, such as {"dataset": "…"}.')
    _expect_once(name for name in names if name in sent)
    return sent


def _expect_once(names: Iterable[str]) -> None:
    if repeated := [name for name, times in Counter(names).items() if times > 1]:
        raise InvalidParametersError({name: ["Send this field only once."] for name in repeated})
