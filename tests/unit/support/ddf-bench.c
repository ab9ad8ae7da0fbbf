/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/support/ddf-bench.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "metadata/metaio.h"

/* ---- what reaches the disks ---- */

struct bench_writes dwb_seen;

/* The plain order of disk by disk, step by step. Disks are independent: any mix of them may happen. */
int __wrap_io_setup(int events, void *ctx);
int __wrap_io_setup(int events, void *ctx)
{
	(void)events;
	(void)ctx;
	return -ENOSYS;
}

static void note(int fd, unsigned at, const void *data, size_t len)
{
	struct write *w = &dwb_seen.write[dwb_seen.count++];

	assert_true(dwb_seen.count <= MAX_WRITES);
	*w = (struct write){ .fd = fd, .at = at, .count = (unsigned)(len / 512), .data = malloc(len) };
	assert_non_null(w->data);
	memcpy(w->data, data, len);
}

ssize_t __real_pwritev64v2(int fd, const struct iovec *iov, int count, off64_t offset, int flags);
ssize_t __wrap_pwritev64v2(int fd, const struct iovec *iov, int count, off64_t offset, int flags);
ssize_t __wrap_pwritev64v2(int fd, const struct iovec *iov, int count, off64_t offset, int flags)
{
	unsigned at = (unsigned)(offset / 512);

	assert_int_equal(count, 1);
	assert_int_equal(offset % 512, 0);
	assert_int_equal(iov->iov_len % 512, 0);
	assert_true(flags & 2); /* RWF_DSYNC */
	if (fd == dwb_seen.broken_fd && at >= dwb_seen.broken_from && at < dwb_seen.broken_to) {
		errno = dwb_seen.broken_errno ? dwb_seen.broken_errno : EIO;
		return -1;
	}
	note(fd, at, iov->iov_base, iov->iov_len);
	return __real_pwritev64v2(fd, iov, count, offset, 0);
}

unsigned __real_metaio_run(struct metaio *m, struct metaio_plan *p);
unsigned __wrap_metaio_run(struct metaio *m, struct metaio_plan *p);
unsigned __wrap_metaio_run(struct metaio *m, struct metaio_plan *p)
{
	for (unsigned i = 0; i < p->disks; i++)
		dwb_seen.risky += p->disk[i].torn_risk;
	if (dwb_seen.most_risky_at_once < p->max_torn)
		dwb_seen.most_risky_at_once = p->max_torn;
	return __real_metaio_run(m, p);
}

void dwb_forget_writes(void)
{
	for (unsigned i = 0; i < dwb_seen.count; i++)
		free(dwb_seen.write[i].data);
	dwb_seen.count = dwb_seen.risky = 0;
}

/* ---- the container ---- */

int dwb_fd_of(const struct bench *b, unsigned n)
{
	return b->f.disk[n].fd;
}

void dwb_make_file(struct fixture *f, unsigned n)
{
	struct ddf_disk_data *data = (struct ddf_disk_data *)(void *)f->disk_data[n];

	f->disk[n].fd = memfd_create("disk", 0);
	assert_true(f->disk[n].fd >= 0);
	assert_int_equal(ftruncate(f->disk[n].fd, (off_t)FX_SECTORS * 512), 0);
	data->magic = be32_make(DDF_DISK_DATA_MAGIC);
	dfx_pd_guid(data->guid, n);
	data->refnum = be32_make(dfx_ref(n));
	ddf_seal(data, sizeof(*data));
}

void dwb_write_all(struct bench *b)
{
	b->res = (struct sync_result){ 0 };
	assert_int_equal(ddf_write(b->w, &b->f.c, &b->res), 1);
	ddf_write_rest(b->w, &b->f.c, &b->res);
	assert_int_equal(b->res.failed, 0);
}

void dwb_break_disk(const struct bench *b, unsigned n, unsigned from, unsigned to)
{
	dwb_seen.broken_fd = dwb_fd_of(b, n);
	dwb_seen.broken_from = from;
	dwb_seen.broken_to = to;
}

