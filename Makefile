# The front door. Each target that people call has a sentence after ##; `make help` prints them.

JOBS ?= $(shell nproc)
# Half of the longer tests wait for other processes, not for a processor.
TEST_JOBS ?= $(shell echo $$((2 * $(JOBS))))
FUZZ_SECONDS ?= 30
SOAK_MINUTES ?= 4
# The clock's, if it is empty.
SOAK_SEED ?=
# The only place of the version.
VERSION = $(shell sed -n 's,^project.node_device_operator VERSION \([0-9.]*\).*,\1,p' CMakeLists.txt)
CLUSTER ?= dev
# The virtual machine is one of this kind, and runs the programs that are built here.
HAS_VM = $(filter x86_64,$(shell uname -m))
SCRIPTS = $(shell find .ci scripts tests/bench tests/bundle tests/cluster tests/cluster/vm tests/commands tests/image tests/monitoring tests/soak -maxdepth 1 -type f -perm -u+x)
SOURCES = find agent controller devicemanager lib plugin tests -name '*.h' -o -name '*.cc'

.DEFAULT_GOAL := help
.PHONY: help deps build run test test-tsan image test-image bundle test-bundle test-commands cluster
.PHONY: cluster-tools cluster-down olm-tools peer-tools vm-tools test-vm e2e fuzz coverage soak lint format
.PHONY: bench conformance clean

help: ## Print this list
	@awk -F ':.*## ' '/^[a-z][a-z0-9-]*:.*## / {printf "  %-13s  %s\n", $$1, $$2}' Makefile

deps: ## Install the Debian packages that are missing
	@scripts/install-deps

build: ## Build the programs that are shipped: build/release/bin
	cmake --preset release
	cmake --build --preset release -j $(JOBS) --target node-device-agent node-device-plugin node-device-controller device-manager

run: deps build ## Do the main job on this machine's own devices (RUN_ONCE=1 ends after the sample pod)
	scripts/run.sh

test: deps ## Build everything and run all tests, under AddressSanitizer and UndefinedBehaviorSanitizer
	cmake --preset dev
	cmake --build --preset dev -j $(JOBS)
	ctest --preset dev -j $(TEST_JOBS)

test-tsan: deps ## The tests of what crosses threads, under ThreadSanitizer
	cmake --preset tsan
	cmake --build --preset tsan -j $(JOBS)
	ctest --preset tsan -j $(JOBS)

image: deps build ## Make an image of the programs without a registry: build/image/node-device-operator.tar
	scripts/image

test-image: image ## Check how the programs were built, and what is said of the image's contents
	tests/image/run

bundle: deps ## Make the bundle of this version for OperatorHub, in bundle/, and the alerts' links
	scripts/home-page
	scripts/bundle $(VERSION) bundle

test-bundle: deps ## Check bundle, catalog and manifests as OperatorHub does; needs olm-tools and cluster-tools
	tests/bundle/run

test-commands: image ## Run the documents' commands for images, registries and mirrors; needs what test-bundle needs
	@scripts/install-deps --images
	tests/commands/run

olm-tools: ## Build the Operator Lifecycle Manager, its opm and its checks of bundles
	tests/cluster/build-tools olm

peer-tools: deps ## Build other people's device plugins, and the driver's library that is played to one
	tests/cluster/build-tools peers
	cmake --preset release
	cmake --build --preset release -j $(JOBS) --target fake_nvml

cluster-tools: ## Build Kubernetes, etcd and the images of the stories' pods
	@scripts/install-deps --cluster
	tests/cluster/build-tools
	tests/cluster/test-images

cluster: image cluster-tools ## Start a real Kubernetes on this machine (CLUSTER=dev), with the image in it
	tests/cluster/cluster up $(CLUSTER) n1
	@echo "export KUBECONFIG=$(CURDIR)/build/cluster/clusters/$(CLUSTER)/kubeconfig"
	@echo "export PATH=\$$PATH:$(CURDIR)/build/cluster/bin    # kubectl"
	@echo "kubectl apply -k operator-manifests"
	@echo "kubectl label node n1 workshop=true"
	@echo "kubectl apply -f operator-manifests/samples/workshop.yaml"

cluster-down: ## End every cluster, with all that belongs to it
	tests/cluster/cluster down --all

vm-tools: deps build ## Get the kernel of the virtual machine, and build what plays in it
	@scripts/install-deps --vm
	tests/cluster/vm/kernel
	cmake --build --preset release -j $(JOBS) --target vfio-probe

test-vm: vm-tools ## Prove family pci on a kernel with vfio, in an emulated machine (x86-64 only)
	cmake --preset dev
	cmake --build --preset dev -j $(JOBS) --target cluster_stories
	build/dev/bin/cluster_stories --gtest_filter='Vfio*'

e2e: image cluster-tools olm-tools peer-tools $(if $(HAS_VM),vm-tools) ## Play the stories of tests/cluster on a real Kubernetes (STORIES='*Kubelet*': some)
	cmake --preset dev
	cmake --build --preset dev -j $(JOBS) --target cluster_stories
	tests/cluster/e2e $(if $(STORIES),'$(STORIES)')

fuzz: deps ## Fuzz each parser for FUZZ_SECONDS (30); findings land in build/fuzz/findings
	cmake --preset fuzz
	cmake --build --preset fuzz -j $(JOBS) --target fuzzers
	@set -e; for target in build/fuzz/bin/*_fuzz; do \
	  name=$$(basename "$$target" _fuzz); \
	  echo "== $$name, $(FUZZ_SECONDS) s"; \
	  mkdir -p "build/fuzz/corpus/$$name" build/fuzz/findings; \
	  "$$target" -max_total_time=$(FUZZ_SECONDS) -timeout=10 -print_final_stats=1 -verbosity=0 \
	    -artifact_prefix="build/fuzz/findings/$$name-" \
	    "build/fuzz/corpus/$$name" "tests/fuzz/corpus/$$name"; \
	done

coverage: deps ## Count which lines of the pure cores the unit tests run; build/coverage/html shows the others
	JOBS=$(JOBS) scripts/coverage

soak: deps ## Play faults of a node from a seed, SOAK_MINUTES (4) with sanitizers and as long without (SOAK_SEED=n)
	tests/soak/run --minutes $(SOAK_MINUTES) $(if $(SOAK_SEED),--seed $(SOAK_SEED))

lint: deps ## Check the format of every file, scripts, alerts and dashboards, and run clang-tidy on the programs
	shellcheck --severity=warning $(SCRIPTS)
	tests/monitoring/run
	$(SOURCES) | xargs clang-format --dry-run -Werror
	cmake --preset dev
	cmake --build --preset dev -j $(JOBS) --target nodedevice_proto
	JOBS=$(JOBS) scripts/lint

format: ## Format every file in place
	$(SOURCES) | xargs clang-format -i

bench: build cluster-tools ## Measure everything beside its goals (BENCH=run: the plugin only); wants a machine that rests
	tests/bench/$(or $(BENCH),all)

conformance: build ## Check a device plugin against a kubelet's rules: PLUGIN='./my-plugin --dir {plugin-dir}'
	build/release/bin/device-manager conformance -- $(PLUGIN)

clean: cluster-down ## Remove everything that was built
	rm -rf build
