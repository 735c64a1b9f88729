"""Containers without a container engine: root, mounts, user, capabilities and network as a compose file says.

Linux's own namespaces do what an engine does with them. The root file system is this machine's, read-only, with nothing
but the interpreter, the product and what a service mounts.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
NETWORK = "10.77.0"


def can_contain() -> bool:
    """True where this process may make namespaces."""
    tools = all(shutil.which(name) for name in ("ip", "unshare", "setpriv", "chroot"))
    return tools and os.geteuid() == 0 and subprocess.run(["unshare", "-m", "-n", "true"], check=False).returncode == 0


@dataclass(frozen=True, slots=True)
class Mount:
    """A file or folder of this machine in a container."""

    source: Path
    target: str
    read_only: bool = True


@dataclass(frozen=True, slots=True)
class Container:
    """What an engine is told about one."""

    name: str
    argv: Sequence[str]
    user: str = "0:0"
    env: Mapping[str, str] = field(default_factory=dict)
    mounts: Sequence[Mount] = ()
    tmpfs: Sequence[str] = ()
    capabilities: Sequence[str] = ()
    aliases: Sequence[str] = ()
    restarts: bool = False


class Cell:
    """Containers on one network of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._id = uuid.uuid4().hex[:6]
        self._numbers = itertools.count(2)
        self._hosts: dict[str, list[str]] = {}
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._over = threading.Event()
        self._keepers: list[threading.Thread] = []
        self._spaces = [self._space("net")]
        _ip("-n", self._spaces[0], "link", "add", "br0", "type", "bridge")
        _ip("-n", self._spaces[0], "link", "set", "br0", "up")

    def plug(self, containers: Sequence[Container], outside: Mapping[str, str]) -> None:
        """Give each an address, which all of them know by its names, and by the name that it has outside."""
        for one in containers:
            number, space = next(self._numbers), self._space(one.name)
            self._spaces.append(space)
            address, cable, bridge = f"{NETWORK}.{number}", f"v{number}", self._spaces[0]
            _ip("-n", bridge, "link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", space)
            _ip("-n", bridge, "link", "set", cable, "master", "br0", "up")
            _ip("-n", space, "addr", "add", f"{address}/24", "dev", "eth0")
            _ip("-n", space, "link", "set", "eth0", "up")
            _ip("-n", space, "link", "set", "lo", "up")
            self._hosts[address] = [one.name, *one.aliases, *filter(None, [outside.get(one.name)])]

    def start(self, container: Container) -> None:
        """Start it, and again whenever it ends, when that is its policy."""
        process = self._started(container)
        self._running[container.name] = process
        if container.restarts:
            keeper = threading.Thread(target=self._keep, args=(container, process), daemon=True)
            keeper.start()
            self._keepers.append(keeper)

    def finish(self, container: Container, within_s: float = 120) -> str:
        """Run it to its end; returns what it has said."""
        process = self._started(container)
        status = process.wait(within_s)
        assert status == 0, f"{container.name} ended with {status}:\n{self.log(container.name)[-3000:]}"
        return self.log(container.name)

    def log(self, name: str) -> str:
        """What a container has said so far."""
        return (self.folder / f"{name}.log").read_text()

    def close(self) -> None:
        """End everything, and the network."""
        self._over.set()
        for process in self._running.values():
            _end(process)
        for keeper in self._keepers:
            keeper.join(60)
        for process in self._running.values():
            _end(process)
        for space in self._spaces:
            subprocess.run(["ip", "netns", "delete", space], check=False, capture_output=True)

    def _keep(self, container: Container, process: subprocess.Popen[bytes]) -> None:
        while not self._over.is_set():
            process.wait()
            if not self._over.wait(0.5):
                process = self._running[container.name] = self._started(container)

    def _space(self, name: str) -> str:
        space = f"pc-{self._id}-{name}"
        _ip("netns", "add", space)
        return space

    def _started(self, container: Container) -> subprocess.Popen[bytes]:
        root = self.folder / "roots" / container.name
        root.mkdir(parents=True, exist_ok=True)
        hosts = "\n".join(f"{address} {' '.join(names)}" for address, names in self._hosts.items())
        (self.folder / "hosts").write_text(f"127.0.0.1 localhost\n{hosts}\n")
        script = _script(container, root, self.folder / "hosts")
        space = f"pc-{self._id}-{container.name}"
        argv = ["ip", "netns", "exec", space, "unshare", "--mount", "bash", "-euc", script]
        with (self.folder / f"{container.name}.log").open("ab") as log:
            return subprocess.Popen(argv, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)


@contextlib.contextmanager
def cell(folder: Path) -> Iterator[Cell]:
    """A network for containers, until the block ends."""
    made = Cell(folder)
    try:
        yield made
    finally:
        made.close()


def _script(container: Container, root: Path, hosts: Path) -> str:
    """What makes the container's root and goes into it."""
    lines = [f"R={shlex.quote(str(root))}", "mount -t tmpfs tmpfs $R", "mkdir $R/etc $R/opt $R/run $R/var"]
    lines += [f"ln -s usr/{name} $R/{name}" for name in ("bin", "sbin", "lib", "lib64")]
    lines += ["cp /etc/passwd /etc/group /etc/nsswitch.conf /etc/ld.so.cache $R/etc", f"cp {hosts} $R/etc/hosts"]
    lines += [f"mkdir -p $R{one}; mount -t tmpfs -o mode=1777 tmpfs $R{one}" for one in container.tmpfs]
    lines += [f"mkdir $R/{one}; mount --rbind /{one} $R/{one}" for one in ("proc", "dev")]
    image = [Path("/usr"), Path(sys.base_prefix), Path(sys.prefix), ROOT / "cloud", ROOT / "powerctl"]
    lines += [line for path in image if path == Path("/usr") or not path.is_relative_to("/usr")
              for line in _mounted(Mount(path, str(path)))]  # fmt: skip
    lines += [f"ln -s {sys.prefix} $R/opt/powerctl"]
    lines += [line for mount in container.mounts for line in _mounted(mount)]
    lines += ["mount -o remount,ro $R"]
    uid, _, gid = container.user.partition(":")
    lines.insert(-1, f"grep -q '^[^:]*:x:{uid}:' $R/etc/passwd || echo image:x:{uid}:{gid}::/:/bin/sh >> $R/etc/passwd")
    kept = "".join(f",+{one.lower()}" for one in container.capabilities)
    rights = f"--reuid={uid} --regid={gid} --clear-groups --no-new-privs --bounding-set=-all{kept} --inh-caps=-all"
    env = {"PATH": f"/opt/powerctl/bin:{sys.prefix}/bin:/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1", **container.env}
    said = " ".join(shlex.quote(f"{key}={value}") for key, value in env.items())
    return "\n".join([*lines, f"exec chroot $R setpriv {rights} env -i -C / {said} {shlex.join(container.argv)}"])


def _mounted(mount: Mount) -> list[str]:
    source, target = shlex.quote(str(mount.source)), f"$R{mount.target}"
    empty = f"mkdir -p {target}" if mount.source.is_dir() else f"mkdir -p $(dirname {target}); touch {target}"
    lines = [empty, f"mount --bind {source} {target}"]
    return [*lines, f"mount -o remount,bind,ro {target}"] if mount.read_only else lines


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, timeout=30)


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(30)
