"""The plan process: reads problems from standard input, writes plans to standard output, ends with its parent.

Started as `python -m powerctl.allocation.plan_worker TIME_LIMIT_S`. An empty answer means that there is no plan.
"""

from __future__ import annotations

import os
import sys
from typing import BinaryIO

from powerctl.allocation.plan_frame import HEADER, framed, length_of
from powerctl.allocation.plan_problem import plan_to_json, problem_from_json

_NICENESS = 10


def main() -> None:
    """Answer until standard input ends."""
    os.nice(_NICENESS)
    # Solvers print; the pipe that carries the frames must be out of their reach.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    serve(sys.stdin.buffer, answers, float(sys.argv[1]))


def serve(questions: BinaryIO, answers: BinaryIO, time_limit_s: float) -> None:
    """Answer every question until there are no more."""
    from powerctl.allocation import plan_solve

    while len(header := questions.read(HEADER.size)) == HEADER.size:
        problem = problem_from_json(questions.read(length_of(header)))
        try:
            answer = plan_to_json(plan_solve.answer(problem, time_limit_s))
        except plan_solve.NoPlan:
            answer = b""
        answers.write(framed(answer))
        answers.flush()


if __name__ == "__main__":
    main()
