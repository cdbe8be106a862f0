"""Accessibility checks of a page with axe-core, and that no button cuts off its text."""

from axe_playwright_python.base import AXE_SCRIPT

# Swagger UI draws its own elements, which the site cannot change.
RUN = """rules => axe.run({exclude: ["#swagger-ui"]}, {resultTypes: ["violations"], rules})
  .then(result => result.violations)"""
CUT_OFF = """() => [...document.querySelectorAll("a.button, button, input[type=submit]")]
  .filter(button => button.checkVisibility() && !button.closest("#swagger-ui") && !button.closest(".visually-hidden"))
  .filter(button => button.clientHeight && button.scrollHeight > button.clientHeight + 1)
  .map(button => button.outerHTML)"""


def violations(page, rules: dict | None = None) -> list[str]:
    """Return each violation of the rules of axe-core on the current page: the rule, the element and the problem.

    *rules* are options of axe-core for single rules.
    """
    if page.locator("#swagger-ui").count():
        page.locator("#swagger-ui main").wait_for()
    complaints = list(page.complaints)
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    address = page.url.partition("//")[2].partition("/")[2]
    found = [
        f"{address} {violation['id']}: {node['html'][:150]} "
        + "; ".join(check["message"] for check in [*node["any"], *node["all"], *node["none"]])
        for violation in page.evaluate(RUN, rules or {})
        for node in violation["nodes"]
    ]
    found += [f"{address} cut-off text: {button[:150]}" for button in page.evaluate(CUT_OFF)]
    page.complaints[:] = complaints  # axe-core tries styles on elements, which the policy forbids
    return found
