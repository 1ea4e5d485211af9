"""The worker: the process that owns torch and Pillow, and cloaks one photo at a time.

``process`` and ``settings`` are imported by the front process too, which must stay light; ``cloaking`` is the worker's alone.
"""
