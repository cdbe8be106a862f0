"""Comments on records and runs: their section on a page, the form that adds one, and the list of all."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import quote
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode

from curation.admin.base_admin import Column, ReadOnlyAdmin
from curation.admin.typed_texts import contains, text_column
from curation.history.record_counts import model_of
from curation.models import LONGEST_COMMENT, Comment
from datasets.http.signed_in import signed_in_user
from datasets.permissions import may
from datasets.records.search import words_of
from datasets.registry import dataset_apps
from datasets.text_fields import TextField

ADD = "curation.add_comment"
SHOWN = 20  # comments on a page


class CommentField(TextField):
    """A text of several lines."""

    def __init__(self) -> None:
        super().__init__(max_length=LONGEST_COMMENT, widget=forms.Textarea(attrs={"rows": 3}))

    def to_python(self, value: Any) -> str | None:
        return super().to_python(value.replace("\r\n", "\n") if isinstance(value, str) else value)


class CommentForm(forms.Form):
    """A new comment."""

    text = CommentField()


def comments_section(subject: dict[str, Any], address: str, *, may_add: bool) -> dict[str, Any]:
    """Return the context of the comments on *subject*; *address* receives a new one if the user *may_add* it."""
    comments = list(Comment.objects.filter(**subject).select_related("user")[: SHOWN + 1])
    return {
        "comments": comments[:SHOWN],
        "all_comments": urlencode(subject) if len(comments) > SHOWN else "",
        "comment_form": CommentForm(auto_id="comment-%s") if may_add else None,
        "comment_address": address,
    }


def add_comment(request: HttpRequest, dataset: str, subject: dict[str, Any]) -> None:
    """Store the posted comment on *subject*, or show why it is not valid."""
    try:
        text = CommentField().clean(request.POST.get("text", ""))
    except ValidationError as error:
        messages.error(request, f"The comment was not added: {' '.join(error.messages)}")
        return
    Comment.objects.create(dataset=dataset, user=signed_in_user(request), text=text, **subject)
    messages.success(request, "Comment added.")


@admin.register(Comment)
class CommentAdmin(ReadOnlyAdmin[Comment]):
    list_display = ["id", "subject", "text", "user", "at"]
    list_display_links = None
    list_filter = ["dataset", ("user", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["user"]
    search_fields = ["text"]
    date_hierarchy = "at"
    ordering = ["-pk"]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Comment]:
        """Return the comments on records and runs that the user may view."""
        known = [model for app in dataset_apps().values() for model in app.get_models()]
        seen = [model._meta.db_table for model in known if may(request.user, "view", model)]
        may_read = models.Q(table__in=seen)
        if request.user.has_perm("imports.view_importrun"):
            may_read |= models.Q(run__isnull=False)
        return super().get_queryset(request).filter(may_read)

    def get_list_display(self, request: HttpRequest) -> list[Column]:
        text = text_column("text", request.user)
        return [text if name == "text" else name for name in super().get_list_display(request)]

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet[Comment], search_term: str
    ) -> tuple[models.QuerySet[Comment], bool]:
        for word in words_of(search_term):
            queryset = queryset.filter(contains("text", word, request.user))
        return queryset, False

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Redirect to the page of the record or the run that the comment is on."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        comment = self.get_object(request, object_id)
        if comment is None:
            return super().change_view(request, object_id, form_url, extra_context)  # which says so
        return HttpResponseRedirect(_address(comment))

    @admin.display(description="on")
    def subject(self, comment: Comment) -> str:
        """Return a link to the record or the run."""
        kind = model_of(comment.table)._meta.verbose_name if comment.table else "run"
        return format_html('<a href="{}">{} {}</a>', _address(comment), kind, comment.record or comment.run_id)


def _address(comment: Comment) -> str:
    """Return the URL of the run, or of the history of the record."""
    if comment.run_id:
        return reverse("admin:imports_importrun_change", args=[comment.run_id])
    meta = model_of(comment.table)._meta
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_history", args=[quote(comment.record)])
