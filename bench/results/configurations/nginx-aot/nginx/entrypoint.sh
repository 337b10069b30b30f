#!/bin/bash
# Lets the host know this container's address, then becomes nginx.
# Docker engines before 28 do not announce a container that they start again. Visitors who come too early make the host
# ask for its address in vain, and the host asks again only after a second, in which nobody is served. A packet from
# here answers before that. It goes to the host itself, to port 9 (discard), where nothing has to listen.
while read -r _ destination gateway _; do
    if [[ $destination == 00000000 ]]; then
        host=$((0x${gateway:6:2})).$((0x${gateway:4:2})).$((0x${gateway:2:2})).$((0x${gateway:0:2}))
        { echo >"/dev/udp/$host/9"; } 2>/dev/null
    fi
done </proc/net/route
exec "$@"
