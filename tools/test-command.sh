#!/bin/sh
# A command of the site's manage.py, on the first app host of the stack TEST_STACK, for its functional tests.
cd "$(dirname "$0")/.." && exec .venv/bin/python -m ops test-command --stack "${TEST_STACK:-local}" -- "$@"
