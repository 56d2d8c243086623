"""The examples in deploy/, the Dockerfile and the README's `docker run` hold together."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.settings import GROUPS, fields_of

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = {name for group in GROUPS.values() for name, _ in fields_of(group)}
UNIT = (ROOT / "deploy" / "wanda.service").read_text()
DOCKERFILE = (ROOT / "Dockerfile").read_text()
README = (ROOT / "README.md").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())
SERVICE: dict[str, Any] = COMPOSE["services"]["wanda"]


@pytest.mark.parametrize("text", [UNIT, DOCKERFILE, (ROOT / "deploy" / "compose.yaml").read_text()])
def test_only_settings_that_exist(text: str) -> None:
    """A name that Wanda does not know would end her start."""
    assert set(re.findall(r"WANDA_[A-Z_]+", text)) <= SETTINGS


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    """Every section, key and value is one that systemd knows."""
    program = shutil.which("true")
    unit = tmp_path / "wanda.service"
    unit.write_text(UNIT.replace("/opt/wanda/.venv/bin/python", str(program)))
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_what_ended_is_started_again() -> None:
    """After a reboot, and when Wanda has ended herself; but not for ever with a wrong setting."""
    assert SERVICE["restart"] == "unless-stopped"
    assert "--restart unless-stopped" in README
    assert "Restart=on-failure\n" in UNIT
    assert "RestartPreventExitStatus=2\n" in UNIT


def test_logs_do_not_fill_the_disk() -> None:
    """Docker keeps everything by default (https://docs.docker.com/engine/logging/drivers/json-file/)."""
    assert set(SERVICE["logging"]["options"]) == {"max-size", "max-file"}
    assert "--log-opt max-size=10m --log-opt max-file=5" in README


def test_the_volume_is_the_data_folder() -> None:
    """The image's folder, Compose's and the README's are one, and each volume is declared."""
    folder = SERVICE["environment"]["WANDA_DATA_DIR"]
    assert f"VOLUME {folder}\n" in DOCKERFILE
    assert f"WANDA_DATA_DIR={folder}\n" in DOCKERFILE
    assert [f"{name}:{folder}" for name in COMPOSE["volumes"]] == SERVICE["volumes"]
    assert f"-v wanda-data:{folder} wanda" in README


def test_stopping_has_time() -> None:
    """Whoever stops her waits longer than she needs (`WANDA_SHUTDOWN_TIMEOUT_S` is at most 9 s)."""
    assert SERVICE["stop_grace_period"] == "15s"
    assert "TimeoutStopSec=15\n" in UNIT
