"""The API's answers as pages for whoever works on the site: JSON set out in lines, with a way back to what is above."""

from urllib.parse import unquote

from rest_framework.renderers import BrowsableAPIRenderer

NOWHERE = "Nothing here"  # the name of addresses at which there is nothing


class PageRenderer(BrowsableAPIRenderer):
    """A page whose way back has every address above it that answers."""

    def get_breadcrumbs(self, request) -> list[tuple[str, str]]:
        """Return names and addresses; below a list, a record is called by its key and a summary by that word."""
        found = {}
        for name, address in super().get_breadcrumbs(request):
            if name != NOWHERE:
                word = unquote(address.partition("?")[0].rstrip("/").rpartition("/")[2])
                found[word.capitalize() if name.partition(":")[0] in found else name] = address
        return list(found.items())

    def show_form_for_method(self, view, method, request, obj) -> bool:
        """Tell whether the page has a form: none has, for what changes something takes files or nothing at all."""
        return False

    def get_raw_data_form(self, data, view, method, request) -> None:
        return None
