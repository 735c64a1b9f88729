"""A kind of import contract that the import linter does not bring: pure by default, with the exceptions named.

The linter's own `forbidden` contract lists who must be pure, so a new module is impure until somebody adds it. Here a
module is pure until somebody names it a shell.
"""

from __future__ import annotations

from typing import ClassVar, cast

import grimp
from importlinter import Contract, ContractCheck, fields, output
from importlinter.domain.helpers import module_expressions_to_modules
from importlinter.domain.imports import ModuleExpression


class ForbiddenExceptContract(Contract):
    """No module of `packages` reaches a `forbidden` one, directly or through others, except those in `exceptions`.

    An excepted module may import what is forbidden; that does not excuse a module that imports the excepted one.
    """

    type_name: ClassVar[str] = "forbidden_except"

    packages = fields.SetField(subfield=fields.ModuleExpressionField())
    exceptions = fields.SetField(subfield=fields.ModuleExpressionField(), required=False)
    forbidden = fields.SetField(subfield=fields.StringField())

    def check(self, graph: grimp.ImportGraph, verbose: bool) -> ContractCheck:
        """Kept when no chain exists; otherwise the chains are in the metadata."""
        judged = self._modules(graph, self.packages) - self._modules(graph, self.exceptions or set())
        targets = sorted(cast("set[str]", self.forbidden) & graph.modules)
        chains = [chain for importer in sorted(judged) if (chain := _nearest(graph, importer, targets))]
        return ContractCheck(kept=not chains, metadata={"chains": chains})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print each chain on a line of its own."""
        for chain in check.metadata["chains"]:
            output.print_error(f"- {' -> '.join(chain)}", bold=False)
        output.new_line()

    @staticmethod
    def _modules(graph: grimp.ImportGraph, expressions: object) -> set[str]:
        """Names of the modules that the expressions cover, with everything below them.

        An expression that covers nothing is an error, so that the list of exceptions cannot outlive its modules.
        """
        typed = cast("set[ModuleExpression]", expressions)
        found = module_expressions_to_modules(graph, typed, as_packages=True, raise_if_unmatched=True)
        return {module.name for module in found}


def _nearest(graph: grimp.ImportGraph, importer: str, targets: list[str]) -> tuple[str, ...]:
    """The shortest chain from `importer` to any of `targets`; empty when there is none."""
    chains = (graph.find_shortest_chain(importer=importer, imported=target) for target in targets)
    return min((chain for chain in chains if chain is not None), key=len, default=())
