"""This package turns text into vectors: hashed words without a model, a local sentence model, or a remote one."""
