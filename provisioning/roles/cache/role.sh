# Redis as a cache on a unix socket, or for other hosts on the private address: bounded, forgetful, and reached
# by the site alone.
# shellcheck shell=bash
: "${files:?}" "${private_address=}"

ensure_directory /etc/systemd/system/redis-server.service.d 0755 root:root
install_file "$files/redis.service.conf" /etc/systemd/system/redis-server.service.d/seatrial.conf 0644 root:root \
    daemon-reload redis-server.service:restart
install_file "$files/redis.conf" /etc/redis/seatrial.conf 0640 redis:redis redis-server.service:restart
if [ -n "$private_address" ]; then
    after_private_address redis-server.service
    install_secret redis_acl /etc/redis/seatrial.acl 0640 redis:redis redis-server.service:restart
fi
settle redis-server.service
