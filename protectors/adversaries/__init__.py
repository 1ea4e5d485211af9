"""The models that photos are defended against: detectors and classifiers with differentiable scores."""
