//! Settings of forward-auth.

use super::super::builder::ConfigBuilder;
use super::super::parse::{Parsed, list, web_host};
use super::DefaultValue::Unset;
use super::Setting;

/// Parses lines about policies. Each adds to what is known of its policy.
fn policies(builder: &mut ConfigBuilder, text: &str) -> Parsed<()> {
    for name in builder.config.forward_auth.add_policies(text)? {
        builder.policies.insert(name.to_owned(), builder.parsing.clone());
    }
    Ok(())
}

pub(super) const FORWARD_AUTH: &[Setting] = &[
    setting!("forward_auth.hosts" [example("app.example.com")]: List("HOSTS"), Unset("none: no browser is sent to sign in"),
        config.forward_auth.hosts = list(web_host),
        "Hosts of the services behind proxies that ask `/auth/verify?login=…`: to these a browser may return after its \
         user has signed in. The page of `login` must be on one of them, or on the host of `public_url`"),
    setting!("forward_auth.policies" [example("staff.roles=manager,admin")]: NamedTables("POLICIES"), Unset("none"), policies,
        "What `/auth/verify/@NAME` requires, in a table `[forward_auth.policies.NAME]` for each policy: `roles`, of which \
         the user must have one; `login`, the page where a browser's user signs in; `hosts`, to which the browser may \
         then return. The variable has a line for each: `NAME.roles=manager,admin`"),
];
