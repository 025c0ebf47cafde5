# The tasks of the project. `make help` lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash -o pipefail

VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS  := -s -w -X github.com/dualstrap/dualstrap/cmd/internal/cli.version=$(VERSION)
FUZZTIME ?= 5s

# The newest release of Kubernetes that dualstrap knows.
NEWEST := v1.37.2
TOOLS    := $(CURDIR)/build/tools

# The version comes from git describe. Go must not ask git, too: in a clone of another owner, which git does not trust, the
# build would fail.
export GOFLAGS += -buildvcs=false

.PHONY: help
help: ## list the tasks with descriptions
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: prerequisites bundle ## on a fresh Debian machine, as root: build everything, create hosts in containers, check them, create a cluster
	@tools/demo.sh

.PHONY: demo-down
demo-down: lab-down ## remove the hosts of the demo

.PHONY: transcript
transcript: prerequisites bundle lab-down # record a demo on new hosts in docs/transcript.txt
	tools/demo.sh | sed -e 1d -e 's,$(CURDIR)/,,g' -e 's/ *$$//' >docs/transcript.txt

.PHONY: lab
lab: prerequisites build ## as root: create hosts for trying dualstrap, in containers
	build/dualstrap lab up

.PHONY: lab-down
lab-down: build ## remove the hosts of the lab
	build/dualstrap lab down

.PHONY: build
build: ## build build/dualstrap, a static executable
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o build/dualstrap ./cmd/dualstrap

# bundle build skips what is up to date, so this target is always out of date for make.
.PHONY: bundle
bundle: prerequisites build ## build build/bundle, all that hosts need to become nodes: 20 minutes the first time
	build/dualstrap bundle build --output build/bundle

.PHONY: bundle-newest
bundle-newest: bundle ## build build/bundle-newest, for the newest Kubernetes release: 10 minutes more the first time
	build/dualstrap bundle build --kubernetes-version $(NEWEST) --output build/bundle-newest

# Many tests wait, so more of them run in parallel than there are cores.
.PHONY: unit
unit: ## run go vet and the unit tests, for a quick check
	go vet ./...
	go test -parallel 8 ./...

.PHONY: hostile
hostile: ## run the tests of bad input, and update their table in docs/security.md
	go test -json -run '^TestHostile' ./... | go run ./tools/hostile -write

.PHONY: test
test: prerequisites bundle bundle-newest tools lint generated ## run everything from a clean clone: linters, unit tests with the race detector, fuzzing, integration tests
	DUALSTRAP_TOOLS=$(TOOLS) tools/test.sh $(FUZZTIME)

# It takes hours. SEED=N repeats the series of that number.
.PHONY: soak
soak: prerequisites bundle programs ## run the long tests: runs killed at random moments, thousands of nodes
	DUALSTRAP_TOOLS=$(TOOLS) tools/soak.sh $(SEED)

.PHONY: lint
lint: $(TOOLS)/golangci-lint ## run the linters on Go code and scripts, and check the formatting
	$(TOOLS)/golangci-lint run ./...
	$(TOOLS)/golangci-lint fmt --diff ./...
	tools/shellcheck.sh

.PHONY: fmt
fmt: $(TOOLS)/golangci-lint ## format all Go code
	$(TOOLS)/golangci-lint fmt ./...

.PHONY: golden
golden: ## update all golden files; read the diff before you commit it
	go test $$(grep -rlE --include='*_test.go' 'flag.Bool\("update"|internal/goldentest"' . | xargs dirname | sort -u) -run 'Golden|Corpus' -update

.PHONY: bench
bench: programs ## run the benchmarks, and print them with a description of the machine
	@DUALSTRAP_TOOLS=$(TOOLS) tools/bench.sh

.PHONY: generate
generate: $(TOOLS)/controller-gen ## regenerate deep copies, CRDs and schemas from the types
	tools/generate.sh

.PHONY: generated
generated: $(TOOLS)/controller-gen # fail if generated files are not up to date
	tools/generate.sh --check

# It needs a database on the network, so it is not part of make test.
.PHONY: vuln
vuln: $(TOOLS)/govulncheck ## look for published vulnerabilities in dualstrap and in the components of bundles
	tools/vuln.sh $(TOOLS)/govulncheck

# Programs that tests and tasks need. The tools for Go code are modules of their own, so that their dependencies stay out of
# dualstrap's go.mod. The programs that validate rendered files come from the bundle.
.PHONY: tools
tools: $(TOOLS)/golangci-lint $(TOOLS)/controller-gen programs

$(TOOLS)/golangci-lint: tools/lint/go.mod
	go build -C tools/lint -o $(TOOLS)/ tool && touch $@

$(TOOLS)/controller-gen: tools/generate/go.mod $(wildcard tools/generate/openapi/*.go)
	go build -C tools/generate -o $(TOOLS)/ tool && touch $@

$(TOOLS)/govulncheck: tools/vuln/go.mod
	go build -C tools/vuln -o $(TOOLS)/ tool && touch $@

.PHONY: programs
programs: bundle
	build/dualstrap bundle extract build/bundle kube-apiserver kube-controller-manager kubeadm etcd containerd ptp host-local portmap --output-dir $(TOOLS)

.PHONY: prerequisites
prerequisites: # install the Debian packages that are missing
	@tools/prerequisites.sh

.PHONY: clean
clean: ## remove all build results
	rm -rf build
