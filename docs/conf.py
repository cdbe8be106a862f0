"""The documentation site: Sphinx over the Markdown files of the whole repository, built by ``make docs``."""

project = "Tabularium"
author = "The Tabularium authors"
project_copyright = f"%Y, {author}"
language = "en"

# Sources stay where a reader of the repository expects them, so that links work there and on the site.
root_doc = "docs/index"
include_patterns = ["docs/**.md", "docs/images/**", "CHANGELOG.md", "CONTRIBUTING.md", "[a-z]*/README.md"]
exclude_patterns = ["deploy/README.md"]  # a pointer to docs/operators.md

extensions = ["myst_parser"]
myst_heading_anchors = 3
nitpicky = True  # a reference without a target is a warning, and make docs treats warnings as errors

html_theme = "furo"
html_title = project
html_copy_source = False
html_extra_path = ["root"]  # the site's own address leads to the first page
