# SPDX-License-Identifier: GPL-2.0-or-later
#
# make help lists the targets.

PREFIX   ?= /usr
SBINDIR  ?= /sbin
MANDIR   ?= $(PREFIX)/share/man
DOCDIR   ?= $(PREFIX)/share/doc/mdmon
UNITDIR  ?= $(PREFIX)/lib/systemd/system
BASHDIR  ?= $(PREFIX)/share/bash-completion/completions
ZSHDIR   ?= $(PREFIX)/share/zsh/vendor-completions
RUNDIR   ?= /run/mdadm
DESTDIR  ?=
INSTALL  ?= install

# RELEASE=trixie: programs are built and tests run in a Debian of that release (tests/release/in), and virtual machines are
# made from it. By default, and then it is empty, in this machine's.
RELEASE ?=
ifneq ($(RELEASE),)
ifeq ($(RELEASE),$(shell . /etc/os-release && echo $$VERSION_CODENAME))
override RELEASE :=
endif
endif

# Objects go to B, one directory for each kind of build.
SANITIZE ?=
comma    := ,
B        ?= build$(if $(RELEASE),/release/$(RELEASE)/build)$(if $(SANITIZE),-$(subst $(comma),-,$(SANITIZE)))

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wcast-qual -Wformat=2 -Wpointer-arith -Wvla
WERROR ?=
HARDEN := -fstack-protector-strong -fPIE $(if $(SANITIZE)$(findstring _FORTIFY_SOURCE,$(CPPFLAGS)),,-D_FORTIFY_SOURCE=2)
SAN := $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer)

CFLAGS  ?= -O2 -g
ALL_CFLAGS := -std=gnu11 $(CPPFLAGS) $(CFLAGS) $(WARN) $(if $(WERROR),-Werror) $(HARDEN) $(SAN) -pthread \
	-D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DRUNDIR='"$(RUNDIR)"' -I.
ALL_LDFLAGS := $(LDFLAGS) $(SAN) -pthread -pie -Wl,-z,relro,-z,now
LIBS := -ludev -laio -lnettle -lz

