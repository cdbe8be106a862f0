# Tabularium: make help lists the targets.

PORT ?= 8000
PYTHON := .venv/bin/python
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# Example production settings for `make check`. The host and the secret are not real.
PRODUCTION := ENV_FILE= DEBUG=off ALLOWED_HOSTS=data.example.org DATABASE_URL=postgresql://nobody@localhost/tabularium \
	SECRET_KEY="$$(python3 -c 'import secrets; print(secrets.token_urlsafe(50))')"

.PHONY: help install install-spectral dev run notebook test test-api test-notebook test-accessibility test-model test-cluster test-files test-hosts test-replica test-stack coverage lint types check check-api docs screenshots format lock clean
.DEFAULT_GOAL := help

help:  ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## /  make \1	/p' $(MAKEFILE_LIST) | expand -t 24

# The stamp files record which lock file was last installed into .venv.
.venv/bin/python:
	@command -v python3 >/dev/null || { echo "python3 is not installed. Tabularium needs Python 3.11 or newer." >&2; exit 1; }
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Tabularium needs Python 3.11 or newer, but python3 here is $$(python3 -V 2>&1)." >&2; exit 1; }
	@echo "Creating .venv"
	@python3 -m venv .venv || { rm -rf .venv; \
		echo "python3 could not create .venv. On Debian or Ubuntu, type: apt-get install python3-venv" >&2; exit 1; }

.venv/installed: requirements.txt | .venv/bin/python
	@echo "Installing requirements.txt"
	@$(PYTHON) -m pip install --quiet --require-hashes --only-binary :all: -r requirements.txt
	@touch $@

.venv/installed-dev: requirements-dev.txt requirements.txt | .venv/bin/python
	@echo "Installing requirements-dev.txt"
	@$(PYTHON) -m pip install --quiet --require-hashes --only-binary :all: -r requirements-dev.txt
	@touch .venv/installed $@

# pyspark has no wheel.
.venv/installed-cluster: requirements-cluster.txt .venv/installed-dev
	@echo "Installing requirements-cluster.txt"
	@$(PYTHON) -m pip install --quiet --require-hashes -r requirements-cluster.txt
	@touch $@

install: .venv/installed  ## Create .venv and install the dependencies of the site

dev: .venv/installed-dev  ## Also install the dependencies of the tests and checks

run: export DEBUG := on
run: install  ## Run the site on this machine with the sample data, at http://127.0.0.1:8000/ (PORT=8001 for another port)
	@$(PYTHON) -c 'import socket, sys; s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); \
		s.bind(("127.0.0.1", int(sys.argv[1]))); s.listen()' "$(PORT)" 2>/dev/null || { \
		echo "Port $(PORT) is in use or is not a port number. To use another port, run: make run PORT=8001" >&2; exit 1; }
	@$(PYTHON) manage.py prepare --import-sources --demo-curator
	@echo "Tabularium is at http://127.0.0.1:$(PORT)/ (stop it with Ctrl-C)"
	@PORT=$(PORT) exec $(PYTHON) -m honcho start --no-prefix

notebook: export DEBUG := on
notebook: dev  ## Run the insights again; the result is in census/ for the records of UCI's two files, otherwise in var/
	@$(PYTHON) -m tests.insights $(ARGS)

# These have targets of their own: they take long, or `make check` runs them.
API := tests/api/test_schemathesis.py
NOTEBOOK := tests/census/test_insights_notebook.py
ACCESSIBILITY := tests/browser/test_accessibility.py
HOSTS := tests/hosts
REPLICA := tests/replica
FILES := tests/files
ANALYTICS := tests/analytics
ARCHITECTURE := tests/test_architecture.py

# Runs a command on both engines at the same time, and shows the output for PostgreSQL after that for SQLite. pytest exits
# with 5 if ARGS selects no test of an engine's share.
define on_both_engines
	@echo "Running on SQLite and PostgreSQL; the output for PostgreSQL follows that for SQLite."; log=$$(mktemp); \
	TEST_ENGINE=postgresql $(1) >"$$log" 2>&1 & \
	TEST_ENGINE=sqlite $(1); sqlite=$$?; wait $$!; postgresql=$$?; cat "$$log"; rm "$$log"; \
	case "$$sqlite $$postgresql" in "0 0" | "0 5" | "5 0") ;; *) exit 1;; esac
