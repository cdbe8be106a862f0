"""Import requests: parse and validate their bodies and parameters."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NoReturn

import orjson
from django.core.files.uploadedfile import UploadedFile
from django.db import models
from django.http import QueryDict
from drf_spectacular.utils import extend_schema_field
from rest_framework import parsers, serializers
from rest_framework.exceptions import ParseError, UnsupportedMediaType
from rest_framework.request import Request
from rest_framework.serializers import ValidationError, as_serializer_error, empty

from datasets.http.request_bodies import Body, BodyError
from datasets.http.signed_in import signed_in_user
from datasets.query_values import whole_number
from datasets.records.filters import MOST_SUGGESTIONS
from datasets.records.query_params import LARGEST_PAGE, PAGE_SIZE, InvalidParametersError
from datasets.registry import dataset_apps
from datasets.suggestions import suggest
from imports.models import ImportRun
from imports.upload_handlers import receive
from imports.uploads import ENCODINGS, OPTIONS, ImportForm

MOST_JSON = 2**16  # bytes
MODES = ("apply", "preview")
CONFIGURED = "configured"  # the only value of sources: the site's own files
FLAGS = ("strict", "delete_missing", "delete_most", "allow_missing_columns")
MEANINGS = {"true": True, "on": True, "1": True, "false": False, "off": False, "0": False}
JSON, FORM, MULTIPART = (kind.media_type for kind in (parsers.JSONParser, parsers.FormParser, parsers.MultiPartParser))
TOO_MUCH = f"Expected a JSON document of at most {MOST_JSON:,} bytes. Send files as a form."


class NotReceivedError(InvalidParametersError):
    """The server did not accept the request body: it was too large, too slow or malformed."""

    def __init__(self, error: BodyError):
        super().__init__({"files" if error.status in (413, 507) else "": [str(error)]})
        self.status_code = error.status


class Typed(serializers.Field):
    """Restricts a field to one JSON type: no coercion of strings or numbers."""

    json_type: type[str] | type[bool]
    expected: str

    def run_validation(self, data: Any = empty) -> Any:
        if data is not empty and not isinstance(data, self.json_type):
            raise ValidationError(f"Expected {self.expected}, found {_shown(data)}.")
        return super().run_validation(data)


class Text(Typed, serializers.CharField):
    json_type, expected = str, "a text"
    default_error_messages = {"max_length": "Expected at most {max_length} characters."}


class Flag(Typed, serializers.BooleanField):
    json_type, expected = bool, "true or false"


class Choice(Typed, serializers.ChoiceField):
    json_type, expected = str, "a text"
    default_error_messages = {
        "required": "Expected one of {known}; found none.",
        "invalid_choice": "Expected one of {known}; found {input}.",
    }

    def fail(self, key: str, **values: Any) -> NoReturn:
        super().fail(key, input=_shown(values.get("input", "")), known=", ".join(self.choices))


class WholeNumber(serializers.IntegerField):
    """A whole number in its canonical spelling."""

    min_value: int  # both are always given
    max_value: int

    def to_internal_value(self, data: float | str) -> int:
        try:
            return whole_number(str(data), self.min_value, self.max_value)
        except ValueError as error:
            raise ValidationError(str(error)) from None


@extend_schema_field({"type": "array", "items": {"type": "string", "format": "binary"}})
class Files(serializers.Field):
    """The uploaded files of a form."""

    def to_internal_value(self, data: Any) -> list[UploadedFile]:
        if not _are_files(data):
            raise ValidationError("Expected uploaded files, found a text. With curl, write files=@NAME, with the @.")
        return data


class StrictSerializer(serializers.Serializer):
    """Rejects unknown fields instead of ignoring them: a client that sends one expects an effect."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        unknown = [name for name in data if name not in self.fields]
        errors: dict[str, Sequence[str]] = {
            name: [self._unknown(name, data[name], index)] for index, name in enumerate(unknown)
        }
        try:
            values = super().to_internal_value(data)
        except ValidationError as error:
            errors |= as_serializer_error(error)
        if errors:
            raise ValidationError(errors)
        return values

    def read(self) -> dict[str, Any]:
        """Return the values; raises InvalidParametersError."""
        if not self.is_valid():
            raise InvalidParametersError(self.errors)
        return self.validated_data

    def _unknown(self, name: str, value: Any, index: int) -> str:
        if "files" in self.fields and _are_files(value):
            return "Send the files in the field files."
        known = [name for name in self.fields.keys() if name != "files"]
        names = f"Known parameters: {', '.join(known)}." if known else "This address takes no parameters."
        hint = suggest(name, known) if index < MOST_SUGGESTIONS else ""
        return f"Unknown parameter.{hint} {names}"


