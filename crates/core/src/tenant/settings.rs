//! A tenant's own settings. For what a tenant does not set, the configuration of the installation holds.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{SecondStep, TenantPolicy};
use crate::password::PasswordPolicy;
use crate::strategy::{InvalidStrategy, Renewal, Strategy, StrategyName};

/// A tenant's own settings, stored as JSON with durations in milliseconds. `None` takes the installation's value.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct TenantSettings {
    /// The strategies that are offered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strategies: Option<Vec<StrategyName>>,
    /// Lifetimes by strategy.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub lifetimes: BTreeMap<StrategyName, StrategyLifetimes>,
    /// Whether a device sign-in has a second step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub otp: Option<SecondStep>,
    /// How many wrong passwords in a row lock a user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lock_after: Option<u32>,
    /// How long a user is locked.
    #[serde(skip_serializing_if = "Option::is_none", with = "millis")]
    pub lock_for: Option<Duration>,
    /// The minimum length of a password, in characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shortest_password: Option<usize>,
    /// The maximum number of sessions of a user; one more ends the oldest. 0 for no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_cap: Option<u32>,
    /// `client_id` of access tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// Whether sign-up hides that an address has an account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hide_existence: Option<bool>,
    /// The sender of the tenant's mails.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sender: Option<String>,
    /// The language of the tenant's mails, as a BCP 47 tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// The URL of the tenant's own page to which password reset links lead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reset_url: Option<String>,
    /// The name that its mails and pages show.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The logo that its pages show.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logo_url: Option<String>,
    /// Where its pages link to: the application or site from which its users came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub home_url: Option<String>,
}

/// The maximum length of a `client_id`.
const LONGEST_CLIENT_ID: usize = 64;

/// The lifetimes of one strategy. Its renewal decides which of them apply; the others are ignored.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct StrategyLifetimes {
    /// From sign-in to the end, if nothing extends the session.
    #[serde(skip_serializing_if = "Option::is_none", with = "millis")]
    pub lifetime: Option<Duration>,
    /// The idle timeout.
    #[serde(skip_serializing_if = "Option::is_none", with = "millis")]
    pub idle: Option<Duration>,
    /// The absolute timeout.
    #[serde(skip_serializing_if = "Option::is_none", with = "millis")]
    pub max: Option<Duration>,
    /// The lifetime of an access token.
    #[serde(skip_serializing_if = "Option::is_none", with = "millis")]
    pub access: Option<Duration>,
    /// The lifetime of a refresh token.
    #[serde(skip_serializing_if = "Option::is_none", with = "millis")]
    pub refresh: Option<Duration>,
    /// The grace window of refresh token rotation.
    #[serde(skip_serializing_if = "Option::is_none", with = "millis")]
    pub grace: Option<Duration>,
}

/// Why a tenant's settings cannot be applied.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum SettingsFault {
    /// The lifetimes of a strategy contradict each other.
    #[error("strategy {0}: {1}")]
    Strategy(StrategyName, InvalidStrategy),
    /// No strategy is offered, so no user could sign in.
    #[error("no strategy is on offer; where a second step is forced, device is the only one that has it")]
    NothingOffered,
    /// The `client_id` is empty, too long, or has characters that RFC 6749, appendix A.1 forbids.
    #[error("a client_id is 1 to 64 printable ASCII characters, with no space at either end")]
    ClientId,
    /// A user would be locked without a wrong password, or for no time.
    #[error("an account is locked after at least one wrong password, and for some time")]
    Lock,
    /// The minimum length of passwords is too low.
    #[error("passwords need at least {least} characters, unless a second step is forced: then 8")]
    ShortPassword {
        /// The lowest minimum length that is allowed.
        least: usize,
    },
}

impl StrategyLifetimes {
    /// The same kind of renewal with these lifetimes.
    #[must_use]
    pub fn apply_to(&self, renewal: Renewal) -> Renewal {
        match renewal {
            Renewal::Fixed { lifetime } => Renewal::Fixed { lifetime: self.lifetime.unwrap_or(lifetime) },
            Renewal::Sliding { idle, max } => {
                Renewal::Sliding { idle: self.idle.unwrap_or(idle), max: self.max.unwrap_or(max) }
            }
            Renewal::Rotating { access, refresh, max, grace } => Renewal::Rotating {
                access: self.access.unwrap_or(access),
                refresh: self.refresh.unwrap_or(refresh),
                max: self.max.unwrap_or(max),
                grace: self.grace.unwrap_or(grace),
            },
        }
    }
}

impl TenantSettings {
    /// The policy of a tenant with these settings in an installation with the policy `installation`.
    ///
    /// # Errors
    /// [`SettingsFault`] if the settings contradict each other or the installation.
    pub fn applied_to(&self, installation: &TenantPolicy) -> Result<TenantPolicy, SettingsFault> {
        let (policy, faults) = self.applied_as_far_as_possible(installation);
        faults.first().map_or(Ok(policy), |fault| Err(*fault))
    }

