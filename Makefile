# One command per verb, the same on a laptop and in CI. `make` alone lists them.
#
#   make demo  [OPEN=1]       run the zoo example and write its map to zoo.html
#   make test  [ARGS=...]     run the tests, or those that pytest is told in ARGS, in JOBS processes (2)
#   make versions             run capture's tests with the oldest and the newest Prefect that is supported
#   make libraries            install the big libraries too, and run the tests of their calls
#   make check                lint, formatting, types, layers, JavaScript
#   make bench [ARGS=...]    measure what capture costs, and write docs/performance.md (ARGS=--quick: minutes;
#                            ARGS="--peers FOLDER": other systems, too)
#   make picture              take the pictures of the documents anew, in Chromium
#   make docs                 write the reference pages anew: docs/cli.md, docs/hooks.md
#   make package              build wheel and sdist, install the wheel into an empty environment, run it
#   make clean                remove what the others made
#
# Only Python >= 3.11 with venv and pip is needed; everything is installed below .venv.

PYTHON ?= python3
VENV ?= .venv
ARGS ?=
JOBS ?= 2
OPEN ?=

BIN = $(VENV)/bin
PIP = $(BIN)/python -m pip --disable-pip-version-check --quiet
LOCKED = $(PIP) install --constraint constraints.txt
INSTALLED_FROM = pyproject.toml constraints.txt

# Prefect's own: no user's profile, no telemetry, and patience with a slow machine.
QUIET_PREFECT = env -u PREFECT_API_URL -u PREFECT_API_KEY -u PREFECT_PROFILE -u PREFECT_LINEAGE_ENABLED \
	PREFECT_LOGGING_LEVEL=WARNING PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS=120 \
	PREFECT_SERVER_ANALYTICS_ENABLED=false DO_NOT_TRACK=1
# The demonstration keeps its data, Prefect's files and its store below zoo/, away from ~/.prefect.
ZOO = $(QUIET_PREFECT) PREFECT_HOME="$(CURDIR)/zoo/.prefect" PREFECT_LINEAGE_ROOT="$(CURDIR)/zoo" \
	PREFECT_LINEAGE_URL="sqlite:///$(CURDIR)/zoo/lineage.db"

.DELETE_ON_ERROR:
.PHONY: help bench demo test check versions libraries docs package picture clean

help:
	@sed -n -e 's/^#   make/make/p' -e 's/^#       */                          /p' Makefile

demo: $(VENV)/demo.stamp
	@rm -rf zoo zoo.html
	@mkdir -p zoo
	@echo "Running examples/zoo.py: penguins are split, a model is trained and evaluated, twice ..."
	@$(ZOO) $(BIN)/prefect-lineage run examples/zoo.py --out zoo
	@$(ZOO) $(BIN)/prefect-lineage map -o zoo.html $(if $(filter 1,$(OPEN)),--open) >/dev/null
	@$(ZOO) $(BIN)/python examples/zoo_summary.py zoo.html

test: $(VENV)/test.stamp
	$(BIN)/pytest --numprocesses $(JOBS) --dist loadfile --no-loadscope-reorder $(ARGS)

check: $(VENV)/check.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports
	$(BIN)/python tests/map/lint_scripts.py
	@if ! command -v node >/dev/null; then echo "JavaScript tests skipped: node is not installed"; \
	elif [ -n "$$(find tests -name '*.test.mjs')" ]; then node --test $$(find tests -name '*.test.mjs'); fi

versions:
	$(PYTHON) tests/versions/run.py --folder $(VENV)-versions

libraries: $(VENV)/test.stamp
	$(LOCKED) --group libraries
	$(BIN)/pytest tests/corpus tests/hooks

bench: $(VENV)/test.stamp
	$(QUIET_PREFECT) $(BIN)/python tests/benchmarks/table.py $(ARGS)

docs: $(VENV)/test.stamp
	$(BIN)/python docs/generate.py

# The pictures in the README and in docs/map.md: real maps, in a real browser.
picture: demo $(VENV)/test.stamp
	$(BIN)/python docs/picture.py zoo.html docs/map.png
	$(BIN)/python docs/picture.py --gallery zoo.html docs

# The wheel is looked into by a test, and is then tried where nothing of the checkout can help it.
package: $(VENV)/test.stamp
	rm -rf dist build/empty
	$(BIN)/python -m build --no-isolation --outdir dist .
	$(BIN)/pytest tests/project/test_wheel.py
	$(PYTHON) -m venv build/empty
	build/empty/bin/python -m pip --disable-pip-version-check --quiet install --constraint constraints.txt dist/*.whl
	cd build && empty/bin/prefect-lineage --help >/dev/null && empty/bin/prefect-lineage plugins

clean:
	rm -rf $(VENV) $(VENV)-versions build dist zoo zoo.html .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

# A stamp says that the environment is as pyproject.toml and the lock want it. `--group` needs pip 25.1.
$(VENV)/made.stamp:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed, $(PYTHON) is older: make PYTHON=python3.12 ..." >&2; exit 1; }
	@echo "Making the environment $(VENV) ..."
	@$(PYTHON) -m venv --clear $(VENV)
	@$(PIP) install --upgrade 'pip>=25.1'
	@touch $@

$(VENV)/demo.stamp: $(VENV)/made.stamp $(INSTALLED_FROM)
	@echo "Installing the project (a few minutes where nothing is cached) ..."
	@$(LOCKED) --editable '.[demo]'
	@touch $@

$(VENV)/test.stamp: $(VENV)/made.stamp $(INSTALLED_FROM)
	@echo "Installing the project and what its tests need (a few minutes where nothing is cached) ..."
	@$(LOCKED) --editable '.[demo]' --group test
	@touch $@

$(VENV)/check.stamp: $(VENV)/test.stamp
	@echo "Installing the checkers ..."
	@$(LOCKED) --group check
	@touch $@
