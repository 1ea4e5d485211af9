"""Delivers photos as the daemon does. Evaluations of one protector avoid this module, so that they depend on no other."""

from protectors.channel.exact import through_jpeg
from protectors.cloak import Cloakroom
from protectors.evaluation.measurement import SEED
from protectors.judging.judge import Judge
from protectors.progress import end_of
from protectors.saving import Pixels


def delivered_by(room: Cloakroom, judge: Judge) -> Pixels:
    """Return a judge's photo as the daemon delivers it: cloaked, saved as the daemon's JPEG, and decoded."""
    return through_jpeg(end_of(room.cloak(judge, SEED)).pixels)
