# SPDX-License-Identifier: GPL-2.0-or-later
#
# Calls that single unit tests reach through the linker: TEST_LDFLAGS_WING/NAME is for tests/unit/WING/NAME.c.

COUNT_ALLOCATIONS := malloc calloc realloc aligned_alloc posix_memalign free

# With 64-bit offsets glibc calls pwritev2 and pwritev by other names.
METAIO_CALLS := io_submit io_getevents pwritev64v2 pwritev64 fdatasync

TEST_LDFLAGS_metadata/metaio := $(addprefix -Wl$(comma)--wrap=,$(METAIO_CALLS) $(COUNT_ALLOCATIONS))
TEST_LDFLAGS_metadata/metaio-aio := $(addprefix -Wl$(comma)--wrap=,$(METAIO_CALLS))
TEST_LDFLAGS_metadata/metaio-hanging := $(addprefix -Wl$(comma)--wrap=,$(METAIO_CALLS) clock_gettime free)
# Programs with support/imsm-rig.c.
IMSM_RIG := $(addprefix -Wl$(comma)--wrap=,io_setup io_destroy io_submit io_getevents $(COUNT_ALLOCATIONS))
TEST_LDFLAGS_super-imsm := $(IMSM_RIG)
TEST_LDFLAGS_super-imsm-disks := $(IMSM_RIG)
TEST_LDFLAGS_super-imsm-late := $(IMSM_RIG)
TEST_LDFLAGS_imsm/write := $(IMSM_RIG)
TEST_LDFLAGS_imsm/write-mixture := $(IMSM_RIG) -Wl,--wrap=disk_read
TEST_LDFLAGS_imsm/write-records := $(IMSM_RIG)
TEST_LDFLAGS_imsm/load-refused := $(IMSM_RIG)
TEST_LDFLAGS_imsm/power-cut := $(IMSM_RIG)
TEST_LDFLAGS_imsm/join := $(IMSM_RIG)
# Programs with support/ddf-rig.c.
DDF_RIG := $(addprefix -Wl$(comma)--wrap=,io_setup io_destroy $(COUNT_ALLOCATIONS))
TEST_LDFLAGS_super-ddf := $(DDF_RIG)
TEST_LDFLAGS_super-ddf-defects := $(DDF_RIG)
TEST_LDFLAGS_super-ddf-late := $(DDF_RIG)
TEST_LDFLAGS_super-ddf-back := $(DDF_RIG)
TEST_LDFLAGS_super-ddf-samples := $(DDF_RIG)
TEST_LDFLAGS_super-ddf-traces := $(DDF_RIG)
# Programs with support/ddf-bench.c.
DDF_BENCH := $(addprefix -Wl$(comma)--wrap=,io_setup pwritev64v2 metaio_run)
TEST_LDFLAGS_ddf/write := $(DDF_BENCH)
TEST_LDFLAGS_ddf/marks := $(DDF_BENCH)
TEST_LDFLAGS_ddf/write-failures := $(DDF_BENCH)
TEST_LDFLAGS_ddf/write-hanging := $(DDF_BENCH)
TEST_LDFLAGS_ddf/write-left := $(DDF_BENCH)
# The tails of samples stand for the disks.
TEST_LDFLAGS_imsm/load := -Wl,--wrap=disk_read
TEST_LDFLAGS_imsm/choose := -Wl,--wrap=disk_read
TEST_LDFLAGS_imsm/read := -Wl,--wrap=disk_read
TEST_LDFLAGS_lib/log := -Wl,--wrap=sendto
TEST_LDFLAGS_lib/log-journal := -Wl,--wrap=sendto
TEST_LDFLAGS_lib/events := -Wl,--wrap=sendto
TEST_LDFLAGS_threads/worker := -Wl,--wrap=pthread_create
TEST_LDFLAGS_manager/status-memory := $(addprefix -Wl$(comma)--wrap=,malloc realloc free)

# What single unit tests are linked with besides.
TEST_LIBS_manager/status-json := -ljansson
TEST_LIBS_manager/status-text := -ljansson
TEST_LIBS_manager/status-memory := -ljansson

TEST_LDFLAGS_start/disks := $(addprefix -Wl$(comma)--wrap=,disk_open disk_close disk_read)
# The libc's names of open() and stat() with 64-bit offsets.
TEST_LDFLAGS_start/container := $(addprefix -Wl$(comma)--wrap=,open64 __open64_2 stat64)

