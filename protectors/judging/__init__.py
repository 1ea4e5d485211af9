"""Judging: what networks read in a photo before and after it was cloaked, and how much of it people can tell.

``Judge`` reads the original once and judges any number of delivered forms into ``Judgement``. The dataclasses of a judgement
import neither torch nor NumPy: the command line and the daemon's front process read them too.
"""
