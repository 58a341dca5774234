# Chatbox from a clone: make run, make test, make check, make build. CONTRIBUTING.md says more.
# A stamp file stands for what was installed from a lock file; a newer lock file installs again.

PYTHON ?= python3
ARGS ?=
BENCH_ARGS ?=
PROFILE_ARGS ?=
FAULTS_ARGS ?=
PYTEST_ARGS ?= -n 3 --dist loadgroup

VENV := .venv
VENV_BUILD := .venv-build
VENV_LOCK := .venv-lock
VENV_BENCH := .venv-bench
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check --require-hashes
JS_TESTS = $(shell find tests/js \( -name '*.test.js' -o -name '*.test.mjs' \) 2>/dev/null | sort)

.PHONY: run test test-js test-python test-browser check ruff mypy tsc build smoke bench bench-quick profile faults lock clean

run: $(VENV)/runtime.stamp
	@exec $(VENV)/bin/python chatbox.py $(ARGS)

test: test-js test-python bench-quick test-browser

test-js:
	@sh .ci/need node
	$(if $(JS_TESTS),node --test $(JS_TESTS),@echo "tests/js has no tests")

test-python: $(VENV)/test.stamp
	@sh .ci/need chromium node openssl curl maybe compiler libssl strace libfaketime iproute2 systemd dig postgresql redis haproxy
	$(VENV)/bin/python -m pytest $(PYTEST_ARGS)

# By themselves: what drives the browser keeps an event loop of its own running in the process.
test-browser: $(VENV)/test.stamp
	@sh .ci/need chromium certutil maybe iproute2
	$(VENV)/bin/python -m pytest $(PYTEST_ARGS) tests/browser

check: ruff mypy tsc test

ruff: $(VENV)/test.stamp
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check

mypy: $(VENV)/test.stamp
	$(VENV)/bin/mypy

tsc: node_modules/typescript.stamp
	node_modules/.bin/tsc --project tsconfig.json
	node_modules/.bin/tsc --project tsconfig.worker.json
	$(if $(JS_TESTS),node_modules/.bin/tsc --project tests/js/tsconfig.json)

build: dist/chatbox

dist/chatbox: $(VENV_BUILD)/build.stamp build.spec chatbox.py $(shell find chatbox assets -type f -not -name '*.pyc' 2>/dev/null)
	$(VENV_BUILD)/bin/pyinstaller --clean --noconfirm --log-level WARN build.spec
	@ls -l dist/chatbox

smoke: dist/chatbox $(VENV)/test.stamp
	$(VENV)/bin/python -m tests.executable.smoke dist/chatbox
	$(VENV)/bin/python -m tests.executable.anywhere dist/chatbox

bench: $(VENV)/runtime.stamp $(VENV_BENCH)/rivals.stamp benchmarks/node_modules/rivals.stamp
	@sh .ci/need compiler libssl
	$(VENV)/bin/python -m benchmarks.run $(BENCH_ARGS)

profile: $(VENV)/runtime.stamp $(VENV_BENCH)/rivals.stamp
	@sh .ci/need compiler libssl
	$(VENV)/bin/python -m benchmarks.profiling $(PROFILE_ARGS)

# Between the tests in make test, one after the other: the machine has nothing else to do then.
bench-quick: $(VENV)/runtime.stamp benchmarks/node_modules/rivals.stamp
	@sh .ci/need maybe compiler libssl
	$(VENV)/bin/python -m benchmarks.quick

# The long forms of tests/faults, about two hours; what was done before is not done again.
faults: $(VENV)/test.stamp
	@sh .ci/need node compiler maybe strace libfaketime
	$(VENV)/bin/python -m tests.faults $(FAULTS_ARGS)

$(VENV)/runtime.stamp: requirements/runtime.txt | $(VENV)/pyvenv.cfg
	@echo "Installing what Chatbox needs into $(VENV)"
	@$(VENV)/bin/python $(PIP_INSTALL) -r $<
	@touch $@

$(VENV)/test.stamp: requirements/test.txt $(VENV)/runtime.stamp
	@echo "Installing what the tests need into $(VENV)"
	@$(VENV)/bin/python $(PIP_INSTALL) -r $<
	@touch $@

# The bootloader is compiled here, with zlib inside, so that the executable needs nothing but libc and libm.
# No cache: pip would take a bootloader from there that was built with zlib outside.
$(VENV_BUILD)/build.stamp: requirements/setup.txt requirements/build.txt requirements/runtime.txt | $(VENV_BUILD)/pyvenv.cfg
	@sh .ci/need compiler
	@echo "Installing what the executable is built with into $(VENV_BUILD)"
	@$(VENV_BUILD)/bin/python $(PIP_INSTALL) -r requirements/setup.txt -r requirements/runtime.txt
	@PYI_STATIC_ZLIB=1 PYINSTALLER_COMPILE_BOOTLOADER=1 $(VENV_BUILD)/bin/python $(PIP_INSTALL) \
		--no-cache-dir --no-build-isolation --no-binary pyinstaller -r requirements/build.txt
	@touch $@

$(VENV_BENCH)/rivals.stamp: benchmarks/requirements.txt | $(VENV_BENCH)/pyvenv.cfg
	@echo "Installing the rivals of the benchmarks into $(VENV_BENCH)"
	@$(VENV_BENCH)/bin/python $(PIP_INSTALL) -r $<
	@touch $@

benchmarks/node_modules/rivals.stamp: benchmarks/package-lock.json
	@sh .ci/need node
	cd benchmarks && npm ci --ignore-scripts
	@touch $@

node_modules/typescript.stamp: package-lock.json
	@sh .ci/need node
	npm ci --ignore-scripts
	@touch $@

%/pyvenv.cfg:
	@sh .ci/need python "$(PYTHON)"
	@$(PYTHON) -m venv $* || { rm -rf $*; exit 1; }

# Newer versions of everything, within what the .in files allow, for every system and Python that Chatbox runs on.
lock: $(VENV_LOCK)/lock.stamp
	cd requirements && for name in lock setup runtime test build ../benchmarks/requirements; do \
		../$(VENV_LOCK)/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 \
			--generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate \
			--custom-compile-command "make lock" $$name.in --output-file $$name.txt || exit 1; \
	done
	npm install --package-lock-only --ignore-scripts
	cd benchmarks && npm install --package-lock-only --ignore-scripts

$(VENV_LOCK)/lock.stamp: requirements/lock.txt | $(VENV_LOCK)/pyvenv.cfg
	@$(VENV_LOCK)/bin/python $(PIP_INSTALL) -r $<
	@touch $@

clean:
	rm -rf $(VENV) $(VENV_BUILD) $(VENV_LOCK) $(VENV_BENCH) build dist node_modules benchmarks/node_modules
