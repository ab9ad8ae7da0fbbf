# SPDX-License-Identifier: GPL-2.0-or-later
#
# Values, as lines "DAEMON FORMAT/LEVEL/DISKS[/CASE] METRIC VALUE", become a table, and a file of JSON.
#
#   HEAD='"name":"value",...' awk -v arrays=... -v metrics=... -v json=FILE -f bench/summary.awk values
#
# arrays and metrics say what is shown, in which order; with -v table=longest the longest and how many there are, not what 90 %
# do not exceed and the median in disk writes. Values are microseconds, but those of the metric "bytes".
# "disk-write" is the yardstick: what one write to one of the disks takes, measured between the other values of its row.
# The JSON is the head, and "rows": one object for each daemon, array and metric with
#
#   daemon        "ours" or "reference" (Debian's)
#   format, level, disks, and case if there are several
#   metric, unit  unit is "us" or "bytes"
#   n             how many values; median, p90 (what 90 % do not exceed) and longest of them; values: they, sorted
#   disk_write    median of the yardstick in the same row, in microseconds; null if there is none
#   disk_writes   median in units of it; null where that means nothing
#   ratio         median divided by Debian's; null for Debian's, or if there is none

{
	k = $1 SUBSEP $2 SUBSEP $3
	value[k, ++n[k]] = $4
}

function sorted(k, i, j, v)
{
	for (i = 2; i <= n[k]; i++) {
		v = value[k, i]
		for (j = i - 1; j > 0 && value[k, j] > v; j--)
			value[k, j + 1] = value[k, j]
		value[k, j + 1] = v
	}
}

# Nearest rank; "" if there is nothing
function rank(k, share, at)
{
	if (!n[k])
		return ""
	at = n[k] * share
	at = at > int(at) ? int(at) + 1 : int(at)
	return value[k, at < 1 ? 1 : at]
}

function unit(metric)
{
	return metric == "bytes" ? "bytes" : "us"
}

function writes(daemon, array, metric, median, yard)
{
	yard = rank(daemon SUBSEP array SUBSEP "disk-write", .5)
	median = rank(daemon SUBSEP array SUBSEP metric, .5)
	return unit(metric) != "us" || metric == "ping-cpu" || yard == "" || yard == 0 || median == "" ? "" : median / yard
}

function ratio(array, metric, r, o)
{
	r = rank("reference" SUBSEP array SUBSEP metric, .5)
	o = rank("ours" SUBSEP array SUBSEP metric, .5)
	return r == "" || o == "" || r == 0 ? "" : o / r
}

function shown(v, metric)
{
	return v == "" ? "-" : unit(metric) == "us" ? sprintf("%.2f", v / 1000) : sprintf("%.0f", v)
}

function cells(daemon, array, metric, k, w)
{
	k = daemon SUBSEP array SUBSEP metric
	w = table == "longest" ? n[k] : writes(daemon, array, metric)
	if (w != "")
		w = sprintf(table == "longest" ? "%d" : "%.1f", w)
	return sprintf("%10s %10s %7s", shown(rank(k, .5), metric), shown(rank(k, table == "longest" ? 1 : .9), metric), w == "" ? "-" : w)
}

function or_null(v, format)
{
	return v == "" ? "null" : sprintf(format, v)
}

function row(daemon, array, metric, list, k, part, i, values, count)
{
	k = daemon SUBSEP array SUBSEP metric
	count = split(array, part, "/")
	for (i = 1; i <= n[k]; i++)
		values = values (i > 1 ? "," : "") sprintf("%.0f", value[k, i])
	printf("%s\n  {\"daemon\":\"%s\",\"format\":\"%s\",\"level\":%d,\"disks\":%d,%s\"metric\":\"%s\",\"unit\":\"%s\"," \
		"\"n\":%d,\"median\":%.0f,\"p90\":%.0f,\"longest\":%.0f,\"disk_write\":%s,\"disk_writes\":%s,\"ratio\":%s,\"values\":[%s]}", \
		(rows++ ? "," : ""), daemon, part[1], part[2], part[3], (count > 3 ? "\"case\":\"" part[4] "\"," : ""), metric, \
		unit(metric), n[k], rank(k, .5), rank(k, .9), rank(k, 1), \
		or_null(rank(daemon SUBSEP array SUBSEP "disk-write", .5), "%.0f"), or_null(writes(daemon, array, metric), "%.3f"), \
		(daemon == "reference" ? "null" : or_null(ratio(array, metric), "%.3f")), values) >json
}

END {
	for (k in n)
		sorted(k)
	na = split(arrays, array, " ")
	nm = split(metrics, metric, " ")
	wide = 12
	for (i = 1; i <= na; i++)
		if (length(array[i]) > wide)
			wide = length(array[i])
	printf "{%s,\"rows\":[", ENVIRON["HEAD"] >json
	second = table == "longest" ? "longest" : "90 %"
	third = table == "longest" ? "n" : "writes"
	printf "%-" wide "s %-14s %10s %10s %7s %10s %10s %7s %7s\n", "", "", "Debian", second, third, "ours", second, third, "ratio"
	for (i = 1; i <= na; i++) {
		for (j = 1; j <= nm; j++) {
			if (!n["reference", array[i], metric[j]] && !n["ours", array[i], metric[j]])
				continue
			r = ratio(array[i], metric[j])
			if (metric[j] != "raw-write")
				printf "%-" wide "s %-14s %s %s %7s\n", array[i], metric[j], cells("reference", array[i], metric[j]), \
					cells("ours", array[i], metric[j]), (r == "" ? "-" : sprintf("%.2f", r))
			if (n["reference", array[i], metric[j]])
				row("reference", array[i], metric[j])
			if (n["ours", array[i], metric[j]])
				row("ours", array[i], metric[j])
		}
	}
	printf "\n]}\n" >json
}
