# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What bench/run and bench/sick share, on the host: options, a virtual machine that measures, the report.
# shellcheck source=tests/vm/host.sh
. "${BASH_SOURCE[0]%/*}/../tests/vm/host.sh"

# number OPTION VALUE LEAST: dies unless it is a number, and that large
number()
{
	[[ $2 =~ ^[0-9]{1,6}$ && $((10#$2)) -ge $3 ]] || die "-$1 takes a number, $3 or more, not '$2'"
}

# one_of OPTION VALUE WORD...
one_of()
{
	local option=$1 value=$2 word

	shift 2
	for word; do
		[ "$word" != "$value" ] || return 0
	done
	die "-$option takes one of: $*; not '$value'"
}

# bench_start DIR DAEMONS: boots. Sets dir, load, and failed, which is "yes" as soon as a measurement has failed.
bench_start()
{
	dir=$1 failed=no
	vm_image=$dir/initrd
	mkdir -p "$dir"
	case $2 in
	*ours*) [ -x "${MDMON:-$default_mdmon}" ] || die "there is no ${MDMON:-$default_mdmon}: build it first" ;;
	esac
	"$vm_src/build-image" -q -o "$vm_image" || exit 2
	: >"$dir/values"
	: >"$dir/notes"
	read -r load _ </proc/loadavg
	trap 'vm_stop' EXIT
	trap 'exit 130' INT TERM
	vm_start "$dir" || die "the virtual machine does not boot; see $dir/console"
}

# bench_script DAEMON ARRAY SCRIPT ARGUMENT...: has the guest run it, and keeps the values that it tells
bench_script()
{
	local daemon=$1 array=$2 ended=no

	shift 2
	[ ! -t 2 ] || printf '\r%-60s' "measuring $array with $daemon ..." >&2
	vm_order "script $*"
	while vm_read 600; do
		case $REPLY in
		"value "*) echo "$daemon $array ${REPLY#value }" >>"$dir/values" ;;
		"note "*) echo "${REPLY#note }" >>"$dir/notes" ;;
		"done "*)
			ended=$REPLY
			break
			;;
		esac
	done
	[ ! -t 2 ] || printf '\r%60s\r' '' >&2
	[ "$ended" != "done 0" ] || return 0
	echo "measuring $array with $daemon failed; see $dir/console" >&2
	# shellcheck disable=SC2034  # for those who source this
	failed=yes
	[ "$ended" != no ] || die "the virtual machine does not answer any more"
}

note()
{
	sed -n "s/^$1 //p" "$dir/notes" | tail -n 1
}

# What runs the guest, in words
in_words()
{
	case $(cat "$vm_dir/accelerator" 2>/dev/null) in
	kvm) echo KVM ;;
	*) [ "$MACHINE" = uml ] && echo "user-mode Linux" || echo "emulation, without KVM" ;;
	esac
}

# bench_report NAME ARRAYS METRICS JSON TITLE WORD:VALUE...: the table, of the kind $table (summary.awk), and the JSON; the last
# words are more numbers for its head
bench_report()
{
	local name=$1 arrays=$2 metrics=$3 json=$4 title=$5 head pair accelerator

	shift 5
	accelerator=$(cat "$vm_dir/accelerator" 2>/dev/null)
	[ "$MACHINE" != uml ] || accelerator=uml
	head=$(printf '"benchmark":"%s","date":"%s","machine":"%s","processors":%d,"load":%s,"accelerator":"%s","kernel":"%s","mdadm":"%s"' \
		"$name" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" \
		"$(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo | head -n 1 | tr -cd '[:alnum:] ().@-')" "$(nproc)" "$load" \
		"$accelerator" "$(note kernel)" "$(note mdadm)")
	for pair; do
		head+=$(printf ',"%s":%s' "${pair%%:*}" "${pair#*:}")
	done
	echo "$title"
	HEAD=$head awk -v arrays="$arrays" -v metrics="$metrics" -v json="$json" -v table="${table:-}" -f "$top/bench/summary.awk" "$dir/values"
	echo "written as JSON: $json"
}
