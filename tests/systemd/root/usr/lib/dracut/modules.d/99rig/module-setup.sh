#!/bin/bash
# Into the initramfs of dracut: what looks at the daemons before the root file system is switched to (as scripts/local-bottom/rig
# for initramfs-tools), and, since dracut goes back to the initramfs to shut down, at that end.
check()
{
	return 0
}

# shellcheck disable=SC2154  # moddir is dracut's
install()
{
	inst_hook pre-pivot 99 "$moddir/rig.sh"
	inst_hook pre-shutdown 99 "$moddir/rig-shutdown.sh"
	inst_hook shutdown 10 "$moddir/rig-shutdown.sh"
}
