"""The description of the API (OpenAPI 3.1), made of the columns and filters that it describes."""

from typing import Any

from django.conf import settings
from django.db import models
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from rest_framework.renderers import BaseRenderer, BrowsableAPIRenderer

from api.openapi import components
from datasets.http.problem_details import CONTENT_TYPE
from datasets.records.personal_data import personal_names
from exports.formats import MASKED_HEADER

SECURITY = [{"token": []}, {"session": []}]
FILE = {"type": "string"}  # of bytes, maybe
CACHED = {
    "ETag": "Another one when what is shown may have changed.",
    "Cache-Control": "Who may keep the answer, and whether at all: nobody keeps personal data.",
    "Vary": "What the answer depends on beside its address.",
}
MASKED = {MASKED_HEADER: "The columns whose values are masked for who asks, with semicolons between."}
RETRY = {"Retry-After": {"description": "Seconds after which to try again.", "schema": {"type": "integer"}}}
OF_PROBLEMS = {
    "401": {"WWW-Authenticate": {"description": "How to say who one is.", "schema": {"type": "string"}}},
    "429": RETRY,
    "503": RETRY,
}
PROBLEMS = {
    "400": "A parameter or field is not understood: errors says which, what was expected and what was found.",
    "401": "Who asks has to say who they are, and has not, or not rightly.",
    "403": "Who asks may not do this.",
    "404": "There is nothing at this address.",
    "406": "There is no such format: what Accept names cannot be had.",
    "409": "It cannot be done as things stand; what stands in the way is told.",
    "408": "The body came too slowly.",
    "411": "The server reads no body without its length.",
    "413": "More is sent than may be.",
    "507": "There is no space for the upload.",
    "414": "The query string is longer than may be.",
    "415": "The body is of a type that is not read.",
    "422": "The Idempotency-Key came before, with another request.",
    "429": "Too many requests: Retry-After says when to go on.",
    "500": "A fault of the site, which its log has under id.",
    "503": "The site is busy: Retry-After says when to try again.",
}
TAGS = {"imports": "Imports of files, as programs ask for them."}
OF_ALL = ("400", "401", "403", "406", "414", "429", "500", "503")


class ApiSchema(AutoSchema):
    """Describes a view: a model's records from the model, any other as drf-spectacular does, with our problems."""

    def get_operation(self, path: str, path_regex: str, path_prefix: str, method: str, registry) -> dict | None:
        self.registry = registry
        self.path, self.path_regex, self.path_prefix, self.method = path, path_regex, path_prefix, method.upper()
        if model := getattr(self.view, "model", None):
            return self._of_records(model, self.view.action)
        operation = super().get_operation(path, path_regex, path_prefix, method, registry)
        wrong = {*OF_ALL, *(status for status in operation["responses"] if status >= "400")}
        operation["responses"] = dict(sorted((operation["responses"] | {one: _problem(one) for one in wrong}).items()))
        return operation

    def get_auth(self) -> list[dict[str, list]]:
        return SECURITY

    def _renderers(self) -> list[BaseRenderer]:
        """Return what writes the view's answers, without the pages for whoever works on the site."""
        return [kind for kind in self.view.get_renderers() if not isinstance(kind, BrowsableAPIRenderer)]

    def _of_records(self, model: type[models.Model], action: str) -> dict[str, Any]:
        record = self._component(_name_of(model), components.record_schema(model))
        several, one = str(model._meta.verbose_name_plural), str(model._meta.verbose_name)
        renderers = self._renderers()
        match action:
            case "list":
                body = self._component(f"{_name_of(model)}Page", components.page_schema(record))
                title, parameters = f"List {several}", components.list_parameters(model)
            case "summary":
                body = self._component("Summary", components.summary_schema())
                title, parameters = f"Count and measure {several} in groups", components.summary_parameters(model)
            case _:
                body, title = record, f"Read one of {several} by its key"
                key = components.key_parameter(model, self.path.rpartition("{")[2].partition("}")[0])
                parameters = [key, *components.column_parameters(model)]
        told = [self.view.get_view_description() or f"Each is a {one}."]
        if action == "summary" and not isinstance(model._meta.pk, models.IntegerField):
            told.append("A record whose key is summary is found in its list.")
        parameters.append(components.format_parameter(kind.format for kind in renderers))
        parameters.append({"$ref": "#/components/parameters/IfNoneMatch"})
        headers = {name: {"$ref": f"#/components/headers/{name}"} for name in CACHED}
        masked = MASKED if action != "summary" and personal_names(model) else {}
        shown = headers | {name: {"$ref": f"#/components/headers/{name}"} for name in masked}
        content = {}
        for kind in renderers:
            media_type = kind.media_type.partition(";")[0]
            content[media_type] = {"schema": body if kind.format == "json" else FILE}
        responses = {
            "200": {"description": title, "headers": shown, "content": content},
            "304": {"description": "The reader has it as it is.", "headers": headers},
            **{status: _problem(status) for status in (*OF_ALL, *(["404"] if action == "retrieve" else []))},
        }
        return {
            "operationId": f"{model._meta.app_label}_{model._meta.db_table}_{action}",
            "summary": f"{title}.",
            "description": " ".join(told),
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


def add_parts(result: dict[str, Any], **kwargs) -> dict[str, Any]:
    """Add to a finished description what many parts of it refer to."""

    def text(told: str) -> dict[str, Any]:
        return {"description": told, "schema": {"type": "string"}}

    tags = {tag for path in result["paths"].values() for one in path.values() for tag in one.get("tags", ())}
    result["tags"] = [{"name": tag, "description": TAGS.get(tag, f"The dataset {tag}.")} for tag in sorted(tags)]
    parts = result["components"]
    parts.setdefault("schemas", {})["Problem"] = components.PROBLEM
    parts["headers"] = {name: text(told) for name, told in (CACHED | MASKED).items()}
    parts["parameters"] = {
        "IfNoneMatch": {"name": "If-None-Match", "in": "header", **text("The ETag of what the reader has.")}
    }
    parts["responses"] = {
        f"Problem{status}": {
            "description": told,
            "headers": OF_PROBLEMS.get(status, {}),
            "content": {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status, told in PROBLEMS.items()
    }
    parts["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "description": "A token, as the admin or api_token makes it."},
        "session": {"type": "apiKey", "in": "cookie", "name": settings.SESSION_COOKIE_NAME},
    }
    return result