# Whose disks are looked at is not up to the configuration of the machine that the tests run on.
TEST_LDFLAGS_ddf/probe := -Wl,--wrap=ddf_probe_wanted
# Programs with support/ddf-loading.c.
DDF_LOADING := $(addprefix -Wl$(comma)--wrap=,disk_read ddf_probe_wanted)
TEST_LDFLAGS_ddf/load := $(DDF_LOADING)
TEST_LDFLAGS_ddf/load-samples := $(DDF_LOADING)
TEST_LDFLAGS_ddf/read := $(DDF_LOADING)
TEST_LDFLAGS_metadata/disk-transfer := $(addprefix -Wl$(comma)--wrap=,mknod unlink open64 __open64_2 stat64 fstat64 ioctl \
	pread64 pwrite64 fdatasync fsync sysfs_block_name sysfs_open_block_dir disk_read_serials)
TEST_LDFLAGS_md/attributes := $(addprefix -Wl$(comma)--wrap=,write pread64)
TEST_LDFLAGS_metadata/disk-node := $(addprefix -Wl$(comma)--wrap=,mknod unlink open64 __open64_2 stat64 fstat64 log_warning)

# The monitor between an md and a handler that are in memory (tests/unit/support/fake-md.h, monitor-rig.h).
FAKE_MD := pread64 write ppoll __ppoll_chk clock_gettime
MONITOR_RIG := $(FAKE_MD) mon_log mon_log_event $(addprefix handoff_,request_array request_member request_size bad_ranges \
	discard return_update wake_manager pass_end)
$(foreach t,states durable failure arrays updates waiting syncs bad-block-life thread hanging unread,$(eval TEST_LDFLAGS_monitor/$(t) := $(addprefix -Wl$(comma)--wrap=,$(MONITOR_RIG))))

# The manager between an md that is a directory, and fakes (tests/unit/support/sysfs-tree.h, manager-rig.h).
SYSFS_TREE := open64 __open64_2 write mdstat_read
MANAGER_RIG := $(SYSFS_TREE) ppoll __ppoll_chk poll __poll_chk clock_gettime handoff_publish handoff_queue_update monitor_start monitor_stop \
	worker_submit worker_finish_jobs worker_retry_ns disk_open disk_close disk_write disk_open_node \
	rundir_replaced rundir_remove_pid_file rundir_restore_pid_file \
	notify_watchdog_interval_ns notify_watchdog log_event log_error log_warning log_info
# -u: these fakes are to be linked before another file that has some of the same calls (fake-md.c).
$(foreach t,adopt arrays members spares clients end disks,$(eval TEST_LDFLAGS_manager/$(t) := -Wl,-u,mgr_reset_fakes $(addprefix -Wl$(comma)--wrap=,$(MANAGER_RIG))))

TEST_LDFLAGS_manager/spares += -Wl,--wrap=sysfs_open_attr

# The simulated world (tests/sim): disks, md, time and the other thread are in memory.
SIM_LDFLAGS := $(addprefix -Wl$(comma)--wrap=,disk_close disk_read disk_write io_setup io_destroy io_submit io_getevents \
	eventfd read close sysfs_read_fd sysfs_write_fd clock_gettime ppoll __ppoll_chk handoff_wake_monitor handoff_wake_manager \
	log_error log_warning log_info log_event mon_log mon_log_event)

# Fuzz targets that reach calls through the linker, too: FUZZ_LDFLAGS_NAME is for tests/fuzz/NAME.c.
FUZZ_LDFLAGS_disk := $(addprefix -Wl$(comma)--wrap=,mknod unlink open64 __open64_2 stat64 fstat64 ioctl sysfs_block_name \
	sysfs_open_block_dir disk_read_serials)
TEST_LDFLAGS_fuzz/disk := $(FUZZ_LDFLAGS_disk)

# What else belongs to a fuzz target.
FUZZ_SRC_imsm-life := $(call sim_judge,imsm)

# `mdmonctl examine` as a target: the client is not in the archive, which it needs once more behind it.
EXAMINE := $(addprefix ctl/,examine.c examine-view.c facts.c other-formats.c text.c units.c)
FUZZ_SRC_examine := $(EXAMINE)
FUZZ_LDFLAGS_examine := -ljansson
$(B)/tests/unit/fuzz/examine: $(EXAMINE:%.c=$(B)/%.o)
TEST_LIBS_fuzz/examine := $(B)/libmdmon.a -ljansson $(LIBS)
# And `mdmonctl check`, with metrics and events.
CHECK := $(addprefix ctl/,check.c check-build.c check-disk.c check-findings.c check-status.c check-view.c check-volume.c client.c \
	container.c events-take.c facts.c field.c metrics-facts.c metrics-text.c text.c units.c)
FUZZ_SRC_check := $(CHECK)
FUZZ_LDFLAGS_check := -ljansson
$(B)/tests/unit/fuzz/check: $(CHECK:%.c=$(B)/%.o)
TEST_LIBS_fuzz/check := $(B)/libmdmon.a -ljansson $(LIBS)
