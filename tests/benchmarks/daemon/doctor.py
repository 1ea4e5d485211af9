"""Faults injected one at a time, each on a machine of its own: does the doctor name it, and nothing else?"""

import json

from daemon.figures import say
from tests.daemon.doctor.faults import FAULTS, judge


def measure() -> dict[str, float]:
    """Right is a fault of which its own code is said, with advice, and no other; and where it can be mended, that `--fix`
    does so and a second look finds nothing more. Faults that cannot be brought about here (for want of rights) do not count.
    """
    possible = [fault for fault in FAULTS if fault.possible()]
    right = 0
    for fault in possible:
        judged = judge(fault)
        right += judged.right
        say(f"{'right' if judged.right else 'WRONG'} {fault.code}: {', '.join(sorted(judged.said))}")
    return {"doctor.faults": len(possible), "doctor.right": right}


if __name__ == "__main__":
    print(json.dumps(measure()))
