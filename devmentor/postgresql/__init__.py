"""Django's PostgreSQL engine, with bounds on its waits that hold behind a connection pooler, too."""
