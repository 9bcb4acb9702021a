# make demo: set up, train on the built-in avatars, draw, write a report.
# make test: set up, check style and types, run the tests.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

DEMO_MINUTES ?= 6
AVATARS := runs/avatars-32.zip

.PHONY: demo test test-slow lint clean

demo: $(VENV)/.demo-ready $(AVATARS)
	$(BIN)/stylesmith train $(AVATARS) --preset small-avatars --out runs/demo --force \
		--minutes $(DEMO_MINUTES)
	$(BIN)/stylesmith generate runs/demo --seeds 0-31 --psi 0.7 --columns 8 \
		--out runs/demo/samples.png --force
	@echo "Open runs/demo/report.html and runs/demo/samples.png."

test: lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2

test-slow: $(VENV)/.test-ready
	$(BIN)/python -m pytest -q -m slow

lint: $(VENV)/.test-ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf $(VENV) build dist

$(AVATARS): $(VENV)/.demo-ready
	$(BIN)/stylesmith data make avatars $@ --count 10000 --resolution 32 --force

$(VENV)/.demo-ready: $(BIN)/python pyproject.toml constraints.txt
	$(INSTALL) -e ".[demo]"
	@touch $@

$(VENV)/.test-ready: $(BIN)/python pyproject.toml constraints.txt
	$(INSTALL) -e ".[dev]"
	@touch $@ $(VENV)/.demo-ready

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "error: $$($(PYTHON) --version) found, Python 3.11 or newer wanted: make PYTHON=python3.12"; exit 2; }
	$(PYTHON) -m venv $(VENV)
