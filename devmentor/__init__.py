"""The wiring: settings, URLs and the ASGI application. The only package that knows both apps."""

__version__ = "0.1.0"
