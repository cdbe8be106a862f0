"""Confirm actions in the admin like a browser: open the confirmation page, then post its form."""

import re
from html import unescape


def fields_of(page: str, button: str) -> dict:
    """Return the hidden fields of the form with *button* on a page, as a browser sends them."""
    [form] = [form for form in re.findall(r"<form.*?</form>", page, re.S) if button in form]
    return _hidden(form)


def confirm(client, address: str, data: dict | None = None, **more):
    """Post *data* together with the hidden fields of the confirmation page, if there is one."""
    page = _page_of(client, address, data or {})
    forms = [f for f in re.findall(r"<form.*?</form>", page, re.S) if 'name="confirmed"' in f]
    at = address.partition("?")[0]
    forms = [f for f in forms if f'action="{at}"' in f] or forms[:1]
    return client.post(address, (_hidden(forms[0]) if forms else {}) | (data or {}), **more)


def _hidden(form: str) -> dict:
    fields: dict[str, list] = {}
    for tag in re.findall(r"<input[^>]*>", form):
        if 'type="hidden"' in tag:
            name, value = (re.search(rf'{what}="([^"]*)"', tag).group(1) for what in ("name", "value"))
            fields.setdefault(name, []).append(unescape(value))
    return fields


def _page_of(client, address: str, data: dict) -> str:
    """Return the page that confirms the action at an address."""
    if "_apply" in data or data.get("action") == "delete_selected":
        preview = {name: value for name, value in data.items() if name not in ("_apply", "post", "expected")}
        page = client.post(address, preview | ({"_preview": "x"} if "_apply" in data else {}))
    elif "/revert/" in address:
        page = client.get(f"{address.partition('/revert/')[0]}/change/")
    elif address.endswith("/restore/"):
        page = client.get(f"{address.removesuffix('restore/')}history/")
    elif "/imports/edit/" in address:
        page = client.get(f"{address.removesuffix('undo/')}change/")
    else:
        page = client.get(address)
    return page.content.decode() if page.status_code == 200 else ""
