"""Who makes releases, and a station that takes them."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from edge.update import bundle as bundles
from edge.update.slots import Slots


@dataclass
class Vendor:
    """Who makes releases."""

    folder: Path

    def __post_init__(self) -> None:
        self.folder.mkdir(exist_ok=True)
        self.key = self.folder / "release.key"
        self.public = bundles.new_key(self.key)

    def release(self, number: int, *, may_replace: int = 0, key: Path | None = None) -> Path:
        """A bundle of a small program."""
        tree = self.folder / f"tree-{number}"
        (tree / "bin").mkdir(parents=True, exist_ok=True)
        (tree / "bin" / "powerctl-edge").write_text(f"#!/bin/sh\necho {number}\n")
        (tree / "bin" / "powerctl-edge").chmod(0o755)
        (tree / "VERSION").write_text(f"1.{number}\n")
        out = self.folder / f"release-{number}-{may_replace}.bundle"
        bundles.build(tree, out, key or self.key, version=f"1.{number}", number=number, may_replace=may_replace)
        return out


@dataclass
class Station:
    """Slots, and what they report."""

    root: Path
    events: list[str] = field(default_factory=list)

    @property
    def slots(self) -> Slots:
        """As a program that has just started sees them."""
        return Slots(self.root, lambda code, _: self.events.append(code))

    def runs(self) -> int:
        """The release that starts, all of its files as they were signed."""
        slot = self.slots.current()
        assert slot is not None
        assert self.slots.damage(slot) == []
        assert os.access(self.root / "current" / "bin" / "powerctl-edge", os.X_OK)
        manifest = self.slots.manifest(slot)
        assert manifest is not None
        return manifest.number

    def takes(self, vendor: Vendor, number: int) -> None:
        """The release is installed and found healthy."""
        self.slots.install(vendor.release(number), [vendor.public])
        self.slots.begin_start()
        self.slots.commit()


def flipped(bundle: Path, place: int) -> Path:
    """The bundle with one bit changed."""
    content = bytearray(bundle.read_bytes())
    content[place] ^= 1
    changed = bundle.with_suffix(".flipped")
    changed.write_bytes(content)
    return changed
