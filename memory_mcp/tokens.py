"""This module estimates how many tokens a text costs."""

BYTES_PER_TOKEN = 3  # code and paths come to 3.0 to 3.5 bytes a token, prose to more than 4: an upper estimate


def tokens(text: str) -> int:
    """Estimate the tokens of a text from above."""
    return -(-len(text.encode("utf-8", "surrogatepass")) // BYTES_PER_TOKEN)
