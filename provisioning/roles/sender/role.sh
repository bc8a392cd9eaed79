# Sends the host's journal on to a syslog host or an outside service.
# shellcheck shell=bash
: "${files:?}"

prepare_rsyslog
if grep -q CERTIFICATE "$files/server.pem"; then
    install_file "$files/server.pem" /etc/rsyslog.d/server.pem 0644 root:root rsyslog.service:restart
else
    ensure_absent /etc/rsyslog.d/server.pem
fi
install_secret syslog_message /etc/rsyslog.d/message.conf 0640 root:_syslog rsyslog.service:restart
rsyslogd -N 1 -f "$files/rsyslog.conf"
install_file "$files/rsyslog.conf" /etc/rsyslog.conf 0644 root:root rsyslog.service:restart
settle rsyslog.service
