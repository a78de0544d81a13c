"""Say whose certificates a sink trusts."""

import ssl
from pathlib import Path

from edgeface.errors import ConfigError


def trust(ca_file: str = "") -> ssl.SSLContext:
    """Return a context that trusts the authorities of a PEM file and no other, or else those of the system.

    It verifies the certificate and the host's name. Raise ConfigError when the file cannot be used.
    """
    try:
        return ssl.create_default_context(cafile=str(Path(ca_file).expanduser()) if ca_file else None)
    except OSError as error:  # also of what is no certificate
        raise ConfigError(f"ca_file {ca_file} cannot be used: {error.strerror or error}") from error