# Each wing holds one concern; the file of the same concern at the top is its door (README, "The map").
WINGS := start manager monitor threads metadata imsm ddf md socket lib
# The client is a program of its own, so that the daemon stays small.
CTL := $(wildcard ctl/*.c)
CTL_LIBS := -ljansson $(LIBS)
# Everything but main() goes into an archive that the unit tests link against.
SRC := $(filter-out mdmon.c,$(wildcard *.c $(WINGS:%=%/*.c)))
OBJ := $(SRC:%.c=$(B)/%.o)
# tests/unit mirrors the wings. T="imsm/spare 'ddf/*'" makes and runs some of them only.
SUPPORT := $(wildcard tests/unit/support/*.c tests/sim/*reader*.c)
UNIT := $(filter-out $(SUPPORT),$(wildcard tests/unit/*.c tests/unit/*/*.c))
T ?=
TEST_BIN := $(UNIT:%.c=$(B)/%)
TEST_WANTED := $(if $(T),$(sort $(foreach t,$(T),$(filter $(B)/tests/unit/$(subst *,%,$t),$(TEST_BIN)))),$(TEST_BIN))
FUZZ := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/*.c))

# One line for each file; V=1 shows the commands.
ifeq ($(V),1)
say =
else
.SILENT:
say = $(if $(findstring s,$(firstword -$(MAKEFLAGS))),,$(say_it))
say_it = printf '  %-5s %s\n' $(1) $(patsubst $(B)/%,%,$(2));
endif

.PHONY: all install uninstall check unit-tests check-unit check-vm check-systemd check-boot check-all sweep check-layout mutants sim fuzz fuzz-library $(FUZZ:%=fuzz-run-%) fuzz-coverage fuzz-coverage-targets fuzz-coverage-library $(FUZZ:%=fuzz-coverage-of-%) demo bench bench-sick deb deps clean distclean help FORCE

ifneq ($(RELEASE),)
# Of what follows these goals are made there; the objects must not be taken for this machine's.
all check-unit:
	@tests/release/in $(RELEASE) make -j$$(nproc) $(MAKEOVERRIDES) RELEASE= B=$(B) $@
else
all: $(B)/mdmon $(B)/mdmonctl

# Each unit test is a program of its own: make check-unit T=imsm/spare, then build/tests/unit/imsm/spare
unit-tests: $(TEST_WANTED)

check-unit: unit-tests
	@$(if $(TEST_WANTED),tests/run-unit $(TEST_WANTED),echo "no unit test is named $(T)" >&2; exit 2)
endif

$(B)/mdmon: $(B)/mdmon.o $(B)/libmdmon.a
	$(call say,LD,$@)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

$(B)/mdmonctl: $(CTL:%.c=$(B)/%.o) $(B)/libmdmon.a
	$(call say,LD,$@)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(CTL_LIBS)

# Thin, with paths: the wings have files of the same name.
$(B)/libmdmon.a: $(OBJ)
	$(call say,AR,$@)rm -f $@ && $(AR) rcsT $@ $^

$(B)/%.o: %.c $(B)/flags
	$(call say,CC,$<)mkdir -p $(@D) && $(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(B)/tests/%.o: private ALL_CFLAGS += -DSAMPLES='"$(CURDIR)/tests/samples"' -DFUZZ_CORPUS='"$(CURDIR)/tests/fuzz/corpus"'

# What tests share. Nothing of it is linked that a test does not ask for.
$(B)/tests/libsupport.a: $(SUPPORT:%.c=$(B)/%.o)
	$(call say,AR,$@)mkdir -p $(@D) && rm -f $@ && $(AR) rcsT $@ $^

$(B)/tests/unit/%: $(B)/tests/unit/%.o $(B)/tests/libsupport.a $(B)/libmdmon.a
	$(call say,LD,$@)$(CC) $(ALL_LDFLAGS) $(TEST_LDFLAGS_$*) -o $@ $^ -lcmocka $(LIBS) $(TEST_LIBS_$*)

# Tests of the client link all of it but main().
$(B)/tests/unit/ctl/%: $(B)/tests/unit/ctl/%.o $(B)/tests/libsupport.a $(patsubst %.c,$(B)/%.o,$(filter-out ctl/main.c,$(CTL))) \
		$(B)/libmdmon.a
	$(call say,LD,$@)$(CC) $(ALL_LDFLAGS) -o $@ $^ -lcmocka $(CTL_LIBS)

# The simulated world: one program for each format that has an adapter. Its judge (NAME-reader*.c) shares nothing with
# the handler, not even names: it becomes one object that has one.
SIM_ALL := $(wildcard tests/sim/*.c)
sim_files = $(filter tests/sim/$(1).c tests/sim/$(1)-%,$(SIM_ALL))
sim_judge = $(filter tests/sim/$(1)-reader%,$(SIM_ALL))
SIM := $(foreach f,imsm ddf,$(if $(filter tests/sim/$f.c,$(SIM_ALL)),$(if $(call sim_judge,$f),$f)))
SIM_WORLD := $(filter-out $(call sim_files,imsm) $(call sim_files,ddf),$(SIM_ALL))
$(SIM:%=$(B)/tests/sim/%): $(B)/tests/sim/%: $(SIM_ALL:%.c=$(B)/%.o) $(B)/libmdmon.a
	ld -r -o $@-judge.o $(patsubst %.c,$(B)/%.o,$(call sim_judge,$*))
	objcopy --keep-global-symbol=$*_read_as_mdadm $@-judge.o
	$(call say,LD,$@)$(CC) $(ALL_LDFLAGS) $(SIM_LDFLAGS) -o $@ $(patsubst %.c,$(B)/%.o,$(SIM_WORLD) \
		$(filter-out $(call sim_judge,$*),$(call sim_files,$*))) $@-judge.o $(B)/libmdmon.a $(LIBS)

# Other flags make other objects: the file changes only when the words do.
FLAGS = $(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS)
$(B)/flags: FORCE
	mkdir -p $(@D)
	printf '%s\n' '$(subst ','\'',$(FLAGS))' | cmp -s - $@ || printf '%s\n' '$(subst ','\'',$(FLAGS))' >$@
FORCE:

-include tests/flags.mk

check: deps check-unit check-vm

# T="name ..." runs some scenarios only, D=reference runs them with Debian's mdmon. J virtual machines at a time.
D ?= ours
J ?= 2
check-vm: all
	@RELEASE=$(RELEASE) MDMON=$(B)/mdmon tests/vm/run -r -j $(J) -d $(D) $(T)

# A whole Debian with systemd. S="name ..." runs some steps only. Needs root and what `scripts/deps --ci` installs.
# INITRD=dracut: with an initramfs made by dracut. ROOT=imsm or ROOT=ddf: with the root file system on a volume.
INITRD ?=
ROOT ?=
check-systemd: deb
	@RELEASE=$(RELEASE) INITRD=$(INITRD) ROOT=$(ROOT) tests/systemd/run $(S)

# Each release, each program for the initramfs, with and without the root file system on a volume. BOOT="'*-imsm'": some.
BOOT ?=
check-boot:
	@tests/systemd/matrix $(BOOT)

# The daemon is killed before each of its calls that others can notice, and each call that can fail does, one after the other.
sweep: all
	@MDMON=$(B)/mdmon tests/vm/run -r 'kill-sweep@all-*' 'fail-sweep@all-*'

# All there is.
check-all:
	.ci/run
	$(MAKE) sweep
	MACHINE=uml $(MAKE) check-vm RELEASE=trixie
	MACHINE=uml $(MAKE) check-vm RELEASE=forky
	$(MAKE) check-boot

# What includes what, circles of files, sizes.
check-layout: all
	@B=$(B) scripts/check-layout

# Breaks the program in many small ways, each of which a unit test must notice. M="name ..." runs some; patterns work.
mutants:
	@tests/mutants/run $(M)

# Random lives against the handlers, judged by what a reader by mdadm's rules would make of the disks. A hit is a failure.
# F="imsm ddf": these formats.
F ?= $(SIM)
SIM_SECONDS ?= 60
sim: $(F:%=$(B)/tests/sim/%)
	@failed=0; for f in $(F); do SIM_SECONDS=$(SIM_SECONDS) $(B)/tests/sim/$$f || failed=1; done; exit $$failed

# Needs clang. What it finds new is kept in build-fuzz; an input that fails belongs into tests/fuzz/corpus.
FUZZ_SECONDS ?= 60
fuzz: $(FUZZ:%=fuzz-run-%)

fuzz-library:
	@$(MAKE) -s --no-print-directory B=build-fuzz CC=clang SANITIZE=fuzzer-no-link,address,undefined build-fuzz/libmdmon.a

$(FUZZ:%=fuzz-run-%): fuzz-run-%: fuzz-library
	@mkdir -p build-fuzz/$* && clang $(ALL_CFLAGS) -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
		-o build-fuzz/fuzz-$* tests/fuzz/$*.c $(FUZZ_SRC_$*) build-fuzz/libmdmon.a $(LIBS) $(FUZZ_LDFLAGS_$*)
	@echo "fuzzing $* for $(FUZZ_SECONDS) s"
	@build-fuzz/fuzz-$* -verbosity=0 -max_len=1500 -max_total_time=$(FUZZ_SECONDS) \
		-artifact_prefix=build-fuzz/$*- build-fuzz/$* tests/fuzz/corpus/$*

# Which lines of the handlers the corpus reaches. Needs clang and python3.
COVERED := -fprofile-instr-generate -fcoverage-mapping
fuzz-coverage:
	@tests/fuzz/coverage

fuzz-coverage-targets: $(FUZZ:%=fuzz-coverage-of-%)

fuzz-coverage-library:
	@$(MAKE) -s --no-print-directory B=build-coverage CC=clang CFLAGS='-O1 -g $(COVERED)' build-coverage/libmdmon.a

$(FUZZ:%=fuzz-coverage-of-%): fuzz-coverage-of-%: fuzz-coverage-library
	@clang $(ALL_CFLAGS) $(COVERED) -fsanitize=fuzzer -o build-coverage/fuzz-$* tests/fuzz/$*.c $(FUZZ_SRC_$*) \
		build-coverage/libmdmon.a $(LIBS) $(FUZZ_LDFLAGS_$*)

demo: deps all
	@RELEASE=$(RELEASE) MDMON=$(B)/mdmon demo/run

bench: all
	@RELEASE=$(RELEASE) MDMON=$(B)/mdmon bench/run

bench-sick: all
	@RELEASE=$(RELEASE) MDMON=$(B)/mdmon bench/sick

# With RELEASE= what is made, build/release/NAME/deb, is for the libraries of that release.
deb:
ifneq ($(RELEASE),)
	@tests/release/in $(RELEASE) sh scripts/deps --deb
	@tests/release/in $(RELEASE) env DEB_BUILD_OPTIONS="$$DEB_BUILD_OPTIONS" sh scripts/deb build/release/$(RELEASE)/deb
else
	@sh scripts/deps --deb
	@sh scripts/deb
endif

deps:
	@sh scripts/deps

compile_commands.json: Makefile
	@{ echo '['; for f in *.c $(WINGS:%=%/*.c) ctl/*.c $(UNIT) $(SUPPORT); do \
		printf '{"directory":"%s","file":"%s","command":"%s -c %s"},\n' '$(CURDIR)' "$$f" \
			"$$(printf '%s' '$(CC) $(ALL_CFLAGS)' | sed 's/[\\"]/\\&/g')" "$$f"; \
	done | sed '$$s/,$$//'; echo ']'; } > $@

# The timer does nothing until somebody enables it.
UNITS := mdmon@.service mdmon-metrics.service mdmon-metrics.timer
EXAMPLES := examples/mdmon-alerts.yml examples/mdmon-dashboard.json

install: all
	$(INSTALL) -D -m 755 $(B)/mdmon $(DESTDIR)$(SBINDIR)/mdmon
	$(INSTALL) -D -m 755 $(B)/mdmonctl $(DESTDIR)$(SBINDIR)/mdmonctl
	$(INSTALL) -D -m 644 man/mdmon.8 $(DESTDIR)$(MANDIR)/man8/mdmon.8
	$(INSTALL) -D -m 644 man/mdmonctl.8 $(DESTDIR)$(MANDIR)/man8/mdmonctl.8
	for u in $(UNITS); do $(INSTALL) -D -m 644 systemd/$$u $(DESTDIR)$(UNITDIR)/$$u || exit 1; done
	for e in $(EXAMPLES); do $(INSTALL) -D -m 644 $$e $(DESTDIR)$(DOCDIR)/$$e || exit 1; done
	for p in mdmon mdmonctl; do \
		$(INSTALL) -D -m 644 completions/$$p.bash $(DESTDIR)$(BASHDIR)/$$p && \
		$(INSTALL) -D -m 644 completions/_$$p $(DESTDIR)$(ZSHDIR)/_$$p || exit 1; \
	done

uninstall:
	rm -f $(DESTDIR)$(SBINDIR)/mdmon $(DESTDIR)$(MANDIR)/man8/mdmon.8
	rm -f $(addprefix $(DESTDIR)$(UNITDIR)/,$(UNITS)) $(addprefix $(DESTDIR)$(DOCDIR)/,$(EXAMPLES))
	rm -f $(DESTDIR)$(SBINDIR)/mdmonctl $(DESTDIR)$(MANDIR)/man8/mdmonctl.8
	rm -f $(addprefix $(DESTDIR)$(BASHDIR)/,mdmon mdmonctl) $(addprefix $(DESTDIR)$(ZSHDIR)/,_mdmon _mdmonctl)

# Keep the objects of the tests: they are what takes the time.
.SECONDARY:

# What was downloaded once (tests/vm/build-image, tests/release/root.sh) is kept.
clean:
	rm -rf build-* compile_commands.json $(filter-out build/vm build/uml build/release,$(wildcard build/*)) \
		$(filter-out %/kernel,$(wildcard build/vm/* build/uml/* build/release/*/vm/* build/release/*/uml/*)) \
		$(wildcard build/release/*/build*)

