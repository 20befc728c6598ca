# All set-up on a machine with Python 3.11 or newer and make. `make help` lists what there is.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin

.PHONY: help run test lint bench fuzz crash schema pictures facts lock clean

help: ## List the targets
	@sed -n 's/^\([a-z]*\):.*## /make \1	/p' Makefile

run: .venv/run.stamp ## Run the demo: a sample newsroom's whole day on this machine
	@$(BIN)/handbill demo

test: .venv/test.stamp ## Run every test but the long ones
	@tests/run.sh

lint: .venv/test.stamp ## Style, types, import contracts, missing migrations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@HANDBILL_HOME=$$($(BIN)/python -m tests.lint_home) $(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/architecture

bench: .venv/test.stamp ## Measure: speed and memory
	$(BIN)/python -m bench

fuzz: .venv/test.stamp ## Damage feeds at random for a minute, and see that reading them stays safe
	$(BIN)/python -m tests.fuzz.fuzz_feeds 60

crash: .venv/test.stamp ## The long tests: crashes, relays, leaks
	$(BIN)/python -m pytest -m long tests

schema: .venv/run.stamp ## Write handbill/ops/schema.sql anew from the migrations
	$(BIN)/python -m handbill.ops.schema

pictures: .venv/test.stamp ## Take the pictures of the documentation anew
	$(BIN)/python docs/images/take.py

facts: .venv/run.stamp ## Take the facts on mail programs anew from npm's caniemail (needs npm)
	cd /tmp && npm pack --silent caniemail@$$($(CURDIR)/$(BIN)/python -c 'from handbill.digest.lint.make_facts import VERSION; print(VERSION)')
	$(BIN)/python -m handbill.digest.lint.make_facts /tmp/caniemail-*.tgz

lock: ## Pin every dependency anew, with hashes (needs uv)
	uv pip compile pyproject.toml --python-version 3.11 --universal --generate-hashes --no-emit-index-url --no-header \
		--group build -o requirements/run.txt
	uv pip compile pyproject.toml --python-version 3.11 --universal --generate-hashes --no-emit-index-url --no-header \
		--extra ses --group build -c requirements/run.txt -o requirements/ses.txt
	uv pip compile pyproject.toml --python-version 3.11 --universal --generate-hashes --no-emit-index-url --no-header \
		--group test -c requirements/run.txt -o requirements/test.txt

clean: ## Remove the virtual environment and caches
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

.venv/run.stamp: requirements/run.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Handbill needs Python 3.11 or newer: make run PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -m venv .venv \
		|| { echo "Python's venv module is missing; on Debian: apt-get install python3-venv"; exit 1; }
	@echo "Installing (once) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/run.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.venv/test.stamp: .venv/run.stamp requirements/test.txt
	@echo "Installing what the tests need (once) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/test.txt
	@touch $@
