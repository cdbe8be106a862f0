"""The API's OpenAPI 3.1 schema, generated from the columns and filters of models."""

from typing import Any

from django.conf import settings
from django.db import models
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ComponentRegistry, ResolvedComponent
from rest_framework.renderers import BaseRenderer, BrowsableAPIRenderer

from api.etags import VersionedView
from api.openapi import components
from api.openapi.problems import CONFLICT, PROBLEM
from datasets.http.problem_details import CONTENT_TYPE
from datasets.matviews import AS_OF_HEADER
from datasets.models import MaterializedView
from datasets.records.masking import personal_names
from exports.formats import MASKED_HEADER

SECURITY: list[dict[str, list[str]]] = [{"token": []}, {"session": []}]
FILE = {"type": "string"}  # text or bytes
CACHED = {
    "ETag": "The version of this response; it changes when the data may have changed.",
    "Cache-Control": "Which caches may store the response. None may store personal data.",
    "Vary": "The request headers on which the response depends.",
}
MASKED = {MASKED_HEADER: "The columns whose values are masked for this user, separated by semicolons."}
AS_OF = {AS_OF_HEADER: "The time of the last change that a summary table includes, if the table is out of date."}
RETRY = {"Retry-After": {"description": "Seconds to wait before retrying.", "schema": {"type": "integer"}}}
OF_PROBLEMS = {
    "401": {"WWW-Authenticate": {"description": "The supported authentication scheme.", "schema": {"type": "string"}}},
    "429": RETRY,
    "503": RETRY,
}
PROBLEMS = {
    "400": "Invalid parameters or fields: errors lists each with the expected and the received value.",
    "401": "Missing or invalid credentials.",
    "403": "The account or token does not have the permission.",
    "404": "Not found.",
    "406": "None of the media types of the Accept header is available.",
    "409": "The request conflicts with the current state of the data or of a run; detail gives the reason.",
    "408": "The client sent the request body too slowly.",
    "411": "The request body has no Content-Length header.",
    "413": "Payload too large.",
    "507": "The server has too little disk space for the upload.",
    "414": "The query string is too long.",
    "415": "Unsupported media type of the request body.",
    "422": "Another request has already used this Idempotency-Key.",
    "429": "Too many requests; Retry-After gives the seconds to wait.",
    "500": "Internal server error; id is its reference in the site's log.",
    "503": "The site is busy; Retry-After gives the seconds to wait.",
}
TAGS = {"imports": "Start imports of files and follow them."}
OF_ALL = ("400", "401", "403", "406", "414", "429", "500", "503")


