"""Relays of a control box, as the station's digital inputs show them: one file each, with 0 or 1."""

from __future__ import annotations

from pathlib import Path


class ContactBox:
    """Writes the files that the station reads.

    Args:
        folder: Where they lie.
        count: How many relays there are.
    """

    def __init__(self, folder: Path, count: int = 1) -> None:
        self.inputs = tuple(folder / f"contact{number}" for number in range(count))
        self.set(*(False for _ in self.inputs))

    def set(self, *closed: bool) -> None:
        """Close and open the relays; one value each."""
        for path, on in zip(self.inputs, closed, strict=True):
            path.write_text(f"{int(on)}\n")

    def unplug(self) -> None:
        """Take the inputs away, as a broken module would."""
        for path in self.inputs:
            path.unlink(missing_ok=True)