    /// The policy of a tenant whose settings are stored: the installation may have changed since. A strategy whose
    /// lifetimes contradict each other is not on offer, a lockout or a `client_id` that is none is the installation's,
    /// and passwords have at least the minimum length. Each such contradiction is named.
    #[must_use]
    pub fn applied_as_far_as_possible(
        &self,
        installation: &TenantPolicy,
    ) -> (TenantPolicy, Vec<SettingsFault>) {
        let (mut policy, mut faults) = (installation.clone(), Vec::new());
        self.choose_strategies(&mut policy.strategies, &mut faults);
        self.replace_values(&mut policy);
        match self.client_id.as_deref().map(Self::client_id) {
            Some(Ok(client)) => policy.client_id = client.into(),
            Some(Err(fault)) => faults.push(fault),
            None => (),
        }
        if policy.lockout.max_failures == 0 || policy.lockout.lock_duration.is_zero() {
            policy.lockout = installation.lockout;
            faults.push(SettingsFault::Lock);
        }
        if !policy.strategies.keys().any(|name| policy.offers(*name).is_some()) {
            faults.push(SettingsFault::NothingOffered);
        }
        policy.password = self.password_over(installation, policy.second_step, &mut faults);
        (policy, faults)
    }

    fn replace_values(&self, policy: &mut TenantPolicy) {
        policy.second_step = self.otp.unwrap_or(policy.second_step);
        policy.session_cap = self.session_cap.unwrap_or(policy.session_cap);
        policy.hides_existence = self.hide_existence.unwrap_or(policy.hides_existence);
        policy.lockout.max_failures = self.lock_after.unwrap_or(policy.lockout.max_failures);
        policy.lockout.lock_duration = self.lock_for.unwrap_or(policy.lockout.lock_duration);
    }

    /// The text, if it may be a `client_id`.
    ///
    /// # Errors
    /// [`SettingsFault::ClientId`].
    pub fn client_id(text: &str) -> Result<&str, SettingsFault> {
        let is_printable = text.bytes().all(|byte| matches!(byte, 0x20..=0x7e));
        let is_one = is_printable && text.trim() == text && (1..=LONGEST_CLIENT_ID).contains(&text.len());
        if is_one { Ok(text) } else { Err(SettingsFault::ClientId) }
    }

    fn choose_strategies(
        &self,
        from: &mut BTreeMap<StrategyName, Strategy>,
        faults: &mut Vec<SettingsFault>,
    ) {
        if let Some(offered) = &self.strategies {
            from.retain(|name, _| offered.contains(name));
        }
        for (name, lifetimes) in &self.lifetimes {
            let Some(strategy) = from.get_mut(name) else { continue };
            match strategy.with_renewal(lifetimes.apply_to(strategy.renewal())) {
                Ok(renewed) => *strategy = renewed,
                Err(invalid) => {
                    from.remove(name);
                    faults.push(SettingsFault::Strategy(*name, invalid));
                }
            }
        }
    }

    /// If a second step is forced, a password may be shorter (NIST SP 800-63B-4, section 3.1.1.2). The installation's
    /// minimum length assumes its own second step: a tenant that does not force one needs the longer minimum.
    fn password_over(
        &self,
        installation: &TenantPolicy,
        second_step: SecondStep,
        faults: &mut Vec<SettingsFault>,
    ) -> PasswordPolicy {
        let PasswordPolicy { min_length: common, refuse_common } = installation.password;
        let is_forced = |step| step == SecondStep::Forced;
        let least = if !refuse_common || is_forced(second_step) {
            PasswordPolicy::WITH_SECOND_STEP.min_length
        } else {
            PasswordPolicy::SINGLE_FACTOR.min_length
        };
        let preset = match (is_forced(installation.second_step), is_forced(second_step)) {
            (false, true) => least.min(common),
            (true, false) => least.max(common),
            _ => common,
        };
        let min_length = self.shortest_password.unwrap_or(preset);
        let least = least.min(preset);
        if min_length < least {
            faults.push(SettingsFault::ShortPassword { least });
        }
        PasswordPolicy { min_length: min_length.max(least), refuse_common }
    }
}

