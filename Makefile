# heald: every target does its own set-up, and tells of it on standard error.
#
#   make demo         boots a copy of this machine, breaks three things in it, and shows heald healing them (JSON=1)
#   make test         everything that CI checks: lint, then the tests on their three levels
#   make test-all     what needs a desktop, a virtual machine with a kernel of its own, a browser, Prometheus or Nix, or minutes
#   make deb          the Debian packages, into build/deb, looked at by lintian
#   make deb-test     installs, upgrades, removes and purges them in a booted machine
#   make fleet-test   machines before a real Prometheus and Alertmanager, and a thousand that are simulated; in test-all
#   make fleet-bench  how many of a thousand machines act before the fleet's brake closes, in docs/fleet (12 minutes)
#   make nix-check    evaluates and builds what nix/ says, with a Nix that has no nixpkgs
#   make pictures     takes the pictures of the status page, desktop, dashboard and demo anew, into docs/pictures
#   make bench        repair times and costs beside systemd and monit, in bench.json (BENCH="--rounds 5", BENCH=--short)
#   make bench-history  what a year of history costs, in docs/bench/history.json
#   make lint         ruff, mypy, and the size of the code
#   make wheels       fills wheelhouse/ for an installation without a network
#   make dist         sdist and wheel of the last commit, the same bytes wherever they are built, and their hashes
#   make install      PREFIX=/usr DESTDIR= PYTHON=/usr/bin/python3; OWN_USER=1: the helper runs without root
#   make uninstall    removes what install recorded; /etc/heald and /var/lib/heald stay
#   make purge        removes those too
#   make lock         writes requirements/*.txt anew, with hashes

SHELL       := /bin/sh
PREFIX      ?= /usr
DESTDIR     ?=
PYTHON      ?= /usr/bin/python3
VENV        := .venv
BIN         := $(VENV)/bin
WHEELS      := wheelhouse
INSTALL     := $(PYTHON) install/install.py
WHERE       := --prefix="$(PREFIX)" --destdir="$(DESTDIR)"

.PHONY: demo test test-all deb deb-test fleet-test fleet-bench nix-check pictures bench bench-history lint wheels dist \
        install uninstall purge lock packages
.DELETE_ON_ERROR:

# What the tests and the demo need from the distribution. python3-dbusmock, -dbus and -gi belong to /usr/bin/python3.
PACKAGES := curl dbus dbus-daemon dbus-user-session dnf fish libpam-systemd make man-db msmtp openssl pkexec polkitd python3-dbus \
            python3-dbus-next python3-dbusmock python3-gi python3-pip python3-prometheus-client python3-psutil python3-rich \
            python3-typer python3-venv rsync sudo systemd systemd-container util-linux zsh
DESKTOP_PACKAGES := adwaita-icon-theme at-spi2-core fonts-dejavu-core gir1.2-atspi-2.0 librsvg2-common openbox \
            policykit-1-gnome scrot xauth xdotool xfce4-notifyd xvfb
VM_PACKAGES := busybox-static cpio kmod qemu-system-x86
NIX_PACKAGES := e2fsprogs mount nix-bin
NIXOS_PACKAGES := git nix-bin
DEB_PACKAGES := debhelper dh-python dpkg-dev lintian piuparts rsync
FLEET_PACKAGES := prometheus prometheus-alertmanager prometheus-node-exporter
BROWSER_PACKAGES := chromium fonts-dejavu-core pngquant

packages:
	@install/packages.sh $(PACKAGES)

$(VENV)/.stamp: requirements/test.txt | packages
	@echo "Setting up $(VENV) from requirements/test.txt ..." >&2
	@/usr/bin/python3 -m venv --system-site-packages $(VENV) >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --ignore-installed --require-hashes \
	    -r requirements/test.txt >&2
	@touch $@

wheels: $(WHEELS)/.stamp

# The locks that they were made from lie beside them: a folder that was brought along is taken as it is, however old.
$(WHEELS)/.stamp: requirements/run.txt requirements/helper.txt
	@if ! cat $^ | cmp -s - $(WHEELS)/locks.txt; then \
	    install/packages.sh python3-pip && \
	    echo "Filling $(WHEELS) from requirements/run.txt ..." >&2 && \
	    rm -rf build/$(WHEELS) && mkdir -p build && \
	    $(PYTHON) -m pip wheel --quiet --disable-pip-version-check --no-deps --require-hashes \
	        --wheel-dir build/$(WHEELS) -r requirements/run.txt >&2 && \
	    cat $^ > build/$(WHEELS)/locks.txt && rm -rf $(WHEELS) && mv build/$(WHEELS) $(WHEELS); \
	fi
	@touch $@

