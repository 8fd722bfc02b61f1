"""A folder on a network file system is refused with words, not with a ledger that miscounts."""

from __future__ import annotations

from pathlib import Path

import pytest

from marketo_assets.api.local_disk import network_file_system

MOUNTS = """\
21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
22 21 0:45 / /mnt/team rw,relatime shared:2 - nfs4 server:/export rw,vers=4.2
23 22 8:2 / /mnt/team/local rw,relatime - xfs /dev/sdb1 rw
24 21 0:46 / /mnt/a\\040share rw - cifs //server/share rw
25 21 0:47 / /mnt/later rw - nfs server:/a rw
26 21 8:3 / /mnt/later rw - ext4 /dev/sdc1 rw
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home/somebody/data", None),
        ("/mnt/team", "nfs4"),
        ("/mnt/team/marketo/data", "nfs4"),
        ("/mnt/team/local/data", None),
        ("/mnt/teamwork", None),
        ("/mnt/a share/data", "cifs"),
        ("/mnt/later/data", None),
    ],
)
def test_the_mount_that_holds_a_folder_decides(tmp_path: Path, path: str, kind: str | None) -> None:
    """The deepest mount counts, and of two on one folder the later one."""
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTS, "utf-8")

    assert kind == network_file_system(Path(path), mounts=mounts)


def test_a_system_that_does_not_tell_is_believed(tmp_path: Path) -> None:
    """Without a list of mounts nothing is refused."""
    assert network_file_system(tmp_path, mounts=tmp_path / "none") is None


def test_this_folder_is_local(tmp_path: Path) -> None:
    """Tests run on a local disk, and the real list of mounts can be read."""
    assert network_file_system(tmp_path) is None
