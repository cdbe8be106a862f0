"""Sphinx configuration of the documentation site, which ``make docs`` builds from the repository's Markdown files."""

project = "Tabularium"
author = "The Tabularium authors"
project_copyright = f"%Y, {author}"
language = "en"

# The source folder is the repository, so links work both in the repository and on the site.
root_doc = "docs/index"
include_patterns = ["docs/**.md", "docs/images/**", "CHANGELOG.md", "CONTRIBUTING.md", "[a-z]*/README.md"]
exclude_patterns = ["deploy/README.md"]  # it only refers to docs/operators.md

extensions = ["myst_parser"]
myst_heading_anchors = 3
nitpicky = True  # warn about references without a target; make docs treats warnings as errors

html_theme = "furo"
html_title = project
html_copy_source = False
html_extra_path = ["root"]  # the root URL redirects to the first page