lint: $(VENV)/.stamp
	$(BIN)/ruff check controller helper tests install
	$(BIN)/mypy
	cd install && ../$(BIN)/mypy --config-file ../pyproject.toml install.py store.py
	$(BIN)/python tests/size.py

test: lint $(WHEELS)/.stamp
	$(BIN)/python -m pytest -m "not long"

test-all: $(VENV)/.stamp $(WHEELS)/.stamp deb-test nix-check fleet-test
	@install/packages.sh $(VM_PACKAGES) $(BROWSER_PACKAGES) $(DESKTOP_PACKAGES) $(NIX_PACKAGES) prometheus
	HEALD_WATCH_SECONDS=120 $(BIN)/python -m pytest tests/machine/test_loops.py -k left_alone & watch=$$!; \
	    $(BIN)/python -m pytest tests/vm; machine=$$?; wait $$watch && exit $$machine
	$(BIN)/python -m pytest tests/browser tests/desktop tests/nix
	HEALD_HOSTILE_SECONDS=60 $(BIN)/python -m pytest -m long
	@$(MAKE) --no-print-directory bench BENCH=--short

deb:
	@install/packages.sh $(DEB_PACKAGES)
	@rm -rf build/deb
	@install/deb.sh build/deb

deb-test: $(VENV)/.stamp $(WHEELS)/.stamp
	@install/packages.sh $(DEB_PACKAGES)
	$(BIN)/python -m pytest tests/deb/test_minimal.py & minimal=$$!; \
	    $(BIN)/python -m pytest tests/deb --ignore=tests/deb/test_minimal.py; machines=$$?; \
	    wait $$minimal && exit $$machines

fleet-test: $(VENV)/.stamp $(WHEELS)/.stamp
	@install/packages.sh $(FLEET_PACKAGES)
	$(BIN)/python -m pytest tests/fleet

fleet-bench: $(VENV)/.stamp
	@install/packages.sh $(FLEET_PACKAGES)
	@PYTHONPATH=tests:controller $(BIN)/python -m fleet $(FLEET)

nix-check: $(VENV)/.stamp $(WHEELS)/.stamp
	@install/packages.sh $(NIXOS_PACKAGES)
	$(BIN)/python -m pytest tests/nixos

pictures: $(VENV)/.stamp $(WHEELS)/.stamp
	@install/packages.sh $(BROWSER_PACKAGES) $(DESKTOP_PACKAGES)
	@PYTHONPATH=tests:controller $(BIN)/python -m browser
	@PYTHONPATH=tests $(BIN)/python -m desktop docs/pictures
	@PYTHONPATH=controller $(BIN)/python tests/dashboard_picture.py
	@PYTHONPATH=tests $(BIN)/python tests/demo_picture.py

demo: $(VENV)/.stamp $(WHEELS)/.stamp
	@PYTHONPATH=tests $(BIN)/python -m demo $(if $(JSON),--json)

bench: $(VENV)/.stamp $(WHEELS)/.stamp
	@install/packages.sh dbus-bin monit
	@PYTHONPATH=tests $(BIN)/python -m bench $(BENCH)

bench-history: $(VENV)/.stamp $(WHEELS)/.stamp
	@PYTHONPATH=tests:controller $(BIN)/python -m bench.history
	@PYTHONPATH=tests $(BIN)/python tests/history_table.py

install: $(WHEELS)/.stamp
install uninstall purge:
	@$(INSTALL) $@ $(WHERE) --python="$(PYTHON)" $(if $(OWN_USER),--own-user)

# Of what is committed and nothing else, at the time of the commit.
dist: requirements/build.txt
	@install/packages.sh git python3-venv
	@rm -rf build/dist build/heald dist && mkdir -p build/heald
	@/usr/bin/python3 -m venv build/dist
	@build/dist/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/build.txt
	@git archive HEAD | tar --extract --directory=build/heald
	@epoch=$$(git log -1 --format=%ct) && cd build/heald && \
	    SOURCE_DATE_EPOCH=$$epoch ../dist/bin/python -m hatchling build --directory ../../dist
	@cd dist && sha256sum -- * > SHA256SUMS && cat SHA256SUMS

lock:
	/usr/bin/python3 -m venv build/lock
	build/lock/bin/pip install --quiet --disable-pip-version-check pip-tools
	for lock in run:pyproject.toml helper:requirements/helper.in test:requirements/test.in build:requirements/build.in; do \
	    build/lock/bin/pip-compile --quiet --generate-hashes --strip-extras --allow-unsafe --no-header \
	        --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
	        --output-file "requirements/$${lock%%:*}.txt" "$${lock#*:}" || exit 1; \
	done