class Parameters(StrictSerializer):
    """Query parameters: each at most once, and none empty."""

    format = serializers.CharField(required=False)

    def to_internal_value(self, data: QueryDict) -> dict[str, Any]:
        for name, values in data.lists():
            if name in self.fields and len(values) > 1:
                raise ValidationError({name: [f"Expected once, found {len(values)} times."]})
            if name in self.fields and not values[0].strip():
                raise ValidationError({name: ["Expected a value, found none."]})
        return super().to_internal_value(data.dict())


class PageParameters(Parameters):
    """The parameters of a paginated list."""

    page_size = WholeNumber(min_value=1, max_value=LARGEST_PAGE, default=PAGE_SIZE, help_text="Entries per page.")
    cursor = serializers.CharField(required=False, help_text="The start of the page, taken from next or previous.")


class ImportsParameters(PageParameters):
    """The parameters of the list of imports."""

    dataset = Choice(list(dataset_apps()), required=False, help_text="Only imports of this dataset.")
    status = Choice(ImportRun.Status.values, required=False, help_text="Only imports with this status.")


class RejectionsParameters(PageParameters):
    """The parameters of the list of rejected rows."""

    file = serializers.CharField(
        required=False, help_text="Only rows of the file with this id; the import's sources list the ids."
    )


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
    encoding = Choice(ENCODINGS, default=ENCODINGS[0], help_text="The files' text encoding.")

    class Meta:
        model = ImportRun
        fields: tuple[str, ...] = ("dataset", "sources", "mode", *OPTIONS[1:])
        validators = ()  # not the model's constraints on running imports


class ImportUploadSerializer(ImportRequestSerializer):
    """A request to import the site's own files, or the files sent with it."""

    files = Files(required=False, help_text="The uploads; mode is then required. Cannot be combined with sources.")

    class Meta(ImportRequestSerializer.Meta):
        fields = (*ImportRequestSerializer.Meta.fields, "files")

    def validate(self, sent: dict[str, Any]) -> dict[str, Any]:
        """Require either files or sources: the site's own files are never the default."""
        if "sources" in sent and "files" in sent:
            raise InvalidParametersError({"sources": ["Expected either uploaded files or sources, found both."]})
        if not ("sources" in sent or "files" in sent):
            message = f"Send files in a form, or sources={CONFIGURED} to import the site's own files."
            raise InvalidParametersError({"files": [message]})
        if "files" in sent and "mode" not in sent:
            raise InvalidParametersError(
                {"mode": [f"Expected one of {', '.join(MODES)} with uploaded files, found none."]}
            )
        return sent


class ApplyRequestSerializer(StrictSerializer):
    """A request to apply a previewed import."""

    delete_most = Flag(required=False, help_text="Allow deleting more than half of a table.")


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


def read_confirmation(request: Request, serializer: type[StrictSerializer] = StrictSerializer) -> dict[str, bool]:
    """Return the flags of a request to apply, cancel or undo a run. Raises the errors of :func:`read_order`."""
    sent = _body(request, (JSON, MULTIPART, FORM)) if request._request.body else {}
    return serializer(data=sent).read()


def digest_of(run: ImportRun, mode: str) -> str:
    """Return a digest of the request's content, to recognise a repeated request by."""
    content = {name: getattr(run, name) for name in OPTIONS} | {"mode": mode, "uploads": run.uploads}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def idempotency_key(request: Request) -> str:
    """Return the request's Idempotency-Key, or an empty string. Raises InvalidParametersError for an invalid one."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return ""
    if not (key.isascii() and key.isprintable() and 0 < len(key.strip()) and len(key) <= 255):
        raise InvalidParametersError({"Idempotency-Key": ["Expected 1 to 255 visible characters, such as a UUID."]})
    return key.strip()


def _body(request: Request, kinds: Sequence[str], receive: Callable | None = None) -> dict[str, Any]:
    """Return the fields of a JSON document or a form; *receive* reads a form with files."""
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
    return {name: plain.FILES.getlist(name) for name in plain.FILES} | texts  # a text cannot replace a file


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


def _are_files(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, UploadedFile) for item in value)


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 100 else f"{text[:100]}…"
