"""Builds and runs the image: with Docker or Podman where they work, else with Buildah, which needs no daemon."""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

ROOT = Path(__file__).resolve().parents[2]
TAG = "localhost/wanda:test"
OFFICIAL = ("python:3.13", "python:3.13-slim")
STAND_IN = "localhost/wanda-base:debian"
PULL_TIMEOUT_S = 60.0
DEBOOTSTRAP_TIMEOUT_S = 150.0
BUILD_TIMEOUT_S = 240.0
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
RELEASE, PACKAGES = "trixie", "python3,python3-venv,python3-pip,ca-certificates,binutils"


class NoEngineError(Exception):
    """The image cannot be built here; the text says why."""


class Engine(Protocol):
    """What builds and runs images."""

    def program(self) -> str:
        """Return the command's name."""
        ...

    def make(self, tag: str, root: Path, env: Mapping[str, str]) -> None:
        """Make an image of a folder."""
        ...

    def build(self, arguments: Sequence[str]) -> None:
        """Build the Dockerfile as `TAG`."""
        ...

    def start(self, command: Sequence[str], env: Mapping[str, str]) -> "subprocess.Popen[str]":
        """Start a command of the image in a new container; its container's output is the process's."""
        ...

    def ask(self, command: Sequence[str], env: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
        """Run a command in the container that was started, or in a new one, and wait for its end."""
        ...

    def stop(self) -> None:
        """Send SIGTERM to the command that was started."""
        ...

    def remove(self) -> None:
        """Remove the containers."""
        ...


def _run(*command: str, timeout_s: float = 60.0) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)


def _checked(*command: str, timeout_s: float = 60.0) -> str:
    done = _run(*command, timeout_s=timeout_s)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout.strip()


