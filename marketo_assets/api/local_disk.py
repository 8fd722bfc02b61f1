"""Whether a folder lies on this machine's own disk: over a network, file locks do not hold."""

from __future__ import annotations

from pathlib import Path

_MOUNTS = Path("/proc/self/mountinfo")
_NETWORK = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ncpfs", "ceph", "glusterfs", "lustre", "fuse.sshfs", "fuse.s3fs"}
)


def network_file_system(path: Path, *, mounts: Path = _MOUNTS) -> str | None:
    """Return the kind of the network file system that *path* lies on, or None when it lies on none that is known.

    Only Linux tells, in *mounts*; elsewhere the answer is None.
    """
    try:
        lines = mounts.read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return None
    folder, found, kind = path.absolute(), -1, ""
    for line in lines:
        left, separator, right = line.partition(" - ")
        if not separator or len(left.split()) < 5:
            continue
        point = Path(left.split()[4].replace("\\040", " "))
        # The last of the deepest: a later mount hides an earlier one.
        if len(point.parts) >= found and folder.is_relative_to(point):
            found, kind = len(point.parts), right.split()[0]
    return kind if kind in _NETWORK else None
