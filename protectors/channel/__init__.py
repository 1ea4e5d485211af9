"""Models the processing of a photo on its way to other people: resizing, chroma subsampling, JPEG and WebP.

``exact`` and ``pipeline`` produce real files, for judging. ``resizing``, ``jpeg`` and ``webp`` are differentiable models, for
optimising; verdicts never come from them.
"""
