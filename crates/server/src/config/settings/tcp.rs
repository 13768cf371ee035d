//! Settings of the transport that microservices of `NestJS` speak.

use std::path::PathBuf;

use super::super::parse;
use super::{Kind, Preset, Setting, put};

pub(super) const TCP: &[Setting] = &[
    Setting::new(
        "tcp.listen",
        "ADDR[:PORT]",
        Preset::Unset("none: off"),
        "Where `ClientProxy` of NestJS connects with `Transport.TCP`: addresses such as `localhost` (port 4503) or \
         `10.0.0.7:4504`, or `unix:/PATH` alone for a socket of this process's user and group. One that other machines reach is \
         refused in development mode",
        |draft, text| put(&mut draft.config.tcp.listen, parse::tcp_listen(text).map(Some)),
    )
    .kind(Kind::List),
    Setting::new(
        "tcp.tls.certificate",
        "FILE",
        Preset::Unset("none: no TLS"),
        "The server's certificate and those between it and its authority, in PEM",
        |draft, text| put(&mut draft.tcp_tls.certificate, Ok(Some(PathBuf::from(text)))),
    ),
    Setting::new(
        "tcp.tls.key",
        "FILE",
        Preset::Unset("none"),
        "The private key of that certificate, in PEM",
        |draft, text| put(&mut draft.tcp_tls.key, Ok(Some(PathBuf::from(text)))),
    ),
    Setting::new(
        "tcp.tls.client_ca",
        "FILE",
        Preset::Unset("none: clients need no certificate"),
        "The authorities, in PEM, of which every client must show a certificate",
        |draft, text| put(&mut draft.tcp_tls.client_ca, Ok(Some(PathBuf::from(text)))),
    ),
    Setting::new(
        "tcp.trust_gateway",
        "BOOLEAN",
        Preset::Is("false"),
        "Whether a payload is believed that says itself who the user is (`req.user`). Needs loopback addresses, a Unix socket \
         or `tcp.tls.client_ca`",
        |draft, text| put(&mut draft.config.tcp.trust_gateway, parse::boolean(text)),
    )
    .kind(Kind::Boolean),
    Setting::new(
        "tcp.limits.frame",
        "SIZE",
        Preset::Is("72KiB"),
        "The largest JSON text of a packet; a larger one closes its connection",
        |draft, text| put(&mut draft.config.tcp.limits.frame, parse::size(text, "1KiB", "16MiB")),
    )
    .kind(Kind::Quantity),
    Setting::new(
        "tcp.limits.connections",
        "NUMBER",
        Preset::Is("1024"),
        "The most connections at a time to each address; further ones wait",
        |draft, text| put(&mut draft.config.tcp.limits.connections, parse::number(text, 1..=1_000_000)),
    )
    .kind(Kind::Integer),
    Setting::new(
        "tcp.limits.in_flight",
        "NUMBER",
        Preset::Is("128"),
        "How many requests of one connection run at a time; further ones are not read until one is done",
        |draft, text| put(&mut draft.config.tcp.limits.in_flight, parse::number(text, 1..=100_000)),
    )
    .kind(Kind::Integer),
    Setting::new(
        "tcp.timeouts.idle",
        "DURATION",
        Preset::Is("1h"),
        "How long a connection is kept on which nothing happens",
        |draft, text| put(&mut draft.config.tcp.timeouts.idle, parse::duration(text, "1s", "7d")),
    ),
    Setting::new(
        "tcp.timeouts.packet",
        "DURATION",
        Preset::Is("30s"),
        "How long a packet may take once it has begun, and a client to take any of the answers that wait for it",
        |draft, text| put(&mut draft.config.tcp.timeouts.packet, parse::duration(text, "100ms", "10m")),
    ),
];
