# mypy: disable-error-code="import-not-found"
"""What gunicorn serves: the site's own WSGI callable, under the wrapped settings."""

import seatrial_boot

application = seatrial_boot.application()
seatrial_boot.warm_up()
