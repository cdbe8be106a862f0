"""Views: a chart as an image, its data as CSV, and its Vega-Lite specification."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.utils.http import content_disposition_header

from api.etags import ETag
from explore.charts.chart_image import FORMATS, LARGEST, SMALLEST, Picture
from explore.charts.encodings import WIDTH
from explore.charts.render_client import RendererBusyError, RenderingError
from explore.charts.requested_chart import OF_DRAWINGS, ImageOptions, requested_picture
from explore.pages import View, explored
from explore.url_state import State
from exports.file_names import day_of, file_stem
from exports.summaries import table_as_csv

WAIT = 5  # seconds to wait before a retry if too many images are being rendered


@explored(own=OF_DRAWINGS)
def specification(request: HttpRequest, state: State) -> HttpResponseBase:
    """The Vega-Lite specification of the chart, with its data."""

    def made(picture: Picture, options: ImageOptions) -> JsonResponse:
        spec = picture.themed(options.theme) if options.theme else picture.spec
        return JsonResponse(spec | {"description": picture.described})

    return _answer(request, state, "json", made)


@explored(own=OF_DRAWINGS)
def data(request: HttpRequest, state: State) -> HttpResponseBase:
    """The data of the chart as CSV, with formula escaping on request."""
    if (wanted := state.data.get("spreadsheet")) not in (None, "true"):
        state.refuse("spreadsheet", f"Expected true, found {wanted[:50]}.")

    def made(picture: Picture, options: ImageOptions) -> HttpResponse:
        content = table_as_csv(picture.columns, picture.rows, defuse=bool(wanted))
        return HttpResponse(content, content_type="text/csv; charset=utf-8", headers=_named(state, "csv"))

    return _answer(request, state, "csv", made)


def image(suffix: str) -> View:
    """Return the view of the chart as an image; the URL may set its size."""

    @explored(own=OF_DRAWINGS)
    def view(request: HttpRequest, state: State) -> HttpResponseBase:
        return _answer(request, state, suffix, lambda picture, options: _image(state, picture, suffix, options))

    return view


@explored()
def no_such_image(request: HttpRequest, state: State, suffix: str) -> HttpResponseBase:
    """Return 404 with the available formats."""
    message = f"There is no chart.{suffix[:100]}. Use chart.{', chart.'.join(FORMATS)}, chart.csv or chart.json."
    return HttpResponse(message, status=404, content_type="text/plain; charset=utf-8")


def _image(state: State, picture: Picture, suffix: str, options: ImageOptions) -> HttpResponse:
    width, theme = options.width or WIDTH, options.theme or "light"
    height = options.height or min(max(round(picture.height * width / WIDTH), SMALLEST), LARGEST)
    site = state.request.build_absolute_uri("/").rstrip("/")
    try:
        if options.size:
            content = picture.sized(suffix, options.size, theme, site)
        else:
            content = picture.image(suffix, width, height, theme, site)
    except RendererBusyError:
        message = f"Too many images are being rendered. Try again in {WAIT} seconds."
        return HttpResponse(message, status=503, content_type="text/plain", headers={"Retry-After": str(WAIT)})
    except RenderingError as error:
        return HttpResponse(str(error), status=500, content_type="text/plain")
    # The picture of the page opens in the browser, where its marks are links.
    headers = {} if options.size and options.size.bare else _named(state, suffix)
    return HttpResponse(content, content_type=FORMATS[suffix], headers=headers)


def _named(state: State, suffix: str) -> dict[str, str]:
    """Return the headers that name the file of a chart."""
    name = f"{file_stem(state.model, state.filters, day_of(state.model))}.{suffix}"
    return {"Content-Disposition": content_disposition_header(as_attachment=True, filename=name) or ""}


def _answer(
    request: HttpRequest, state: State, suffix: str, made: Callable[[Picture, ImageOptions], HttpResponseBase]
) -> HttpResponseBase:
    """Return the response that *made* creates from the picture, or 304 if the client's copy is current.

    All files refuse an invalid size or theme, although the data do not use them.
    """
    tag = ETag(request, state.model, f"{suffix} {day_of(state.model)}")
    options = ImageOptions.read(state)
    if tag.is_known and not state.errors:
        return tag.not_modified()
    _, picture = requested_picture(state)
    if state.errors or picture is None:
        message = "\n".join(f"{name}: {' '.join(messages)}" for name, messages in state.errors.items())
        return HttpResponse(message, status=400, content_type="text/plain; charset=utf-8")
    response = made(picture, options)
    return tag.mark(response) if response.status_code == 200 else response