distclean:
	rm -rf build build-* compile_commands.json

help:
	@echo 'make                 build $(B)/mdmon and $(B)/mdmonctl'
	@echo 'make demo            watch the daemon work on a real md kernel in an emulator'
	@echo 'make check           all tests: unit tests, then scenarios in the emulator'
	@echo 'make check-unit      unit tests only (no root, seconds); T=imsm/spare: one of them'
	@echo 'make check-vm T=name one scenario (D=reference: with the mdmon of Debian)'
	@echo '        RELEASE=name demo, check, check-unit, check-vm with Debian bookworm, trixie or forky (root, debootstrap)'
	@echo '        MACHINE=uml  demo, check, check-vm in user-mode Linux, which is faster where there is no KVM'
	@echo 'make check-systemd   install, fail, reboot, remove in a whole Debian with systemd (root, minutes)'
	@echo 'make check-boot      the same with each release, initramfs-tools and dracut, and the root file system on a volume (hours)'
	@echo 'make sweep           the daemon killed, and failing, at each of its system calls in turn (hours)'
	@echo 'make check-all       .ci/run, sweep, all scenarios with each release, and check-boot (a day)'
	@echo 'make mutants         break the program in small ways, each of which a unit test must notice'
	@echo 'make sim             random lives against the handlers, judged by an own reader (SIM_SECONDS=60 for each format)'
	@echo 'make check-layout    what may include what, no circles, sizes of files and functions'
	@echo 'make fuzz-coverage   the lines of the handlers that the corpus of the fuzz targets reaches'
	@echo 'make fuzz            give metadata and events at random to what must stand them (FUZZ_SECONDS=60 each)'
	@echo 'make bench           stalls, over the number of disks, beside those of the mdmon of Debian'
	@echo 'make bench-sick      the same while a disk hangs or fails late'
	@echo 'make deps            install the Debian packages that are missing'
	@echo 'make deb             build/deb/mdmon_*.deb, a Debian package that takes the place of the mdmon of mdadm'
	@echo 'make install         to DESTDIR, PREFIX=$(PREFIX), SBINDIR=$(SBINDIR)'
	@echo 'make uninstall       remove what install put there'
	@echo 'make clean           remove what was built, but not the kernel that was downloaded'
	@echo 'make distclean       remove that, too'
	@echo 'make compile_commands.json   for editors and analysers'
	@echo
	@echo 'V=1 shows the commands, SANITIZE=address,undefined or =thread builds with sanitizers, WERROR=1 is strict,'
	@echo 'B=dir names the object directory, RUNDIR=$(RUNDIR) is where pid file and socket live.'

# By name: below build/ there are whole systems, too.
-include $(wildcard $(patsubst %.c,$(B)/%.d,mdmon.c $(SRC) $(CTL) $(UNIT) $(SUPPORT) $(SIM_ALL)))
