"""The site's table of contents: sections in the order of a reader's questions, pages as the folders hold them.

A page that lies in `docs/` is on the site without being listed anywhere.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

SECTIONS = {
    "Tutorials": "tutorials",
    "How-to": "how-to",
    "Explanation": "explanation",
    "Reference": "reference",
    "Runbooks": "runbooks",
    "Decisions": "adr",
}
"""Title of a section, and the folder of its pages."""
TOP = {"Explanation": ("architecture.md", "glossary.md"), "Reference": ("chademo-trace.md",)}
"""Pages that lie at the top for the repository's readers, and where they belong for the site's."""


def pages(docs: Path, title: str, folder: str) -> list[str]:
    """The section's pages, relative to `docs`; its index first, the others by name."""
    found = sorted(
        (docs / folder).glob("*.md"), key=lambda page: (page.name not in {"README.md", "index.md"}, page.name)
    )
    return [*TOP.get(title, ()), *(str(page.relative_to(docs)) for page in found)]


def on_config(config: Any) -> Any:
    """Called by MkDocs when it has read its settings."""
    docs = Path(config["docs_dir"])
    config["nav"] = [
        "index.md",
        *({title: found} for title, folder in SECTIONS.items() if (found := pages(docs, title, folder))),
    ]
    return config
