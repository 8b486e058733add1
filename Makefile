# make demo   from a fresh clone to a trained, tested, visible result
# make test   the test suite
# make docs   the site -> docs/_build/html
# All create the environment in VENV on first use and reuse it after. To use one you already have:
#   make test VENV=$VIRTUAL_ENV

VENV ?= .venv
PYTHON ?= python3
BIN = $(VENV)/bin
STAMP = $(VENV)/.segfusion-installed
# Tests run side by side, one thread each: faster than one process with all threads.
JOBS ?= $(shell nproc 2>/dev/null || echo 2)

.PHONY: demo test docs env clean

env: $(STAMP)

$(STAMP): requirements.txt constraints.txt setup.cfg setup.py
	@test -x $(BIN)/python || { echo "[set-up] creating $(VENV)"; $(PYTHON) -m venv $(VENV); }
	@echo "[set-up] installing (a few minutes the first time, mostly torch)"
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --progress-bar on -c constraints.txt -e '.[test]'
	@touch $@

demo: $(STAMP)
	$(BIN)/python tools/demo.py

test: $(STAMP)
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal -q

docs: $(STAMP)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[docs]'
	$(BIN)/python -W ignore -m sphinx -q -W --keep-going -b html docs docs/_build/html
	@echo 'docs/_build/html/index.html'

clean:
	rm -rf build dist custom_modules/*.egg-info .pytest_cache docs/_build docs/generated