class Docker:
    """Docker, or Podman, which has the same commands. Runs read-only and without rights, as the README says."""

    def __init__(self, program: str) -> None:
        self._program = program
        self._name = f"wanda-test-{os.getpid()}"

    def program(self) -> str:
        return self._program

    def make(self, tag: str, root: Path, env: Mapping[str, str]) -> None:
        changes = [word for name, value in env.items() for word in ("--change", f"ENV {name}={value}")]
        with tempfile.TemporaryDirectory() as folder:
            archive = f"{folder}/root.tar"
            _checked("tar", "--create", "--file", archive, "--directory", str(root), ".", timeout_s=120)
            _checked(self._program, "import", *changes, archive, tag, timeout_s=120)

    def build(self, arguments: Sequence[str]) -> None:
        _checked(
            self._program, "build", "--network", "host", *arguments, "-t", TAG, str(ROOT), timeout_s=BUILD_TIMEOUT_S
        )

    def _options(self, env: Mapping[str, str]) -> list[str]:
        rights = ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--network", "host")
        return [*rights, *(word for name, value in env.items() for word in ("--env", f"{name}={value}"))]

    def start(self, command: Sequence[str], env: Mapping[str, str]) -> "subprocess.Popen[str]":
        options = [*self._options(env), "--name", self._name, "--entrypoint", command[0]]
        return _popen([self._program, "run", "--rm", *options, TAG, *command[1:]])

    def ask(self, command: Sequence[str], env: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
        if _run(self._program, "inspect", self._name).returncode == 0:
            return _run(self._program, "exec", self._name, *command)
        return _run(self._program, "run", "--rm", *self._options(env), "--entrypoint", command[0], TAG, *command[1:])

    def stop(self) -> None:
        _checked(self._program, "stop", "--time", "15", self._name)

    def remove(self) -> None:
        _run(self._program, "rm", "--force", self._name)


class Buildah:
    """Buildah in a chroot: the same Dockerfile and files, the image's user, but no read-only root and no cgroups."""

    def __init__(self) -> None:
        self._container = ""

    def program(self) -> str:
        return "buildah"

    def make(self, tag: str, root: Path, env: Mapping[str, str]) -> None:
        container = _checked("buildah", "from", "scratch")
        try:
            place = _checked("buildah", "mount", container)
            _checked("cp", "--archive", f"{root}/.", place, timeout_s=120)
            _checked("buildah", "umount", container)
            variables = [word for name, value in env.items() for word in ("--env", f"{name}={value}")]
            _checked("buildah", "config", *variables, container)
            _checked("buildah", "commit", "--quiet", container, tag, timeout_s=120)
        finally:
            _run("buildah", "rm", container)

    def build(self, arguments: Sequence[str]) -> None:
        options = ("--isolation", "chroot", "--network", "host", "--format", "docker", "--layers")
        _checked("buildah", "build", *options, *arguments, "-t", TAG, str(ROOT), timeout_s=BUILD_TIMEOUT_S)

    def _words(self, command: Sequence[str], env: Mapping[str, str]) -> list[str]:
        if not self._container:
            self._container = _checked("buildah", "from", "--pull-never", TAG)
        variables = [word for name, value in env.items() for word in ("--env", f"{name}={value}")]
        return ["buildah", "run", "--isolation", "chroot", *variables, self._container, "--", *command]

    def start(self, command: Sequence[str], env: Mapping[str, str]) -> "subprocess.Popen[str]":
        noted = ["sh", "-c", 'echo $$ > /data/started.pid; exec "$0" "$@"', *command]
        return _popen(self._words(noted, env))

    def ask(self, command: Sequence[str], env: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
        return _run(*self._words(command, env))

    def stop(self) -> None:
        # In a chroot the process ids are this machine's.
        done = self.ask(["sh", "-c", "kill -TERM $(cat /data/started.pid)"], {})
        assert done.returncode == 0, done.stderr

    def remove(self) -> None:
        if self._container:
            _run("buildah", "rm", self._container)


def _popen(command: Sequence[str]) -> "subprocess.Popen[str]":
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def find_engine() -> Engine:
    """Return the first engine that works: a client without its daemon does not.

    Raises:
        NoEngineError: there is none.
    """
    for program in ("docker", "podman"):
        if shutil.which(program) and _works(program):
            return Docker(program)
    if shutil.which("buildah") and os.geteuid() == 0:
        return Buildah()
    raise NoEngineError("no container engine works here (docker, podman, or buildah as root)")


def _works(program: str) -> bool:
    """Return whether it runs a container: of nothing but an empty folder, which has no program to run."""
    if _run(program, "info").returncode != 0:
        return False
    with tempfile.TemporaryDirectory() as folder:
        engine = Docker(program)
        try:
            engine.make("localhost/wanda-nothing", Path(folder), {})
        except AssertionError:
            return False
        said = _run(program, "run", "--rm", "--network", "host", "localhost/wanda-nothing", "/nothing")
        _run(program, "rmi", "localhost/wanda-nothing")
    return "no such file" in said.stderr.lower() or "not found" in said.stderr.lower()


def base_arguments(engine: Engine) -> tuple[list[str], str]:
    """Return what the build is told about its base images, and which they are.

    Raises:
        NoEngineError: neither the official images nor Debian's packages are to be had.
    """
    if all(_is_here(engine, image) or _is_pulled(engine, image) for image in OFFICIAL):
        return [], " and ".join(OFFICIAL)
    if not _is_here(engine, STAND_IN):
        _make_stand_in(engine)
    return [
        *("--build-arg", f"PACKAGES_IMAGE={STAND_IN}", "--build-arg", f"RUNTIME_IMAGE={STAND_IN}"),
        *(() if isinstance(engine, Docker) else ("--pull-never",)),
    ], f"Debian {RELEASE} with its own Python, because the official images cannot be fetched here"


def _is_here(engine: Engine, image: str) -> bool:
    return _run(engine.program(), "inspect", "--type", "image", image).returncode == 0


def _is_pulled(engine: Engine, image: str) -> bool:
    try:
        return _run(engine.program(), "pull", f"docker.io/library/{image}", timeout_s=PULL_TIMEOUT_S).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def _make_stand_in(engine: Engine) -> None:
    """Make a base of Debian's packages, with this machine's certificates."""
    if shutil.which("debootstrap") is None or os.geteuid() != 0:
        raise NoEngineError("the base images cannot be fetched, and there is no debootstrap to make one (as root)")
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        root = Path(folder) / "root"
        try:
            made = _run(
                *("debootstrap", "--variant=minbase", f"--include={PACKAGES}", RELEASE, str(root)),
                timeout_s=DEBOOTSTRAP_TIMEOUT_S,
            )
        except subprocess.TimeoutExpired:
            raise NoEngineError("the base images cannot be fetched, and debootstrap takes too long") from None
        if made.returncode != 0:
            raise NoEngineError(f"the base images cannot be fetched, and debootstrap fails: {made.stdout[-300:]}")
        (root / "usr" / "bin" / "python").symlink_to("python3")
        if CERTIFICATES.exists():
            shutil.copy(CERTIFICATES, root / str(CERTIFICATES).lstrip("/"))
        path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        engine.make(STAND_IN, root, {"PATH": path, "PIP_CERT": str(CERTIFICATES)})


def size_bytes(engine: Engine) -> int:
    """Return the image's size."""
    if isinstance(engine, Docker):
        return int(_checked(engine.program(), "image", "inspect", "--format", "{{.Size}}", TAG))
    images: list[dict[str, Any]] = json.loads(_checked("buildah", "images", "--json", TAG))
    return _bytes_in(images[0]["size"])


def _bytes_in(text: str) -> int:
    """Return the bytes that "759 MB" says."""
    number, unit = text.split()
    return round(float(number) * {"B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9}[unit.upper()])


def config_of(engine: Engine) -> dict[str, Any]:
    """Return the image's configuration: user, entry point, health check and so on."""
    if isinstance(engine, Docker):
        return json.loads(_checked(engine.program(), "image", "inspect", "--format", "{{json .Config}}", TAG))
    return json.loads(_checked("buildah", "inspect", "--type", "image", TAG))["Docker"]["config"]
