"""Judges cloaked photos: what networks read before and after, and how visible the perturbation is to people.

``Judge`` reads the original once and judges any number of delivered forms into a ``Judgement``. The dataclasses of a judgement
import neither torch nor NumPy, since the command line and the daemon's front process read them too.
"""
