"""Users and groups in the admin, as lists like all others."""

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User

from curation.admin.base_admin import ListAdmin

admin.site.unregister([User, Group])


@admin.register(User)
class AccountAdmin(ListAdmin[User], UserAdmin):
    ordering = ["username"]


@admin.register(Group)
class AccountGroupAdmin(ListAdmin[Group], GroupAdmin):
    ordering = ["name"]
