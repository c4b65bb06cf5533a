# The verbs of this repository. Each sets up what it needs.
#
#   make setup             builds .venv: libraries, ROS 2, our messages
#   make demo [SECONDS=0]  films the simulated actor, shows the node's results (0: until Ctrl-C)
#   make demo VIEW=1       the same, with a live page in the browser
#   make test | lint       the checks of continuous integration
#   make test-ros          the tests of the nodes alone
#   make soak [MINUTES=30] the node at 30 Hz with every known fault injected at random: a report
#   make bench             the tables of docs/performance.md
#   make fuzz [INPUTS=40000]  hostile images and messages; number of inputs of each of seven kinds
#   make parity            our network against the authors' own, output by output
#   make lock              rewrites the lock files from setup.cfg
#   make clean             removes everything that the other verbs made
#
# Choices, for each of them:
#   ROS=kilted|jazzy       wheels of that distribution (kilted); a sourced distribution is used as it is
#   TORCH=cpu|cuda         the build of torch (default: cuda if nvidia-smi lists a GPU, otherwise cpu)
#   PYTHON=python3.12      the interpreter, 3.11 to 3.13
#   VENV=FOLDER            another environment (.venv; of jazzy .venv-jazzy)

PYTHON ?= python3
TORCH ?= $(if $(shell nvidia-smi -L 2>/dev/null),cuda,cpu)
SECONDS = 20
MINUTES = 30
OUTPUT = demo_output
INPUTS = 40000

# A sourced distribution has rclpy and the generators; otherwise they are installed as wheels.
ifneq ($(ROS_DISTRO),)
ifneq ($(filter-out sourced,$(ROS)),)
$(error ROS 2 $(ROS_DISTRO) is sourced and ROS=$(ROS) asks for wheels: use a shell that has not sourced it)
endif
ROS := sourced
VENV ?= .venv
CMAKE_PREFIX = $(PREFIX):$(AMENT_PREFIX_PATH)
else
ROS ?= kilted
VENV ?= .venv$(if $(filter-out kilted,$(ROS)),-$(ROS))
CMAKE_PREFIX = $(PREFIX)
ROS_LOCK = requirements-$(ROS).lock
endif

BIN := $(abspath $(VENV))/bin
PREFIX := $(abspath $(VENV))
STAMP := $(VENV)/.setup-done-$(ROS)-$(TORCH)
LIBRARIES := $(VENV)/.libraries-done-$(ROS)-$(TORCH)

.PHONY: setup demo test test-ros lint fuzz soak bench parity lock clean
.DELETE_ON_ERROR:

setup: $(STAMP)

$(LIBRARIES): requirements.lock $(ROS_LOCK) .ci/set_up.py
	@$(PYTHON) .ci/set_up.py --venv $(VENV) --ros $(ROS) --torch $(TORCH)
	@touch $@

$(STAMP): $(LIBRARIES) CMakeLists.txt package.xml setup.cfg $(wildcard msg/*.msg)
	@echo 'setup: building the messages, half a minute'
	@PATH=$(BIN):$$PATH AMENT_PREFIX_PATH=$(CMAKE_PREFIX) CMAKE_PREFIX_PATH=$(CMAKE_PREFIX) \
	  cmake -S . -B $(VENV)/build -G Ninja -Wno-author -DCMAKE_INSTALL_PREFIX=$(PREFIX) \
	  -DPython3_EXECUTABLE=$(BIN)/python -DAMENT_CMAKE_SYMLINK_INSTALL=1 -DBUILD_TESTING=OFF \
	  --log-level=WARNING
	@PATH=$(BIN):$$PATH cmake --build $(VENV)/build --target install > $(VENV)/build/install.log \
	  || { cat $(VENV)/build/install.log; exit 1; }
	@# The environment keeps the built messages; the code comes from this checkout.
	@cd $$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))') \
	  && find pose_action_ros -mindepth 1 -maxdepth 1 ! -name msg ! -name '*.so' -exec rm -r {} + \
	  && echo '$(CURDIR)' > pose_action_ros_checkout.pth
	@echo 'setup: importing what was installed'
	@$(BIN)/pose-action doctor
	@touch $@
	@echo 'setup: done. `make demo` shows it; `. $(VENV)/bin/activate` gives you pose-action and ROS 2'

demo: setup
	$(BIN)/python -m pose_action_ros.demo.show --seconds $(SECONDS) --output $(OUTPUT) \
	  $(if $(VIEW),--view)

test: setup
	$(BIN)/python -m pytest

test-ros: setup
	$(BIN)/python -m pytest test/ros test/demo

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
	$(BIN)/pose-action bench --weights demo --rounds 30
	$(BIN)/pose-action bench --weights untrained:ntu --rounds 10
	$(BIN)/pose-action bench --weights untrained:penn_action --rounds 6
	$(BIN)/python benchmarks/node_rate.py --weights demo
	$(BIN)/python benchmarks/node_rate.py --weights untrained:ntu --rates 15,20,22,25,30
	$(BIN)/python benchmarks/node_cost.py
	$(BIN)/python benchmarks/start_time.py --weights people
	$(BIN)/python benchmarks/start_time.py --weights untrained:ntu

lock:
	rm -rf $(VENV)-lock && $(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/pip install -q torch==2.13.0
	$(VENV)-lock/bin/pip install -q '.[train,bag,openvino,export,film,view,cluster,dev]'
	$(VENV)-lock/bin/python .ci/write_lock.py > requirements.lock
	for ros in kilted jazzy; do \
	  $(PYTHON) -m venv --clear $(VENV)-lock && \
	  grep -v '^torch==' requirements.lock > $(VENV)-lock/constraints.txt && \
	  $(PYTHON) .ci/write_lock.py --extra $$ros > $(VENV)-lock/needs.txt && \
	  $(VENV)-lock/bin/pip install -q -c $(VENV)-lock/constraints.txt -r $(VENV)-lock/needs.txt && \
	  $(VENV)-lock/bin/python .ci/write_lock.py requirements.lock > requirements-$$ros.lock || exit 1; \
	done
	rm -rf $(VENV)-lock

clean:
	rm -rf .venv .venv-jazzy $(VENV) $(VENV)-lock $(OUTPUT) build install log
