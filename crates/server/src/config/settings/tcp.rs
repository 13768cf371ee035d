//! Settings of the TCP transport for `NestJS` microservices.

use std::path::PathBuf;

use super::super::parse;
use super::{DefaultValue, Setting, ValueType, put};

pub(super) const TCP: &[Setting] = &[
    Setting::new(
        "tcp.listen",
        "ADDR[:PORT]",
        DefaultValue::Unset("none: off"),
        "Where `ClientProxy` of NestJS connects with `Transport.TCP`: addresses such as `localhost` (port 4503) or \
         `10.0.0.7:4504`, or one Unix socket `unix:/PATH` for this process's user and group. In development mode addresses \
         must be loopback addresses",
        |builder, text| put(&mut builder.config.tcp.listen, parse::tcp_listen(text).map(Some)),
    )
    .kind(ValueType::List),
    Setting::new(
        "tcp.tls.certificate",
        "FILE",
        DefaultValue::Unset("none: no TLS"),
        "File with the server's certificate chain, in PEM",
        |builder, text| put(&mut builder.tcp_tls.certificate, Ok(Some(PathBuf::from(text)))),
    ),
    Setting::new(
        "tcp.tls.key",
        "FILE",
        DefaultValue::Unset("none"),
        "File with the private key of that certificate, in PEM",
        |builder, text| put(&mut builder.tcp_tls.key, Ok(Some(PathBuf::from(text)))),
    ),
    Setting::new(
        "tcp.tls.client_ca",
        "FILE",
        DefaultValue::Unset("none: clients need no certificate"),
        "File with the authorities, in PEM, one of which must have issued the certificate of every client",
        |builder, text| put(&mut builder.tcp_tls.client_ca, Ok(Some(PathBuf::from(text)))),
    ),
    Setting::new(
        "tcp.trust_gateway",
        "BOOLEAN",
        DefaultValue::Fixed("false"),
        "Whether the user that a payload names (`req.user`) is trusted. Needs loopback addresses, a Unix socket or \
         `tcp.tls.client_ca`",
        |builder, text| put(&mut builder.config.tcp.trust_gateway, parse::boolean(text)),
    )
    .kind(ValueType::Boolean),
    Setting::new(
        "tcp.limits.frame",
        "SIZE",
        DefaultValue::Fixed("72KiB"),
        "Largest JSON text of a packet, from 1KiB to 16MiB; a larger one closes its connection",
        |builder, text| put(&mut builder.config.tcp.limits.frame, parse::size(text, "1KiB", "16MiB")),
    )
    .kind(ValueType::Quantity),
    Setting::new(
        "tcp.limits.connections",
        "NUMBER",
        DefaultValue::Fixed("1024"),
        "Most open connections of each listen address; further clients wait",
        |builder, text| put(&mut builder.config.tcp.limits.connections, parse::number(text, 1..=1_000_000)),
    )
    .kind(ValueType::Integer),
    Setting::new(
        "tcp.limits.in_flight",
        "NUMBER",
        DefaultValue::Fixed("128"),
        "Requests of one connection that run at a time; more are read when one is done",
        |builder, text| put(&mut builder.config.tcp.limits.in_flight, parse::number(text, 1..=100_000)),
    )
    .kind(ValueType::Integer),
    Setting::new(
        "tcp.timeouts.idle",
        "DURATION",
        DefaultValue::Fixed("1h"),
        "Time after which an idle connection is closed",
        |builder, text| put(&mut builder.config.tcp.timeouts.idle, parse::duration(text, "1s", "7d")),
    ),
    Setting::new(
        "tcp.timeouts.packet",
        "DURATION",
        DefaultValue::Fixed("30s"),
        "Longest time for a packet that has begun, for a TLS handshake, and for a client to read any of its answers",
        |builder, text| put(&mut builder.config.tcp.timeouts.packet, parse::duration(text, "100ms", "10m")),
    ),
];
