"""How much of everything there may be. The API's schema, the models and the forms read these."""

NAME = 120
TITLE = 200
DESCRIPTION = 20_000
SHOWN_DESCRIPTION = 2_000  # of which a board's snapshot holds so much
COMMENT = 10_000
LABEL = 40
LABELS = 20
COLUMNS = 50
IDEMPOTENCY_KEY = 200