endef

SUITE := $(PYTHON) -m pytest -n auto --dist worksteal $(addprefix --ignore ,$(API) $(NOTEBOOK) $(ACCESSIBILITY) $(HOSTS) $(REPLICA) $(FILES) $(ANALYTICS) $(ARCHITECTURE))

test: dev  ## Run the suite on SQLite and PostgreSQL (ENGINES=sqlite for one, ARGS="-k places" for a part)
ifdef ENGINES
	@TEST_ENGINE=$(ENGINES) $(SUITE) $(ARGS)
else
	$(call on_both_engines,$(SUITE) --share $(ARGS))
endif

test-api: dev  ## Compare every API operation with its description with Schemathesis, on both engines (EXAMPLES=4)
	$(call on_both_engines,$(PYTHON) -m pytest -n 0 $(API) $(ARGS))

test-notebook: dev  ## Run the notebook of the insights on both engines, and compare it with the committed one
	$(call on_both_engines,$(PYTHON) -m pytest -n 0 $(NOTEBOOK) $(ARGS))

test-accessibility: dev  ## Check every state of the pages with axe-core, in each theme and width (needs Chromium)
	@TEST_ENGINE=postgresql $(PYTHON) -m pytest -n 0 $(ACCESSIBILITY) $(ARGS)

test-model: export EXAMPLES ?= 50
test-model: dev  ## Compare the site with a simple model in random steps, on both engines (EXAMPLES=500)
	$(call on_both_engines,$(PYTHON) -m pytest -n 0 tests/model $(ARGS))

test-cluster: .venv/installed-cluster  ## Test the analytical copy, with DuckDB and with a cluster of Spark on this machine (needs Java 17)
	@command -v java >/dev/null || { echo "Java is not installed. On Debian or Ubuntu, type: apt-get install openjdk-17-jre-headless" >&2; exit 1; }
	$(call on_both_engines,$(PYTHON) -m pytest -n 0 --share $(ANALYTICS) $(ARGS))

# Files of packages, in a folder of their own.
.venv/files/installed: requirements-files.txt | .venv/bin/python
	@command -v npm >/dev/null || { echo "npm is not installed. On Debian or Ubuntu, type: apt-get install npm" >&2; exit 1; }
	@echo "Installing requirements-files.txt and vega-datasets"
	@rm -rf $(@D)
	@$(PYTHON) -m pip install --quiet --require-hashes --only-binary :all: --no-deps --target $(@D)/python -r $<
	@npm install --silent --no-audit --no-fund --ignore-scripts --prefix $(@D) vega-datasets@3.2.1
	@touch $@

test-files: dev .venv/files/installed  ## Make datasets of the flat files of three packages, and compare their exports (needs npm)
	@TEST_ENGINE=sqlite $(PYTHON) -m pytest -n 0 -s $(FILES) $(ARGS)

# An S3 server, a proxy and the schemas of Kubernetes, in a folder of their own.
.venv/hosts/installed: requirements-hosts.txt | .venv/bin/python
	@echo "Installing requirements-hosts.txt"
	@rm -rf $(@D)
	@$(PYTHON) -m pip install --quiet --require-hashes --only-binary :all: --no-deps --target $(@D) -r $<
	@touch $@

test-hosts: dev .venv/hosts/installed  ## Test several hosts, as network namespaces of this machine (needs root and iproute2)
	@command -v ip >/dev/null || { echo "ip is not installed. On Debian or Ubuntu, type: apt-get install iproute2" >&2; exit 1; }
	@TEST_ENGINE=postgresql PYTHONPATH=$(CURDIR)/.venv/hosts $(PYTHON) -m pytest -n 0 $(HOSTS) $(ARGS)

test-replica: dev  ## Test reading from a standby of PostgreSQL: delays, failures, a primary that is away
	@TEST_ENGINE=sqlite $(PYTHON) -m pytest -n 0 $(REPLICA) $(ARGS)

test-stack: dev  ## Test the stack of docker-compose.yml: start, failures, updates, backup (needs Docker; ARGS="-k update")
	@docker compose version >/dev/null || { echo "Docker with Compose v2 is not available here." >&2; exit 1; }
	@TEST_STACK=1 $(PYTHON) -m pytest -n 0 tests/stack $(ARGS)

