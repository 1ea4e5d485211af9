"""What becomes of a photo between the person and the people who see it: resizing, chroma subsampling, JPEG, WebP.

``exact`` and ``pipeline`` make the very bytes, for judging; ``resizing``, ``jpeg`` and ``webp`` are differentiable models of
them, for optimising. Verdicts never come from a model.
"""
