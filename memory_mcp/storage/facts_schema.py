"""This module holds what the facts of a project are derived from: a survey beside the digest of each episode."""

FACTS_SCHEMA: tuple[str, ...] = ("ALTER TABLE digests ADD COLUMN survey TEXT NOT NULL DEFAULT ''",)
