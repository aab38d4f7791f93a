"""Django's PostgreSQL engine, with bounds on locks that hold behind a connection pooler, too."""
