"""Where the spool goes, and which places are refused."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from execmeta.spool.paths import Place, SpoolRefusedError, existing, places, prepare
from execmeta.spool.system import NETWORK_FILE_SYSTEMS, file_system_of

MOUNTS = r"""21 26 0:20 / /proc rw,nosuid - proc proc rw
26 1 252:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 26 0:40 / /home rw,relatime - nfs4 filer:/home rw,vers=4.2
31 30 0:41 / /home/local rw - xfs /dev/vdb rw
32 26 0:42 / /mnt/with\040space rw - cifs //share rw
33 26 0:43 / /mnt/twice rw - ext4 /dev/vdc rw
34 33 0:44 / /mnt/twice rw - fuse.sshfs host: rw
"""


def test_named_place_then_state_folder_then_a_folder_per_user() -> None:
    found = places({"EXECMETA_SPOOL": "/a/b", "XDG_STATE_HOME": "/s", "TMPDIR": "/t"})

    assert found == (
        Place(Path("/a/b"), "named"),
        Place(Path("/s/execmeta/spool"), "state"),
        Place(Path(f"/t/execmeta-{os.geteuid()}"), "temporary"),
    )


def test_a_relative_place_in_a_deleted_folder_is_only_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    environ = {"EXECMETA_SPOOL": "here", "XDG_STATE_HOME": str(tmp_path)}

    assert places(environ)[0] == Place(Path("here"), "named")
    assert Path("here") not in existing(environ)


def test_the_state_folder_is_below_home_and_never_relative() -> None:
    found = places({"XDG_STATE_HOME": "state", "HOME": "/home/me", "TMPDIR": "tmp"})

    assert [str(place.path) for place in found] == ["/home/me/.local/state/execmeta/spool"]


def test_a_missing_folder_is_made_for_its_user_alone(tmp_path: Path) -> None:
    path = prepare(Place(tmp_path / "a" / "b", "state"))

    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_our_state_folder_is_tightened(tmp_path: Path) -> None:
    path = tmp_path / "spool"
    path.mkdir()
    path.chmod(0o777)

    prepare(Place(path, "state"))

    assert stat.S_IMODE(path.stat().st_mode) == 0o700


@pytest.mark.parametrize("how", ["link", "wide", "file"])
def test_a_shared_place_that_is_not_ours_alone_is_refused(tmp_path: Path, how: str) -> None:
    path = tmp_path / "execmeta-0"
    if how == "link":
        (tmp_path / "elsewhere").mkdir()
        path.symlink_to(tmp_path / "elsewhere")
    elif how == "wide":
        path.mkdir()
        path.chmod(0o777)
    else:
        path.write_text("")

    with pytest.raises(SpoolRefusedError, match="not a private folder"):
        prepare(Place(path, "temporary"))


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give a folder away")
def test_a_shared_place_of_another_user_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "execmeta-0"
    path.mkdir(mode=0o700)
    os.chown(path, 12345, 12345)

    with pytest.raises(SpoolRefusedError, match="not a private folder"):
        prepare(Place(path, "temporary"))


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/lib", "ext4"),
        ("/home/me/.local/state", "nfs4"),
        ("/home/local/me", "xfs"),
        ("/homes", "ext4"),
        ("/mnt/with space/x", "cifs"),
        ("/mnt/twice", "fuse.sshfs"),
    ],
)
def test_the_file_system_is_that_of_the_longest_mount_point(path: str, kind: str) -> None:
    assert file_system_of(Path(path), MOUNTS) == kind


def test_the_temporary_folder_of_this_test_is_on_no_network(tmp_path: Path) -> None:
    assert prepare(Place(tmp_path / "spool", "named")) == tmp_path / "spool"
    assert file_system_of(tmp_path) not in NETWORK_FILE_SYSTEMS


def test_readers_look_into_every_place_that_exists(tmp_path: Path) -> None:
    environ = {"EXECMETA_SPOOL": str(tmp_path / "named"), "TMPDIR": str(tmp_path), "HOME": "/none"}
    shared = tmp_path / f"execmeta-{os.geteuid()}"
    shared.mkdir(mode=0o700)
    before = existing(environ)
    (tmp_path / "named").mkdir()

    assert (before, existing(environ)) == ((shared,), (tmp_path / "named", shared))
