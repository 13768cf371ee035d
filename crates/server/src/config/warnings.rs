//! What is allowed, and may not be what was meant.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use portcullis_core::strategy::StrategyName;
use portcullis_core::tenant::SecondStep;

use super::Config;
use portcullis_config::Origin;

/// Adds the warning about strategies that go around the second step of another one.
pub(super) fn second_step(config: &mut Config) {
    if config.is_development() || config.sign_in.otp != SecondStep::On {
        return;
    }
    let (with, without): (Vec<StrategyName>, Vec<StrategyName>) =
        config.strategies.enabled.iter().partition(|name| name.has_second_step());
    if let Some(guarded) = with.first()
        && !without.is_empty()
    {
        let names: Vec<&str> = without.iter().map(|name| name.as_str()).collect();
        let warning = format!(
            "{} beside {guarded}: a password alone signs in there, without the code by mail that {guarded} asks for; \
             otp = \"forced\" offers {guarded} alone",
            names.join(", ")
        );
        config.report.warn("strategies.enabled", warning);
    }
}

/// Adds the warning about browsers that are to be sent to sign in, where no proxy is believed about what they ask for.
pub(super) fn forward_auth(config: &mut Config) {
    if let Some((key, warning)) = config.forward_auth.warning(!config.proxies.networks.is_empty()) {
        config.report.warn(key, warning.to_owned());
    }
}

/// Files with a secret.
const SECRET_FILES: [&str; 3] = ["master_key_file", "mail.password_file", "tcp.tls.key"];

/// Adds a warning about each file with a secret that every user of this machine may read.
pub(super) fn readable_secrets(config: &mut Config) {
    let states_secret = config
        .report
        .rows()
        .iter()
        .any(|row| row.value.as_deref() == Some("(set)") && matches!(row.origin, Origin::File { .. }));
    for key in SECRET_FILES.into_iter().chain(states_secret.then_some("config")) {
        let path = config.report.text(key).to_owned();
        let Ok(found) = Path::new(&path).metadata() else { continue };
        let mode = found.permissions().mode() & 0o777;
        if mode & 0o007 != 0 {
            let warning = format!(
                "{path} holds a secret, and every user of this machine may read it (mode {mode:03o}): chmod o= it"
            );
            config.report.warn(key, warning);
        }
    }
}
