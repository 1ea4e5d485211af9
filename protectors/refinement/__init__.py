"""Cloaks against several pretrained networks at once: one perturbation, refined against two networks a step."""
