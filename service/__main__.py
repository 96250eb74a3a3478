"""`python -m service` is `kafka-resend`."""

from service.cli import main

main()
