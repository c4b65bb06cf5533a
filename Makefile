# The verbs of this repository. `make demo` and `make test` set up what they need.
#
#   make setup             builds .venv: libraries, ROS 2, our messages
#   make demo [SECONDS=0]  films the simulated actor, shows what the node sees (0: until Ctrl-C)
#   make test | lint       what continuous integration runs
#   make soak [MINUTES=30] the node at 30 Hz with every known fault injected at random: a report
#   make bench             the tables of docs/performance.md
#   make fuzz [INPUTS=40000]  hostile images and messages, so many of each of seven kinds
#   make parity            our network against the authors' own, output by output
#   make lock              writes requirements.lock anew from setup.cfg
#   make clean             removes what the others made

VENV ?= .venv
PYTHON ?= python3
SECONDS = 20
MINUTES = 30
OUTPUT = demo_output
INPUTS = 40000

BIN := $(abspath $(VENV))/bin
PREFIX := $(abspath $(VENV))
STAMP := $(VENV)/.setup-done
PIP := $(BIN)/pip --disable-pip-version-check

# A sourced distribution brings rclpy, numpy and OpenCV; its binaries want its own numpy.
ifneq ($(ROS_DISTRO),)
VENV_OPTIONS := --system-site-packages
LEFT_OUT := ^(ros-|numpy=|opencv-)
CMAKE_PREFIX := $(PREFIX):$(AMENT_PREFIX_PATH)
else
LEFT_OUT := ^\#
CMAKE_PREFIX := $(PREFIX)
endif

# Without a GPU the CPU build of torch serves, which lives on its own index.
TORCH_CPU := https://download.pytorch.org/whl/cpu
TORCH_INDEX = $(shell command -v nvidia-smi >/dev/null || $(PYTHON) -c \
  "import urllib.request as r; r.urlopen('$(TORCH_CPU)/torch/', timeout=5)" 2>/dev/null \
  && echo --extra-index-url $(TORCH_CPU))

.PHONY: setup demo test lint soak fuzz bench parity lock clean
.DELETE_ON_ERROR:

setup: $(STAMP)

$(VENV)/.libraries-done: requirements.lock
	$(PYTHON) -m venv $(VENV_OPTIONS) $(VENV)
	grep -vE '$(LEFT_OUT)' requirements.lock > $(VENV)/requirements.txt
	$(PIP) install -q --no-deps $(TORCH_INDEX) -r $(VENV)/requirements.txt
	@# The wheels' CMake targets name the include folders of the machine that built them.
	grep -rlE '/opt/python/cp[0-9]+' $(VENV)/share --include='*.cmake' 2>/dev/null | xargs -r sed -i -E \
	  -e "s#/opt/python/cp[^;\"]*/numpy/_core/include#$$($(BIN)/python -c 'import numpy; print(numpy.get_include())')#g" \
	  -e "s#/opt/python/cp[^;\"]*/include/python3[0-9.]*#$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("include"))')#g"
	touch $@

$(STAMP): $(VENV)/.libraries-done CMakeLists.txt package.xml setup.cfg $(wildcard msg/*.msg)
	PATH=$(BIN):$$PATH AMENT_PREFIX_PATH=$(CMAKE_PREFIX) CMAKE_PREFIX_PATH=$(CMAKE_PREFIX) \
	  cmake -S . -B $(VENV)/build -G Ninja -Wno-dev -DCMAKE_INSTALL_PREFIX=$(PREFIX) \
	  -DPython3_EXECUTABLE=$(BIN)/python -DAMENT_CMAKE_SYMLINK_INSTALL=1 -DBUILD_TESTING=OFF \
	  --log-level=WARNING
	PATH=$(BIN):$$PATH cmake --build $(VENV)/build --target install > $(VENV)/build/install.log \
	  || { cat $(VENV)/build/install.log; exit 1; }
	@# The environment keeps the built messages; the code comes from this checkout.
	cd $$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))') \
	  && find pose_action_ros -mindepth 1 -maxdepth 1 ! -name msg ! -name '*.so' -exec rm -r {} + \
	  && echo '$(CURDIR)' > pose_action_ros_checkout.pth
	touch $@

demo: setup
	$(BIN)/python -m pose_action_ros.ros.demo --seconds $(SECONDS) --output $(OUTPUT)

test: setup
	$(BIN)/python -m pytest

lint: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

fuzz: setup
	INPUTS=$(INPUTS) $(BIN)/python -m pytest -q test/hostile --hypothesis-profile=fuzz --hypothesis-show-statistics --timeout=0

parity: setup
	$(BIN)/python -m pytest -q -s -m parity

soak: setup
	$(BIN)/python benchmarks/soak.py --minutes $(MINUTES) --log soak.log

bench: setup
	$(BIN)/pose-action bench --preset demo --rounds 30
	$(BIN)/pose-action bench --preset ntu --rounds 10
	$(BIN)/pose-action bench --preset penn_action --rounds 6
	$(BIN)/python benchmarks/node_rate.py --weights demo
	$(BIN)/python benchmarks/node_rate.py --weights untrained:ntu --rates 15,20,22,25,30
	$(BIN)/python benchmarks/node_cost.py

lock:
	rm -rf $(VENV)-lock && $(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/pip install -q torch==2.13.0
	$(VENV)-lock/bin/pip install -q '.[train,bag,openvino,export,ros,dev]'
	$(VENV)-lock/bin/python .ci/write_lock.py > requirements.lock
	rm -rf $(VENV)-lock

clean:
	rm -rf $(VENV) $(VENV)-lock $(OUTPUT) build install log
