"""The photos of photos.npz that were used to choose the methods' constants; no figure of real networks is measured on them."""

TUNED_ON = frozenset({5, 12, 20, 33, 47, 58, 71, 90, 101, 110, 120, 125})
