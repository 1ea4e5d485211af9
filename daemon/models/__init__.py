"""The models' files: what the manifest offers, how they are fetched and verified, and where they lie."""
