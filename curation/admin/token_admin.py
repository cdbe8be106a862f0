"""API tokens in the admin: create and revoke them. The secret is shown once, after the token is created."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.db.models import ForeignKey, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from curation.admin.base_admin import ListAdmin
from datasets.http.signed_in import signed_in_user
from datasets.tokens import ApiToken


class TokenForm(forms.ModelForm[ApiToken]):
    class Meta:
        model = ApiToken
        fields = ["account", "name", "may_read", "may_import", "expires"]


@admin.register(ApiToken)
class ApiTokenAdmin(ListAdmin[ApiToken]):
    form = TokenForm
    list_display = ["name", "account", "scope_names", "state", "created", "expires", "last_used"]
    list_select_related = ["account"]
    list_filter = ["may_read", "may_import"]
    search_fields = ["name", f"account__{get_user_model().USERNAME_FIELD}"]
    ordering = ["-pk"]
    actions = ["revoke"]

    @admin.display(description="scopes")
    def scope_names(self, token: ApiToken) -> str:
        return ", ".join(token.scopes)

    def get_fields(self, request: HttpRequest, obj: ApiToken | None = None) -> tuple[str, ...]:
        fields = tuple(TokenForm.Meta.fields)
        return (*fields, "created", "last_used", "revoked") if obj else fields

    def has_change_permission(self, request: HttpRequest, obj: ApiToken | None = None) -> bool:
        """Return False: a token's scopes never change."""
        return False

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("datasets.change_apitoken")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiToken]:
        """Return all tokens for a superuser, the user's own tokens for other users."""
        tokens, user = super().get_queryset(request), signed_in_user(request)
        return tokens if user.is_superuser else tokens.filter(account=user)

    def formfield_for_foreignkey(
        self, db_field: ForeignKey, request: HttpRequest, **kwargs: Any
    ) -> forms.ModelChoiceField | None:
        if db_field.name == "account":  # a token must not exceed its creator's permissions
            accounts, user = get_user_model().objects.filter(is_active=True), signed_in_user(request)
            kwargs["queryset"] = accounts if user.is_superuser else accounts.filter(pk=user.pk)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: ApiToken, form: Any, change: bool) -> None:  # noqa: FBT001 - as in Django
        obj.secret_once = obj.give_secret()
        super().save_model(request, obj, form, change)

    def response_add(self, request: HttpRequest, obj: ApiToken, post_url_continue: str | None = None) -> HttpResponse:
        """Show the secret on this page only: a message would be stored until it is read."""
        context = self.admin_site.each_context(request) | {
            "opts": self.opts,
            "title": f"Token {obj.name}",
            "token": obj,
            "secret": obj.secret_once,
            "scopes": self.scope_names(obj),
        }
        response = TemplateResponse(request, "curation/apitoken/made.html", context)
        response["Cache-Control"] = "no-store"
        return response

    @admin.action(description="Revoke the selected tokens", permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        tokens = list(queryset.filter(revoked=None))
        for token in tokens:
            token.revoke()
            self.log_change(request, token, "Revoked.")
        messages.success(
            request,
            f"Revoked: {', '.join(map(str, tokens))}." if tokens else "The selected tokens were already revoked.",
        )
