# Keeps the logs of all hosts of the stack, and rotates them.
# shellcheck shell=bash
: "${files:?}"

prepare_rsyslog
after_private_address rsyslog.service
ensure_directory /var/log/seatrial 0750 _syslog:_syslog
install_file "$files/server.pem" /etc/rsyslog.d/server.pem 0644 root:root rsyslog.service:restart
install_secret syslog_key /etc/rsyslog.d/server.key 0640 root:_syslog rsyslog.service:restart
rsyslogd -N 1 -f "$files/rsyslog.conf"
install_file "$files/rsyslog.conf" /etc/rsyslog.conf 0644 root:root rsyslog.service:restart
settle rsyslog.service

install_file "$files/logrotate.conf" /etc/seatrial-logrotate.conf 0644 root:root
install_file "$files/seatrial-logs" /usr/local/sbin/seatrial-logs 0755 root:root
install_file "$files/seatrial-logs.service" /etc/systemd/system/seatrial-logs.service 0644 root:root daemon-reload
install_file "$files/seatrial-logs.timer" /etc/systemd/system/seatrial-logs.timer 0644 root:root \
    daemon-reload seatrial-logs.timer:restart
settle seatrial-logs.timer
