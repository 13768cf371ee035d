//! Settings of the transport that microservices of `NestJS` speak.

use std::path::PathBuf;

use super::super::parse;
use super::{DefaultValue, Setting, ValueType, put};

pub(super) const TCP: &[Setting] = &[
    Setting::new(
        "tcp.listen",
        "ADDR[:PORT]",
        DefaultValue::Unset("none: off"),
        "Where `ClientProxy` of NestJS connects with `Transport.TCP`: addresses such as `localhost` (port 4503) or \
         `10.0.0.7:4504`, or `unix:/PATH` alone for a socket of this process's user and group. One that other machines reach is \
         refused in development mode",
        |builder, text| put(&mut builder.config.tcp.listen, parse::tcp_listen(text).map(Some)),
    )
    .kind(ValueType::List),
    Setting::new(
        "tcp.tls.certificate",
        "FILE",
        DefaultValue::Unset("none: no TLS"),
        "The server's certificate and those between it and its authority, in PEM",
        |builder, text| put(&mut builder.tcp_tls.certificate, Ok(Some(PathBuf::from(text)))),
    ),
    Setting::new(
        "tcp.tls.key",
        "FILE",
        DefaultValue::Unset("none"),
        "The private key of that certificate, in PEM",
        |builder, text| put(&mut builder.tcp_tls.key, Ok(Some(PathBuf::from(text)))),
    ),
    Setting::new(
        "tcp.tls.client_ca",
        "FILE",
        DefaultValue::Unset("none: clients need no certificate"),
        "The authorities, in PEM, of which every client must show a certificate",
        |builder, text| put(&mut builder.tcp_tls.client_ca, Ok(Some(PathBuf::from(text)))),
    ),
    Setting::new(
        "tcp.trust_gateway",
        "BOOLEAN",
        DefaultValue::Fixed("false"),
        "Whether a payload is believed that says itself who the user is (`req.user`). Needs loopback addresses, a Unix socket \
         or `tcp.tls.client_ca`",
        |builder, text| put(&mut builder.config.tcp.trust_gateway, parse::boolean(text)),
    )
    .kind(ValueType::Boolean),
    Setting::new(
        "tcp.limits.frame",
        "SIZE",
        DefaultValue::Fixed("72KiB"),
        "The largest JSON text of a packet; a larger one closes its connection",
        |builder, text| put(&mut builder.config.tcp.limits.frame, parse::size(text, "1KiB", "16MiB")),
    )
    .kind(ValueType::Quantity),
    Setting::new(
        "tcp.limits.connections",
        "NUMBER",
        DefaultValue::Fixed("1024"),
        "The most connections at a time to each address; further ones wait",
        |builder, text| put(&mut builder.config.tcp.limits.connections, parse::number(text, 1..=1_000_000)),
    )
    .kind(ValueType::Integer),
    Setting::new(
        "tcp.limits.in_flight",
        "NUMBER",
        DefaultValue::Fixed("128"),
        "How many requests of one connection run at a time; further ones are not read until one is done",
        |builder, text| put(&mut builder.config.tcp.limits.in_flight, parse::number(text, 1..=100_000)),
    )
    .kind(ValueType::Integer),
    Setting::new(
        "tcp.timeouts.idle",
        "DURATION",
        DefaultValue::Fixed("1h"),
        "How long a connection is kept on which nothing happens",
        |builder, text| put(&mut builder.config.tcp.timeouts.idle, parse::duration(text, "1s", "7d")),
    ),
    Setting::new(
        "tcp.timeouts.packet",
        "DURATION",
        DefaultValue::Fixed("30s"),
        "How long a packet may take once it has begun, and a client to take any of the answers that wait for it",
        |builder, text| put(&mut builder.config.tcp.timeouts.packet, parse::duration(text, "100ms", "10m")),
    ),
];
