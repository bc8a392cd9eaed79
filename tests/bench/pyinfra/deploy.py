"""Everything on every host; run again whenever a host or a setting was changed."""

from pyinfra import host, local

local.include("tasks/common.py")
if "data" in host.groups:
    local.include("tasks/data.py")
if "app" in host.groups:
    local.include("tasks/app.py")
    local.include("release.py")
# Last, so that it never knows a host before that host serves.
if "edge" in host.groups:
    local.include("tasks/edge.py")