/// Durations as milliseconds.
mod millis {
    use std::time::Duration;

    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    #[expect(clippy::ref_option, reason = "the signature that serde calls")]
    pub(super) fn serialize<S: Serializer>(span: &Option<Duration>, to: S) -> Result<S::Ok, S::Error> {
        span.map(|span| u64::try_from(span.as_millis()).unwrap_or(u64::MAX)).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
        Ok(Option::<u64>::deserialize(from)?.map(Duration::from_millis))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_as_they_are_written_and_unset_ones_are_not_written() {
        assert_eq!(serde_json::to_string(&TenantSettings::default()).unwrap(), "{}");
        let grace =
            StrategyLifetimes { grace: Some(Duration::from_secs(30)), ..StrategyLifetimes::default() };
        let settings = TenantSettings {
            strategies: Some(vec![StrategyName::Device, StrategyName::SessionJwt]),
            lifetimes: BTreeMap::from([(StrategyName::Device, grace)]),
            otp: Some(SecondStep::Forced),
            session_cap: Some(5),
            lock_for: Some(Duration::from_mins(1)),
            ..TenantSettings::default()
        };
        let written = serde_json::to_string(&settings).unwrap();
        assert_eq!(
            written,
            r#"{"strategies":["device","session-jwt"],"lifetimes":{"device":{"grace":30000}},"otp":"forced","lock_for":60000,"session_cap":5}"#
        );
        assert_eq!(serde_json::from_str::<TenantSettings>(&written).unwrap(), settings);
    }

    #[test]
    fn a_tenants_settings_take_precedence_over_the_installations() {
        let installation = TenantPolicy::with_passwords(PasswordPolicy::DEVELOPMENT);
        let fixed =
            StrategyLifetimes { lifetime: Some(Duration::from_mins(5)), ..StrategyLifetimes::default() };
        let settings = TenantSettings {
            strategies: Some(vec![StrategyName::Jwt]),
            lifetimes: BTreeMap::from([(StrategyName::Jwt, fixed)]),
            otp: Some(SecondStep::Off),
            ..TenantSettings::default()
        };
        let policy = settings.applied_to(&installation).unwrap();
        assert_eq!(policy.strategies.keys().copied().collect::<Vec<_>>(), [StrategyName::Jwt]);
        assert_eq!(
            policy.strategies[&StrategyName::Jwt].renewal(),
            Renewal::Fixed { lifetime: Duration::from_mins(5) }
        );
        assert_eq!((policy.second_step, policy.lockout), (SecondStep::Off, installation.lockout));
        assert_eq!(TenantSettings::default().applied_to(&installation).unwrap(), installation);

        let none = StrategyLifetimes { lifetime: Some(Duration::ZERO), ..StrategyLifetimes::default() };
        let settings = TenantSettings { lifetimes: BTreeMap::from([(StrategyName::Jwt, none)]), ..settings };
        let fault = SettingsFault::Strategy(StrategyName::Jwt, InvalidStrategy::Lifetimes);
        assert_eq!(settings.applied_to(&installation), Err(fault));
    }

    #[test]
    fn a_client_id_is_printable_ascii_without_a_space_at_either_end() {
        let installation = TenantPolicy::with_passwords(PasswordPolicy::DEVELOPMENT);
        let longest = "x".repeat(64);
        for (text, is_one) in [
            ("acme web", true),
            (&longest, true),
            ("", false),
            (" a", false),
            ("a ", false),
            ("ä", false),
            ("a\n", false),
        ] {
            let settings = TenantSettings { client_id: Some(text.to_owned()), ..TenantSettings::default() };
            let applied = settings.applied_to(&installation).map(|policy| policy.client_id.to_string());
            assert_eq!(applied, if is_one { Ok(text.to_owned()) } else { Err(SettingsFault::ClientId) });
        }
        assert_eq!(TenantSettings::client_id(&"x".repeat(65)), Err(SettingsFault::ClientId));
    }

    // ASVS-map: PW1
    #[test]
    fn a_password_may_be_short_only_if_a_second_step_is_forced() {
        let installation = TenantPolicy::with_passwords(PasswordPolicy::SINGLE_FACTOR);
        let shortest = |otp, shortest_password| {
            let settings = TenantSettings { otp, shortest_password, ..TenantSettings::default() };
            settings.applied_to(&installation).map(|policy| policy.password.min_length)
        };
        let forced = Some(SecondStep::Forced);
        assert_eq!((shortest(None, None), shortest(forced, None)), (Ok(15), Ok(8)));
        assert_eq!((shortest(None, Some(15)), shortest(forced, Some(8))), (Ok(15), Ok(8)));
        assert_eq!(shortest(None, Some(14)), Err(SettingsFault::ShortPassword { least: 15 }));
        assert_eq!(shortest(forced, Some(7)), Err(SettingsFault::ShortPassword { least: 8 }));
    }

    // ASVS-map: PW1
    #[test]
    fn a_tenant_that_does_not_force_the_installations_second_step_needs_longer_passwords() {
        let forced = |password| TenantPolicy {
            second_step: SecondStep::Forced,
            ..TenantPolicy::with_passwords(password)
        };
        let shortest = |installation: &TenantPolicy, otp, shortest_password| {
            let settings = TenantSettings { otp, shortest_password, ..TenantSettings::default() };
            settings.applied_to(installation).map(|policy| policy.password.min_length)
        };
        let installation = forced(PasswordPolicy::WITH_SECOND_STEP);
        for otp in [SecondStep::On, SecondStep::Off] {
            assert_eq!(shortest(&installation, Some(otp), None), Ok(15));
            let fault = SettingsFault::ShortPassword { least: 15 };
            assert_eq!(shortest(&installation, Some(otp), Some(14)), Err(fault));
        }
        assert_eq!(shortest(&installation, None, None), Ok(8));
        let stricter = forced(PasswordPolicy { min_length: 12, ..PasswordPolicy::WITH_SECOND_STEP });
        assert_eq!((shortest(&stricter, None, None), shortest(&stricter, None, Some(8))), (Ok(12), Ok(8)));
        let development = forced(PasswordPolicy::DEVELOPMENT);
        assert_eq!(shortest(&development, Some(SecondStep::Off), None), Ok(8));
    }
}