coverage: dev  ## Measure the coverage on both engines together; var/coverage/html shows each line
	@rm -rf var/coverage && mkdir -p var/coverage
	$(call on_both_engines,$(SUITE) --share --cov --cov-report= $(ARGS))
	@$(PYTHON) -m coverage combine --quiet var/coverage/sqlite* var/coverage/postgresql*
	@$(PYTHON) -m coverage html --quiet
	@$(PYTHON) -m coverage report

lint: dev  ## Check the style
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .

types: dev  ## Check the types with mypy
	@ENV_FILE= DEBUG=on DATABASE_URL=sqlite:///:memory: $(PYTHON) -m mypy $(ARGS)

check: lint types  ## Check style, types, migrations, production settings and architecture
	@ENV_FILE= DEBUG=on DATABASE_URL=sqlite:///:memory: $(PYTHON) manage.py makemigrations --check --dry-run
	@$(PRODUCTION) $(PYTHON) manage.py check --deploy --fail-level WARNING
	@.venv/bin/lint-imports --no-cache
	@$(PYTHON) -m pytest --quiet $(ARCHITECTURE)

# npm installs Spectral into .venv; the ruleset lists its rules.
SPECTRAL := .venv/spectral-6.16.3

$(SPECTRAL)/installed:
	@command -v npm >/dev/null || { echo "npm is not installed. On Debian or Ubuntu, type: apt-get install npm" >&2; exit 1; }
	@echo "Installing Spectral"
	@npm install --silent --no-audit --no-fund --prefix $(SPECTRAL) @stoplight/spectral-cli@6.16.3
	@touch $@

install-spectral: $(SPECTRAL)/installed

check-api: dev $(SPECTRAL)/installed  ## Check the API description with Spectral (needs npm)
	@ENV_FILE= DEBUG=on DATABASE_URL=sqlite:///:memory: $(PYTHON) manage.py spectacular --format openapi-json \
		--file $(SPECTRAL)/openapi.json
	@$(SPECTRAL)/node_modules/.bin/spectral lint --fail-severity warn \
		--ruleset tests/api/spectral.yaml $(SPECTRAL)/openapi.json

docs: dev  ## Build the documentation in docs/_build/; a warning or a broken link is an error
	@$(PYTHON) -m sphinx --quiet --fail-on-warning --keep-going -d docs/_build/doctrees -c docs . docs/_build/html
	@echo "The documentation is in docs/_build/html/index.html"

screenshots: dev  ## Take the screenshots of the documentation again (needs Chromium)
	@$(PYTHON) docs/screenshots.py

format: dev  ## Format the code
	@$(PYTHON) -m ruff check --fix .
	@$(PYTHON) -m ruff format .

# Ignore this machine's own package settings, so that the files contain no URL of an index and the same hashes everywhere.
LOCK = env -u PIP_FIND_LINKS UV_CUSTOM_COMPILE_COMMAND="make lock" uv pip compile --quiet --no-config --universal \
	--generate-hashes --no-emit-index-url --no-emit-find-links --python-version 3.11 $(ARGS)

lock:  ## Write requirements*.txt from pyproject.toml (needs uv; ARGS=--upgrade for newer versions)
	@command -v uv >/dev/null || { echo "uv is not installed. Type: python3 -m pip install uv" >&2; exit 1; }
	@$(LOCK) pyproject.toml --output-file requirements.txt
	@$(LOCK) pyproject.toml --group dev --constraint requirements.txt --output-file requirements-dev.txt
	@$(LOCK) --group pyproject.toml:s3 --constraint requirements.txt --output-file requirements-s3.txt
	@$(LOCK) --group pyproject.toml:files --no-deps --output-file requirements-files.txt
	@$(LOCK) --group pyproject.toml:hosts --constraint requirements.txt --constraint requirements-s3.txt \
		--output-file requirements-hosts.txt
	@$(LOCK) --group pyproject.toml:analytics --constraint requirements-dev.txt --output-file requirements-analytics.txt
	@$(LOCK) --group pyproject.toml:cluster --constraint requirements-dev.txt --constraint requirements-analytics.txt \
		--output-file requirements-cluster.txt

clean:  ## Remove .venv and caches, but keep the database and the uploads in var/
	@rm -rf .venv .pytest_cache .ruff_cache .mypy_cache .hypothesis docs/_build
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
