# `make` alone lists the targets. CI calls the same ones (.ci/run).
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
# Where it is set, each start of a server or a worker compiles again what has changed since `make setup`.
unexport PYTHONDONTWRITEBYTECODE

VENV := .venv
BIN := $(VENV)/bin
# The first interpreter that really runs and is new enough; `make PYTHON=… setup` takes another.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$p" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$p"; break; }; done)
# Installs exactly what a lock file lists, checked by hash: with uv where there is one, else with pip.
UV := $(shell command -v uv 2>/dev/null || { [ -x $(BIN)/uv ] && echo $(BIN)/uv; })
ifdef UV
install = $(UV) pip install -q --python $(BIN)/python --compile-bytecode --require-hashes -r $(1)
install_self = $(UV) pip install -q --python $(BIN)/python --no-build-isolation --no-deps -e .
else
install = $(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r $(1)
install_self = $(BIN)/python -m pip install -q --disable-pip-version-check --no-build-isolation --no-deps -e .
endif

.PHONY: help setup dev ui ui-test ui-check ui-types run test test-postgres test-long spark check fix serve bench bench-scale chaos image docs conformance lock wheel clean

help:  ## list these targets
	@awk -F':.*## ' '/^[a-z-]+:.*## / && !told[$$1]++ { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(VENV)/.installed ui  ## make .venv with .venv/bin/arkwright in it, from requirements.lock; and the console
	@:
dev: $(VENV)/.installed-dev
	@:

$(BIN)/python:
	@[ -n "$(PYTHON)" ] || { echo "Arkwright needs Python 3.11 or newer with venv and pip (on Debian: apt-get install python3-venv)." >&2; exit 1; }
	@echo "setup: $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: requirements.lock pyproject.toml | $(BIN)/python
	@echo "setup: installing requirements.lock"
	@$(call install,requirements.lock)
	@$(install_self)
	@$(BIN)/python -m compileall -q src
	@touch $@

$(VENV)/.installed-dev: requirements-dev.lock $(VENV)/.installed
	@echo "setup: installing requirements-dev.lock"
	@$(call install,requirements-dev.lock)
	@touch $@

# What the container image has beside the core.
IMAGE_EXTRAS := notify kafka watch s3 sql ssh dask
# Half a gigabyte, and of no use without Java.
$(VENV)/.installed-spark: requirements-spark.lock $(VENV)/.installed-dev
	@echo "setup: installing requirements-spark.lock"
	@$(call install,requirements-spark.lock)
	@touch $@
spark: $(if $(shell command -v java),$(VENV)/.installed-spark,dev)
	@:

CONSOLE := src/arkwright/console
UI_SOURCES := $(shell find ui -path ui/node_modules -prune -o -type f -print)
ifeq ($(shell command -v npm),)
ui:  ## build the console from ui/ into the package (needs Node.js 20 or newer)
	@[ -e $(CONSOLE)/index.html ] || echo "setup: no Node.js here, so the console is not built; the server runs without it (on Debian: apt-get install nodejs npm)"
else
ui: $(CONSOLE)/index.html  ## build the console from ui/ into the package (needs Node.js 20 or newer)
	@:
endif
ui/node_modules/.installed: ui/package-lock.json
	@echo "setup: installing ui/package-lock.json"
	@cd ui && npm ci --silent --no-progress
	@touch $@
$(CONSOLE)/index.html: ui/node_modules/.installed $(UI_SOURCES)
	@echo "setup: building the console"
	@cd ui && npm run build --silent -- --logLevel warn
	@touch $@

# What the console's logic and types say; where there is no Node.js, the console's tests say that they are skipped.
ifeq ($(shell command -v npm),)
ui-test ui-check ui-types:
	@echo "$@: no Node.js here, so this part is skipped (on Debian: apt-get install nodejs npm)"
else
ui-test: ui/node_modules/.installed
	@cd ui && npm test --silent -- --reporter=dot
ui-check: ui/node_modules/.installed $(VENV)/.installed
	@cd ui && npm run check --silent
ui-types: ui/node_modules/.installed $(VENV)/.installed  ## write the console's API types anew from the OpenAPI document
	@cd ui && npm run types --silent
endif

run: $(VENV)/.installed  ## run the example on real data: server, import, run, report (a few seconds)
	@$(BIN)/python examples/run.py $(ARGS)

# One process more than there are cores: many tests wait for servers. A file stays in one process, so that what its tests
# share is made once; the files come in the order that tests/order.py gives them.
PYTEST = $(BIN)/python -m pytest -n $$(( $$(getconf _NPROCESSORS_ONLN) + 1 )) --dist loadfile --no-loadscope-reorder

test: dev ui ui-test  ## the tests, but for the long ones; ARGS='tests/core -k retry' picks some, ARGS=--durations=10 times them
	@$(PYTEST) -m "not long" $(ARGS)

test-postgres: dev  ## store, engine, scheduler and API on PostgreSQL instead of the embedded database, but for the long ones
	@ARKWRIGHT_TEST_DATABASE=postgresql $(PYTEST) -m "not long" tests/store tests/engine tests/scheduler tests/api $(ARGS)

# Properties are among them: they are tried with all of their examples here, with a share of them in `make test`.
test-long: spark ui  ## the long tests: kills by the dozen, thousands of rows, other engines, each property's every example
	@ARKWRIGHT_TEST_EXAMPLES=all $(PYTEST) -m "long or hypothesis" $(ARGS)

check: dev ui-check  ## format, lint, types, import direction, file sizes
	@$(BIN)/ruff format --check --quiet . || { echo "format: 'make fix' mends these:"; $(BIN)/ruff format --check .; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@report=$$($(BIN)/lint-imports --no-cache) || { echo "$$report"; exit 1; }
	@$(BIN)/python tests/architecture/files.py

fix: dev  ## format and mend what ruff can mend
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format --quiet .

serve: setup  ## start a server with the default data folder; ARGS='--port 9000'
	@$(BIN)/arkwright serve $(ARGS)

bench: dev  ## our speed beside the machine's own limits; fails on a missed ratio
	@$(BIN)/python -m bench.bench $(ARGS)

docs: dev  ## write docs/reference anew from the code
	@$(BIN)/python docs/generate.py

bench-scale: dev  ## several servers and millions of stored instances on PostgreSQL; ARGS='stored' picks a case
	@$(BIN)/python -m bench.scale $(ARGS)

chaos: dev  ## ten minutes of partitions, kills and frozen processes under load; ARKWRIGHT_CHAOS_SECONDS, ARKWRIGHT_CHAOS_SEED
	@ARKWRIGHT_CHAOS_SECONDS=$${ARKWRIGHT_CHAOS_SECONDS:-600} $(BIN)/python -m pytest -s tests/chaos/test_chaos.py $(ARGS)

image:  ## build the container image with podman, buildah or docker; ARGS='--build-arg …'
	@build=$$(command -v podman || command -v buildah || command -v docker) \
		|| { echo "image: neither podman, buildah nor docker is here (on Debian: apt-get install podman)" >&2; exit 1; }; \
		"$$build" build -f deploy/Containerfile -t arkwright $(ARGS) .

conformance: dev  ## run the API's tests and write docs/conformance.md from what they called
	@$(BIN)/python -m pytest -n 2 -m "not long" tests/api tests/cli --write-conformance $(ARGS)

lock: dev  ## resolve the dependencies anew into both lock files
	@$(BIN)/uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-header --group setup pyproject.toml -o requirements.lock
	@$(BIN)/uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-header --group setup --group test --group check -c requirements.lock pyproject.toml -o requirements-dev.lock
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--group spark -c requirements-dev.lock -o requirements-spark.lock
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --group setup \
		$(patsubst %,--extra %,$(IMAGE_EXTRAS)) -c requirements-dev.lock pyproject.toml -o deploy/requirements.lock

wheel: dev ui  ## build dist/*.whl, with the console in it
	@$(BIN)/uv build -q --no-build-isolation --wheel

clean:  ## remove .venv and what tools left behind
	@rm -rf $(CONSOLE) ui/node_modules $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