int dwb_write_once(struct bench *b, bool retry)
{
	int r;

	dwb_forget_writes();
	b->res = (struct sync_result){ .retry = retry };
	r = ddf_write(b->w, &b->f.c, &b->res);
	if (r >= 0)
		ddf_write_rest(b->w, &b->f.c, &b->res);
	return r;
}

int dwb_setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));
	struct ddf_table_head *controller = (struct ddf_table_head *)(void *)b->f.controller;

	assert_non_null(b);
	dfx_init(&b->f);
	controller->magic = be32_make(DDF_CONTROLLER_MAGIC);
	ddf_seal(controller, DDF_SECTOR);
	dfx_disks(&b->f, "0:03/01 1:03/01 2:05/01");
	dfx_volume(&b->f, 0, DDF_RAID1, 0, "00/02 v3 0,1");
	for (unsigned n = 0; n < DISKS; n++) {
		dwb_make_file(&b->f, n);
		b->f.dl[n].anchor_due = true;
		memset(b->f.dl[n].copy, 0, sizeof(b->f.dl[n].copy));
		b->f.dl[n].copy[0].exists = b->f.dl[n].copy[1].exists = true;
	}
	memset(b->f.pd_written, 0, FX_TABLE_BYTES);
	memset(b->f.vd_written, 0, FX_TABLE_BYTES);
	memset(&dwb_seen, 0, sizeof(dwb_seen));
	dwb_seen.broken_fd = -1;
	b->w = ddf_writer_new();
	assert_non_null(b->w);
	dwb_write_all(b);
	dwb_forget_writes();
	*state = b;
	return 0;
}

int dwb_teardown(void **state)
{
	struct bench *b = *state;

	dwb_forget_writes();
	for (unsigned n = 0; n < FX_DISKS; n++)
		if (b->f.disk[n].fd > 0)
			close(b->f.disk[n].fd);
	ddf_writer_free(b->w);
	dfx_free(&b->f);
	free(b);
	return 0;
}

void dwb_mark(struct bench *b, bool dirty)
{
	struct ddf_vd_entry *e = dfx_vd(&b->f, 0);

	e->state = (uint8_t)((e->state & ~DDF_VD_INCONSISTENT) | (dirty ? DDF_VD_INCONSISTENT : 0));
}

void dwb_set_dirty(struct bench *b, bool dirty)
{
	dwb_mark(b, dirty);
	dfx_vd(&b->f, 0)->init_state ^= 1;
}

void dwb_fail_disk(struct bench *b)
{
	dfx_fail_disk(&b->f, 1);
	dfx_vd(&b->f, 0)->state = DDF_VD_DEGRADED;
	ddf_stamp(&b->f.c, dfx_record(&b->f, 0, 0));
}

/* ---- reading back ---- */

void dwb_read_sectors(int fd, uint64_t at, unsigned count, void *buf)
{
	assert_int_equal(pread(fd, buf, count * 512, (off_t)at * 512), (int)(count * 512));
}

bool dwb_header_ok(int fd, uint64_t at, unsigned type, struct ddf_header *h)
{
	dwb_read_sectors(fd, at, 1, h);
	return ddf_check_header(h, type, NULL) == 0;
}

uint64_t dwb_readers_choice(int fd, struct ddf_header *h)
{
	struct ddf_header p, s;
	bool p_ok = dwb_header_ok(fd, PRIMARY, DDF_PRIMARY, &p), s_ok = dwb_header_ok(fd, SECONDARY, DDF_SECONDARY, &s);
	uint32_t ps = be32_get(p.seq), ss = be32_get(s.seq);
	bool second;

	if (!p_ok && !s_ok)
		return 0;
	second = !p_ok || (s_ok && s.open_flag == 0 && (ps < ss || (ps == ss && p.open_flag != 0)));
	*h = second ? s : p;
	return second ? SECONDARY : PRIMARY;
}

void dwb_assert_sealed(int fd, uint64_t at, const struct ddf_extent *section)
{
	uint8_t buf[32 * 512];

	assert_true(section->length <= 32);
	dwb_read_sectors(fd, at + section->offset, section->length, buf);
	assert_true(ddf_crc_ok(buf, section->length * 512));
}

