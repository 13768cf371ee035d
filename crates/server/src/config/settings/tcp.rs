//! Settings of the TCP transport for `NestJS` microservices.

use super::super::parse::{boolean, duration, number, path, size, tcp_listen};
use super::DefaultValue::{Fixed, Unset};
use super::Setting;

pub(super) const TCP: &[Setting] = &[
    setting!("tcp.listen" [example("localhost:4503")]: List("ADDR[:PORT]"), Unset("none: off"), config.tcp.listen = Some(tcp_listen),
        "Where `ClientProxy` of NestJS connects with `Transport.TCP`: addresses such as `localhost` (port 4503) or \
         `10.0.0.7:4504`, or one Unix socket `unix:/PATH` for this process's user and group. In development mode \
         addresses must be loopback addresses"),
    setting!("tcp.tls.certificate" [example("/etc/portcullis/tcp.pem")]: Text("FILE"), Unset("none: no TLS"), tcp_tls.certificate = Some(path),
        "File with the server's certificate chain, in PEM"),
    setting!("tcp.tls.key" [example("/etc/portcullis/tcp.key")]: Text("FILE"), Unset("none"), tcp_tls.key = Some(path),
        "File with the private key of that certificate, in PEM"),
    setting!("tcp.tls.client_ca" [example("/etc/portcullis/tcp-clients.pem")]: Text("FILE"), Unset("none: clients need no certificate"),
        tcp_tls.client_ca = Some(path),
        "File with the authorities, in PEM, one of which must have issued the certificate of every client"),
    setting!("tcp.trust_gateway": Boolean("BOOLEAN"), Fixed("false"), config.tcp.trust_gateway = boolean,
        "Whether the user that a payload names (`req.user`) is trusted. Needs loopback addresses, a Unix socket or \
         `tcp.tls.client_ca`"),
    setting!("tcp.limits.frame": Quantity("SIZE"), Fixed("72KiB"),
        config.tcp.limits.frame = size("1KiB", "16MiB"),
        "Largest JSON text of a packet, from 1KiB to 16MiB; a larger one closes its connection"),
    setting!("tcp.limits.connections": Integer("NUMBER"), Fixed("1024"),
        config.tcp.limits.connections = number(1..=1_000_000),
        "Most open connections of each listen address; for a further client an idle one is closed, as by \
         `limits.connections`"),
    setting!("tcp.limits.in_flight": Integer("NUMBER"), Fixed("128"),
        config.tcp.limits.in_flight = number(1..=100_000),
        "Requests of one connection that run at a time; more are read when one is done"),
    setting!("tcp.timeouts.idle": Text("DURATION"), Fixed("1h"),
        config.tcp.timeouts.idle = duration("1s", "7d"),
        "Time after which an idle connection is closed"),
    setting!("tcp.timeouts.packet": Text("DURATION"), Fixed("30s"),
        config.tcp.timeouts.packet = duration("100ms", "10m"),
        "Longest time for a packet that has begun, for a TLS handshake, and for a client to read any of its answers"),
];
