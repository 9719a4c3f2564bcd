// Package container runs commands in tests as a container runtime would run them, where there is none: with a
// root file system of their own, as process 1, as another user, and with nothing to write to but what is said.
//
// The container has this machine's /bin, /lib, /usr and /etc, read-only, unless it is a bare one; and besides only
// what its [Container] names: not /tmp, nor anybody's home. It shares the machine's network, so that it reaches a receiver on
// loopback. It needs Linux, root, and the programs unshare, mount and chroot; see [Unavailable].
package container