void dwb_assert_copy_right(const struct bench *b, int fd, uint64_t at, const struct ddf_header *h)
{
	const struct ddf_layout *l = &b->f.c.layout;
	uint8_t r[FX_RECORD_SECTORS * 512];

	assert_int_equal(h->open_flag, 0);
	dwb_assert_sealed(fd, at, &l->controller);
	dwb_assert_sealed(fd, at, &l->pd);
	dwb_assert_sealed(fd, at, &l->vd);
	dwb_assert_sealed(fd, at, &l->disk_data);
	for (unsigned i = 0; i < FX_RECORDS; i++) {
		dwb_read_sectors(fd, at + l->config.offset + i * FX_RECORD_SECTORS, FX_RECORD_SECTORS, r);
		if (r[0] != 0xff)
			assert_true(ddf_crc_ok(r, sizeof(r)));
	}
}

unsigned dwb_vd_state_at(const struct bench *b, int fd, uint64_t at)
{
	uint8_t table[FX_TABLE_BYTES];

	dwb_read_sectors(fd, at + b->f.c.layout.vd.offset, 2, table);
	return ((struct ddf_vd_entry *)(void *)(table + 64))->state;
}

void dwb_assert_disk_complete(const struct bench *b, unsigned n)
{
	static const struct { uint64_t at; unsigned type; } copy[DDF_COPIES] = { { PRIMARY, 1 }, { SECONDARY, 2 } };
	int fd = dwb_fd_of(b, n);
	struct ddf_header h;
	uint8_t buf[FX_CONFIG_BYTES];

	for (unsigned i = 0; i < DDF_COPIES; i++) {
		assert_true(dwb_header_ok(fd, copy[i].at, copy[i].type, &h));
		assert_int_equal(be32_get(h.seq), b->f.c.seq);
		dwb_assert_copy_right(b, fd, copy[i].at, &h);
		dwb_read_sectors(fd, copy[i].at + b->f.c.layout.pd.offset, 2, buf);
		assert_memory_equal(buf, b->f.pd, FX_TABLE_BYTES);
		dwb_read_sectors(fd, copy[i].at + b->f.c.layout.vd.offset, 2, buf);
		assert_memory_equal(buf, b->f.vd, FX_TABLE_BYTES);
		dwb_read_sectors(fd, copy[i].at + b->f.c.layout.config.offset, sizeof(buf) / 512, buf);
		assert_memory_equal(buf, b->f.config[n], sizeof(buf));
	}
	assert_true(dwb_header_ok(fd, FX_SECTORS - 1, DDF_ANCHOR, &h));
	assert_int_equal(h.type, DDF_ANCHOR);
	assert_int_equal(h.open_flag, DDF_ANCHOR_OPEN_FLAG);
	assert_int_equal(be32_get(h.seq), DDF_ANCHOR_SEQ);
}

void dwb_assert_all_complete(const struct bench *b)
{
	for (unsigned n = 0; n < DISKS; n++)
		dwb_assert_disk_complete(b, n);
}

const char *dwb_trace(const struct bench *b, unsigned n)
{
	static char text[512];
	char *p = text;

	*p = '\0';
	for (unsigned i = 0; i < dwb_seen.count; i++) {
		const struct write *w = &dwb_seen.write[i];

		if (w->fd != dwb_fd_of(b, n))
			continue;
		if (w->at == FX_SECTORS - 1)
			p += sprintf(p, " a");
		else
			p += sprintf(p, " %c%u", w->at >= PRIMARY ? 'p' : 's',
				     w->at - (unsigned)(w->at >= PRIMARY ? PRIMARY : SECONDARY));
		if (w->count > 1)
			p += sprintf(p, "+%u", w->count);
	}
	return text + (text[0] == ' ');
}

void dwb_damage(struct bench *b, unsigned n, unsigned copy)
{
	b->f.dl[n].copy[copy].good = false;
}

unsigned dwb_vd_state_on(const struct bench *b, unsigned n)
{
	struct ddf_header h;
	uint64_t at = dwb_readers_choice(dwb_fd_of(b, n), &h);

	return dwb_vd_state_at(b, dwb_fd_of(b, n), at);
}
