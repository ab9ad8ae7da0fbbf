# SPDX-License-Identifier: GPL-2.0-or-later
#
# What record_metadata (lib.sh) left in a log, in words that do not depend on the run: see compare-metadata.

# The entry of the disk table that a word like "3R" of a list of ords names
function entry_of(ord)
{
	sub(/[R?]$/, "", ord)
	return ord
}

# Slots in the first volume: role[ENTRY]
function find_roles(	i, n, ords, slot)
{
	delete role
	for (i = 1; i <= lines; i++)
		if (line[i] ~ /^vol0\.map0\.ords=/) {
			n = split(substr(line[i], 16), ords, ",")
			for (slot = 1; slot <= n; slot++)
				role[entry_of(ords[slot])] = "slot" slot - 1
		}
}

function called(entry)
{
	return entry in role ? role[entry] : "entry" entry
}

# The disk that was looked at, by its serial in its own table
function owner(	i, key)
{
	for (i = 1; i <= lines; i++)
		if (line[i] ~ /^disk[0-9]+\.serial=/ && substr(line[i], index(line[i], "=") + 1) == disk) {
			key = substr(line[i], 5)
			sub(/\..*/, "", key)
			return volumes ? called(key) : "spare"
		}
	return "unlisted"
}

function in_roles(text,	i, n, ords, key, out)
{
	if (text ~ /^disk[0-9]+\./) {
		key = substr(text, 5)
		sub(/\..*/, "", key)
		sub(/^disk[0-9]+/, volumes ? "disk-" called(key) : "disk", text)
		# only what marks a failed disk says anything
		if (text ~ /\.serial=/)
			text = substr(text, 1, index(text, "=")) (text ~ /:0/ ? "marked" : text ~ /MISSING/ ? "missing" : "set")
		return text
	}
	if (text ~ /\.ords=/) {
		n = split(substr(text, index(text, "=") + 1), ords, ",")
		for (i = 1; i <= n; i++)
			out = out (i > 1 ? "," : "") called(entry_of(ords[i])) (ords[i] ~ /R$/ ? "R" : "")
		return substr(text, 1, index(text, "=")) out
	}
	return text
}

# RAID0 volumes: their "dirty" means nothing, and depends on the moment at which they stopped being anything else
function find_raid0(	i)
{
	delete raid0
	for (i = 1; i <= lines; i++)
		if (line[i] ~ /^vol[0-9]+\.map0\.level=0$/)
			raid0[substr(line[i], 1, index(line[i], ".")) "dirty"]
}

function finish_disk(	i, who)
{
	if (!lines)
		return
	find_roles()
	find_raid0()
	who = owner()
	for (i = 1; i <= lines; i++)
		if (!(substr(line[i], 1, index(line[i], "=") - 1) in raid0))
			print what ": " who ": " in_roles(line[i])
	lines = volumes = 0
}

/^--- metadata / {
	what = substr($0, 14)
	recording = 1
	next
}

/^--- end of metadata/ {
	finish_disk()
	recording = 0
	next
}

recording && /^disk=/ {
	finish_disk()
	disk = substr($0, 6)
	next
}

recording && /^num_volumes=/ {
	volumes = substr($0, 13) + 0
}

# levels in use, one bit each: mdadm says so from 4.4 on, and so do we
recording && /^attributes=/ {
	sub(/..$/, "xx")
}

recording && /^[a-z0-9_.]+=/ && !/^(family|orig_family|generation|version|volumes_created)=/ {
	line[++lines] = $0
}