class ApiSchema(AutoSchema):
    """Describes records from their model and other views as drf-spectacular does, and adds the problem responses."""

    def get_operation(
        self, path: str, path_regex: str, path_prefix: str, method: str, registry: ComponentRegistry
    ) -> dict[str, Any] | None:
        self.registry = registry
        self.path, self.path_regex, self.path_prefix, self.method = path, path_regex, path_prefix, method.upper()
        if isinstance(self.view, VersionedView):
            return self._of_records(self.view.model, self.view.action)
        operation = super().get_operation(path, path_regex, path_prefix, method, registry)
        if operation is None:
            return None
        statuses = {*OF_ALL, *(status for status in operation["responses"] if status >= "400")}
        problems = {status: _problem(status) for status in statuses}
        operation["responses"] = dict(sorted((operation["responses"] | problems).items()))
        return operation

    def get_auth(self) -> list[dict[str, list]]:
        return SECURITY

    def _renderers(self) -> list[BaseRenderer]:
        """Return the view's renderers except that of the browsable API."""
        return [kind for kind in self.view.get_renderers() if not isinstance(kind, BrowsableAPIRenderer)]

    def _of_records(self, model: type[models.Model], action: str) -> dict[str, Any]:
        record = self._component(_name_of(model), components.record_schema(model))
        plural, singular = str(model._meta.verbose_name_plural), str(model._meta.verbose_name)
        renderers = self._renderers()
        match action:
            case "list":
                body = self._component(f"{_name_of(model)}Page", components.page_schema(record))
                title, parameters = f"List {plural}", components.list_parameters(model)
            case "summary":
                body = self._component("Summary", components.summary_schema())
                title, parameters = f"Summarise {plural} by group", components.summary_parameters(model)
            case _:
                body, title = record, f"Read one record of {plural} by its key"
                key = components.key_parameter(model, self.path.rpartition("{")[2].partition("}")[0])
                parameters = [key, *components.column_parameters(model)]
        sentences = [self.view.get_view_description() or f"Each record represents one {singular}."]
        if action == "summary" and not isinstance(model._meta.pk, models.IntegerField):
            sentences.append('To read a record whose key is "summary", filter the list by its key.')
        parameters.append(components.format_parameter(kind.format for kind in renderers))
        parameters.append({"$ref": "#/components/parameters/IfNoneMatch"})
        as_of = AS_OF if issubclass(model, MaterializedView) else {}
        headers = {name: {"$ref": f"#/components/headers/{name}"} for name in CACHED | as_of}
        masked = MASKED if action != "summary" and personal_names(model) else {}
        shown = headers | {name: {"$ref": f"#/components/headers/{name}"} for name in masked}
        content = {}
        for kind in renderers:
            media_type = kind.media_type.partition(";")[0]
            content[media_type] = {"schema": body if kind.format == "json" else FILE}
        responses = {
            "200": {"description": title, "headers": shown, "content": content},
            "304": {"description": "Not modified: the client's copy is current.", "headers": headers},
            **{status: _problem(status) for status in (*OF_ALL, *(["404"] if action == "retrieve" else []))},
        }
        return {
            "operationId": f"{model._meta.app_label}_{model._meta.db_table}_{action}",
            "summary": f"{title}.",
            "description": " ".join(sentences),
            "tags": [model._meta.app_label],
            "parameters": parameters,
            "security": [*SECURITY, *([{}] if settings.API_ANONYMOUS_READ else [])],
            "responses": dict(sorted(responses.items())),
        }

    def _component(self, name: str, schema: dict[str, Any]) -> dict[str, str]:
        component = ResolvedComponent(name=name, type=ResolvedComponent.SCHEMA, schema=schema, object=name)
        self.registry.register_on_missing(component)
        return component.ref


def _name_of(model: type[models.Model]) -> str:
    return f"{model._meta.app_label.capitalize()}{model.__name__}"


def _problem(status: str) -> dict[str, str]:
    return {"$ref": f"#/components/responses/Problem{status}"}


def add_parts(result: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    """Add the tags and the components to which the operations refer to the generated document."""

    def text(description: str) -> dict[str, Any]:
        return {"description": description, "schema": {"type": "string"}}

    operations = [operation for path in result["paths"].values() for operation in path.values()]
    tags = {tag for operation in operations for tag in operation.get("tags", ())}
    result["tags"] = [{"name": tag, "description": TAGS.get(tag, f"The dataset {tag}.")} for tag in sorted(tags)]
    parts = result["components"]
    parts.setdefault("schemas", {}).update(Problem=PROBLEM, Conflict=CONFLICT)
    parts["headers"] = {name: text(description) for name, description in (CACHED | MASKED | AS_OF).items()}
    parts["parameters"] = {
        "IfNoneMatch": {"name": "If-None-Match", "in": "header", **text("The ETag of the client's copy.")}
    }
    parts["responses"] = {
        f"Problem{status}": {
            "description": description,
            "headers": OF_PROBLEMS.get(status, {}),
            "content": {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status, description in PROBLEMS.items()
    }
    parts["securitySchemes"] = {
        "token": {
            "type": "http",
            "scheme": "bearer",
            "description": "An API token, created in the admin or with the command api_token.",
        },
        "session": {"type": "apiKey", "in": "cookie", "name": settings.SESSION_COOKIE_NAME},
    }
    return result
