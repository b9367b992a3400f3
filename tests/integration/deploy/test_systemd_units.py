"""The units: right in systemd's eyes, hardened, and with time enough for a clean stop."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kefu.cli.workers import STOP_MARGIN_S
from kefu.config import Settings

from .conftest import ROOT

UNITS = ("kefu-chat-server.service", "kefu-main-site.service")
FOLDER = ROOT / "deploy" / "systemd"
EXPOSURE_MAX = 2.0
STOP_S_MAX = Settings.model_fields["stop_grace_ms"].default / 1000 + Settings.model_fields["stop_deadline_s"].default


def analyze(*arguments: object) -> subprocess.CompletedProcess[str]:
    if shutil.which("systemd-analyze") is None:
        if os.environ.get("CI"):
            pytest.fail("systemd-analyze is missing: .ci/run installs it")
        pytest.skip("systemd-analyze is missing: apt-get install systemd")
    command = ["systemd-analyze", *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, env={**os.environ, "LC_ALL": "C"}
    )


@pytest.fixture(params=UNITS)
def unit(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A unit that names a program which is there."""
    text = (FOLDER / request.param).read_text()
    assert "/opt/kefu/bin/kefu" in text
    file = tmp_path / request.param
    file.write_text(text.replace("/opt/kefu/bin/kefu", sys.executable))
    return file


def test_systemd_finds_nothing_wrong(unit: Path) -> None:
    done = analyze("verify", "--man=no", unit)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    unit.write_text(unit.read_text().replace("RestrictRealtime=", "RestrictsRealtime="))
    assert "RestrictsRealtime" in analyze("verify", "--man=no", unit).stderr


def test_it_is_hardened(unit: Path) -> None:
    done = analyze("security", "--no-pager", "--offline=true", f"--threshold={EXPOSURE_MAX * 10:.0f}", unit)
    found = re.search(r"Overall exposure level for .*: ([\d.]+)", done.stdout)
    assert found is not None, done.stderr
    assert float(found[1]) <= EXPOSURE_MAX
    assert done.returncode == 0


@pytest.mark.parametrize("name", UNITS)
def test_it_is_told_of_start_and_life_and_waits_for_the_stop(name: str) -> None:
    lines = dict(
        line.split("=", 1) for line in (FOLDER / name).read_text().splitlines() if "=" in line and line[0] != "#"
    )
    assert lines["Type"] == "notify"
    assert int(lines["WatchdogSec"]) > 0
    assert int(lines["TimeoutStopSec"]) > STOP_S_MAX + STOP_MARGIN_S
    assert lines["EnvironmentFile"] == f"/etc/kefu/{name.removeprefix('kefu-').removesuffix('.service')}.env"


def test_pm2_waits_for_the_stop_too() -> None:
    found = re.search(r"kill_timeout: ([\d_]+)", (ROOT / "deploy/pm2/ecosystem.config.cjs").read_text())
    assert found is not None
    assert int(found[1]) / 1000 > STOP_S_MAX + STOP_MARGIN_S
