#!/usr/bin/env bash
# Style, types, shell scripts and workflows; prints only what is wrong.
set -euo pipefail
cd "$(dirname "$0")/.."

tools/need.sh shellcheck=shellcheck
code=(__main__.py infra provisioning localcloud localengine ops tests tools)
.venv/bin/ruff check --quiet "${code[@]}" example
.venv/bin/ruff format --quiet --check "${code[@]}" example
.venv/bin/mypy --strict --no-error-summary "${code[@]}"
mapfile -t scripts < <(git ls-files '*.sh' .ci/run)
shellcheck "${scripts[@]}"
mapfile -t workflows < <(git ls-files '.github/workflows/*.yml')
.venv/bin/check-jsonschema --quiet --builtin-schema vendor.github-workflows "${workflows[@]}"
.venv/bin/zizmor --offline --quiet --no-progress "${workflows[@]}"
echo "lint: nothing to complain about"
