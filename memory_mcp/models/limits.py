"""This module names every limit on what the store accepts; the checks that use them say the number."""

TASK_CHARACTERS = 10_000
NOTE_CHARACTERS = 10_000
MESSAGE_CHARACTERS = 100_000
QUERY_CHARACTERS = 10_000
NAME_CHARACTERS = 200
STEPS_PER_EPISODE = 1_000
PAYLOAD_BYTES = 1_000_000
EPISODE_BYTES = 10_000_000
TAGS = 50
TAG_CHARACTERS = 100
PAGE_ROWS = 1_000
DEPTH = 50  # levels of lists and objects in a value; parsers of clients give up at 64 to 200, with the answer around it
VALUES = 20_000
LEAST_INTEGER, GREATEST_INTEGER = -(2**63), 2**64 - 1  # the integers that MessagePack, and so the cache, can carry
GREATEST_COUNT = 2**63 - 1  # of a column of SQLite
LATEST_MOMENT = 253_402_300_799_000_000  # 9999-12-31T23:59:59Z: later times cannot be written as a date
GREATEST_MEASURE = 1e9  # seconds of 31 years; rewards lie within 0 and 2
ID_CHARACTERS = 500
