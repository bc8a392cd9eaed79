"""How gunicorn serves the site on this host. The release and the slot are told on the command line."""

preload_app = True  # a release that can't be imported never says that it is ready
worker_class = "gthread"
workers = @{workers}
threads = @{threads}
umask = 0o007
timeout = 60
graceful_timeout = 30
keepalive = 5
max_requests = 2000
max_requests_jitter = 1000
accesslog = None  # nginx has it
errorlog = "-"
