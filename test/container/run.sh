# Makes the container in which it then executes its arguments. It is started in namespaces of its own, with these
# variables:
#
#   ROOT    the directory that becomes /; it has room for mount points
#   SYSTEM  yes if the machine's programs are to be there
#   MOUNTS  "source target ro|rw" lines, in this order
#   WRITE   rw if the command may write to /
set -eu

bind() { # source target mode
	if [ -d "$1" ]; then mkdir -p "$ROOT$2"; else mkdir -p "$(dirname "$ROOT$2")" && [ -e "$ROOT$2" ] || : >"$ROOT$2"; fi
	mount --bind "$1" "$ROOT$2"
	[ "$3" = rw ] || mount -o remount,bind,ro "$ROOT$2"
}

mount --bind "$ROOT" "$ROOT"
if [ "$SYSTEM" = yes ]; then
	for dir in /bin /sbin /lib /lib32 /lib64 /libx32; do
		if [ -L $dir ]; then
			[ -L "$ROOT$dir" ] || cp -P $dir "$ROOT$dir"
		elif [ -d $dir ]; then
			bind $dir $dir ro
		fi
	done
	bind /usr /usr ro
	bind /etc /etc ro
fi
mkdir -p "$ROOT/proc" "$ROOT/dev"
mount -t proc proc "$ROOT/proc"
mount -t tmpfs -o mode=755 tmpfs "$ROOT/dev"
for device in null zero full random urandom tty; do bind /dev/$device /dev/$device rw; done
ln -s /proc/self/fd "$ROOT/dev/fd"
mkdir -m 1777 "$ROOT/dev/shm"
mount -t tmpfs -o mode=1777 tmpfs "$ROOT/dev/shm"
while read -r source target mode; do
	[ -z "$source" ] || bind "$source" "$target" "$mode"
done <<END
$MOUNTS
END
[ "$WRITE" = rw ] || mount -o remount,bind,ro "$ROOT"
exec "$@"
