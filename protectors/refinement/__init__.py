"""Cloaks against several pretrained networks at once: one perturbation, refined against one network a step."""
