"""Starts the engine that the wheel ships, for a process that was given none.

The engine outlives this process unless the container ends with it. Descendants find it
through the environment.
"""

import os

from . import _log

_BINARY = os.path.join(os.path.dirname(__file__), "bin", "lumigo")


def start():
    """The (socket path, key) of a new engine, or (None, None) after one warning."""
    if not os.access(_BINARY, os.X_OK):
        _log.warning(
            "The Lumigo engine '%s' is missing; this process is not traced. Use `lumigo run`, or install"
            " the package for this platform" % _BINARY
        )
        return None, None
    try:
        return _start()
    except Exception as err:
        _log.warning("The Lumigo engine could not be started, this process is not traced: %s" % err)
        return None, None


def _start():
    import _socket

    directory = _private_directory()
    path = os.path.join(directory, "engine.sock")
    listener = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
    try:
        listener.bind(path)
        os.chmod(path, 0o666)  # an app may change its user; the key tells friend from foe
        os.chmod(directory, 0o711)
        listener.listen(128)
        key = os.urandom(16).hex()
        address = "detached:%s@%s" % (key, path)
        _spawn(listener.fileno(), address)
    except Exception:
        for remove, name in ((os.unlink, path), (os.rmdir, directory)):
            try:
                remove(name)
            except OSError:
                pass
        raise
    finally:
        listener.close()
    os.environ["LUMIGO_ENGINE"] = address
    return path, key


def _private_directory():
    for parent in (os.environ.get("XDG_RUNTIME_DIR"), os.environ.get("TMPDIR"), "/tmp", "/dev/shm", os.getcwd()):
        if not parent or len(parent) > 64:  # a socket's path has room for 107 bytes
            continue
        directory = os.path.join(parent, "lumigo-" + os.urandom(8).hex())
        try:
            os.mkdir(directory, 0o700)
            return directory
        except OSError:
            continue
    raise OSError("no directory can be written to for its socket; set TMPDIR to one that can")


def _spawn(descriptor, address):
    """Run the engine as a process of its own, whose short-lived parent we reap: the app
    must not find a child it does not know when it waits for its own."""
    environ = dict(os.environ, LUMIGO_ENGINE=address)
    argv = [_BINARY, "engine", "--listen-fd", str(descriptor)]
    os.set_inheritable(descriptor, True)
    try:
        if hasattr(os, "posix_spawn"):
            pid = os.posix_spawn(_BINARY, argv, environ)
        else:
            pid = _fork_and_exec(argv, environ)
    finally:
        os.set_inheritable(descriptor, False)
    _, status = os.waitpid(pid, 0)
    if status != 0:
        raise OSError("'%s' ended with status %d" % (" ".join(argv), status >> 8 or status))


def _fork_and_exec(argv, environ):
    pid = os.fork()
    if pid == 0:
        try:
            os.execve(_BINARY, argv, environ)
        finally:
            os._exit(127)
    return pid
