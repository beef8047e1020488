# The two commands: `make run` measures, `make test` proves. Everything else serves them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The environment is made anew when a pin or this project's metadata changes. The pins are complete,
# so pip resolves nothing (--no-deps): what is published later changes nothing; `pip check` proves it.
RUN_READY := $(VENV)/.ready-run
TEST_READY := $(VENV)/.ready-test
PEERS := tests/benchmarks/verdicts/guest/peers.requirements
DETECTORS := tests/benchmarks/changepoints/peers.requirements
SCHEMATHESIS := $(VENV)/schemathesis
COMPILE := uv pip compile --universal --generate-hashes --no-header --no-annotate -q --python-version
PIP := $(BIN)/python -m pip --disable-pip-version-check
export JAXRIG_PYTHON := $(CURDIR)/$(BIN)/python

.PHONY: run test check format schema schemathesis bench bench-verdicts bench-bottleneck bench-changepoints pins engine engines postgresql browser screenshots stop clean help

help: ## what there is to make
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 16

run: $(RUN_READY) engine ## measure the quick suite in containers, into results.db
	@$(BIN)/jaxrig run --suite quick

test: check engine engines postgresql browser schemathesis ## the whole test suite, Docker end-to-end tests included
	@$(BIN)/python -m pytest -m "not alone" -n auto --maxprocesses 4 --dist loadfile --benchmark-disable
	@$(BIN)/python -m pytest -m alone

check: $(TEST_READY) ## style, types and import rules, without running anything
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(TEST_READY) ## put the code into its style
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

schema: $(TEST_READY) ## write the JSON Schema of jaxrig.toml anew
	@$(BIN)/python -m harness.schema >docs/jaxrig.schema.json

bench: $(TEST_READY) engine browser ## what jaxrig itself costs: one JSON object a line
	@$(BIN)/python -m tests.benchmarks

bench-verdicts: $(TEST_READY) engine ## how often verdicts err, beside asv, pyperf and pytest-benchmark (3 h; resumes)
	@$(BIN)/python -m tests.benchmarks.verdicts

bench-bottleneck: $(TEST_READY) engine ## whether labels are right: known answers, held-out cases, causes (45 min; resumes)
	@$(BIN)/python -m tests.benchmarks.bottleneck

bench-changepoints: $(TEST_READY) ## whether changes are found that are there, and no others, beside Otava and asv
	@$(BIN)/python -m tests.benchmarks.changepoints

engine: $(RUN_READY)
	@docker/engine.sh start

engines:
	@tests/engines.sh

postgresql:
	@tests/postgresql.sh

# Apart: its plugin would come with every pytest that is started here, those that are measured included.
schemathesis: $(SCHEMATHESIS)/.ready

$(SCHEMATHESIS)/.ready: tests/schemathesis.requirements.txt | $(BIN)/python
	@echo "installing Schemathesis into $(SCHEMATHESIS)"
	@$(BIN)/python -m venv $(SCHEMATHESIS)
	@$(SCHEMATHESIS)/bin/python -m pip --disable-pip-version-check install -q --no-deps --require-hashes -r $<
	@touch $@

browser: $(TEST_READY)
	@tests/browser.sh $(VENV)/axe-core

screenshots: browser ## draw the pictures of the report in docs/ anew
	@$(BIN)/python -m tests.screenshots

stop: ## stop the engine that `make` started, and only that one
	@docker/engine.sh stop

pins: $(TEST_READY) ## write the pinned requirements anew (needs uv)
	$(COMPILE) 3.11 pyproject.toml -o requirements.txt
	$(COMPILE) 3.11 --extra dev pyproject.toml -o tests/requirements.txt
	$(COMPILE) 3.11 tests/schemathesis.requirements.in -o tests/schemathesis.requirements.txt
	$(COMPILE) 3.13 docker/cpu.requirements.in -o docker/cpu.requirements.txt
	$(COMPILE) 3.13 docker/cuda.requirements.in -o docker/cuda.requirements.txt
	$(COMPILE) 3.13 docker/cuda12.requirements.in -o docker/cuda12.requirements.txt
	$(COMPILE) 3.13 docker/tpu.requirements.in -o docker/tpu.requirements.txt
	$(COMPILE) 3.12 docker/rocm.requirements.in -o docker/rocm.requirements.txt
	$(COMPILE) 3.13 -c docker/cpu.requirements.txt $(PEERS).in -o $(PEERS).txt
	$(COMPILE) 3.11 $(DETECTORS).in -o $(DETECTORS).txt

clean: ## remove what was made here, results.db excepted
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# Debian keeps venv in a package of its own, which root gets unless JAXRIG_NO_INSTALL=1.
NEED_VENV := jaxrig: $(PYTHON) lacks the venv module; on Debian: apt-get install python3-venv
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("jaxrig needs Python 3.11 or newer: make PYTHON=...")'
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || \
	    { [ "$$(id -u)" = 0 ] && [ "$$JAXRIG_NO_INSTALL" != 1 ] && command -v apt-get >/dev/null; } || \
	    { echo "$(NEED_VENV)" >&2; exit 5; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || \
	    { echo "installing python3-venv from this distribution's packages"; apt-get update -qq; \
	    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3-venv; }
	@$(PYTHON) -m venv $(VENV)

$(RUN_READY): requirements.txt pyproject.toml | $(BIN)/python
	@echo "installing jaxrig into $(VENV)"
	@$(PIP) install -q --no-deps --require-hashes -r requirements.txt
	@$(PIP) install -q --no-deps --editable .
	@$(PIP) check >&2
	@touch $@

$(TEST_READY): tests/requirements.txt $(RUN_READY)
	@echo "installing what the tests need into $(VENV)"
	@$(PIP) install -q --no-deps --require-hashes -r tests/requirements.txt
	@$(PIP) check >&2
	@touch $@
