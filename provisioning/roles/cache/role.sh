# Redis as a cache on a unix socket: bounded, forgetful, and reached by the site alone.
# shellcheck shell=bash
: "${files:?}"

ensure_directory /etc/systemd/system/redis-server.service.d 0755 root:root
install_file "$files/redis.service.conf" /etc/systemd/system/redis-server.service.d/seatrial.conf 0644 root:root \
    daemon-reload redis-server.service:restart
install_file "$files/redis.conf" /etc/redis/seatrial.conf 0640 redis:redis redis-server.service:restart
settle redis-server.service
