use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn renewals() -> [Renewal; 3] {
    [
        Renewal::Fixed { lifetime: SECOND },
        Renewal::Sliding { idle: SECOND, max: SECOND },
        Renewal::Rotating { access: SECOND, refresh: SECOND, max: SECOND, grace: Duration::ZERO },
    ]
}

const CHECKS: [Check; 4] =
    [Check::Stored, Check::Signed, Check::SignedAndLive(SessionClaim::Sid), Check::SignedUnlessRevoked];

#[test]
fn exactly_the_three_contradictions_cannot_be_built() {
    let mut refused = Vec::new();
    for check in CHECKS {
        for (index, renewal) in renewals().into_iter().enumerate() {
            if let Err(contradiction) = Strategy::new(Carrier::Bearer, check, renewal) {
                refused.push((check, index, contradiction));
            }
        }
    }
    assert_eq!(
        refused,
        [
            (Check::Stored, 2, InvalidStrategy::RotatesOpaqueId),
            (Check::Signed, 1, InvalidStrategy::SlidesWithoutSession),
            (Check::SignedUnlessRevoked, 1, InvalidStrategy::SlidesWithoutSession),
        ]
    );
}

#[test]
fn lifetimes_that_do_not_nest_are_refused() {
    let long = Duration::from_secs(2);
    for renewal in [
        Renewal::Fixed { lifetime: Duration::ZERO },
        Renewal::Sliding { idle: long, max: SECOND },
        Renewal::Rotating { access: long, refresh: SECOND, max: long, grace: SECOND },
        Renewal::Rotating { access: SECOND, refresh: long, max: SECOND, grace: SECOND },
    ] {
        let refused = Strategy::new(Carrier::Bearer, Check::SignedAndLive(SessionClaim::Sid), renewal);
        assert_eq!(refused, Err(InvalidStrategy::Lifetimes), "{renewal:?}");
    }
}

#[test]
fn every_named_strategy_is_legal_and_can_be_found_by_its_name() {
    for name in StrategyName::ALL {
        let strategy = name.strategy();
        assert_eq!(strategy.with_renewal(strategy.renewal()), Ok(strategy));
        assert_eq!(name.as_str().parse(), Ok(name));
    }
    assert!("Jwt".parse::<StrategyName>().is_err());
}

#[test]
fn only_the_stateless_token_keeps_no_session() {
    let without: Vec<_> =
        StrategyName::ALL.into_iter().filter(|name| !name.strategy().keeps_session()).collect();
    assert_eq!(without, [StrategyName::Jwt]);
}

// ASVS-map: SE2
#[test]
fn a_carrier_finds_one_credential_in_its_own_place_or_none() {
    let envelope =
        PresentedCredentials { authorization: &["bearer  abc "], cookies: &["cookie"], field: Some("field") };
    assert_eq!(Carrier::Bearer.find(&envelope), Ok(Some("abc")));
    assert_eq!(Carrier::Cookie.find(&envelope), Ok(Some("cookie")));
    assert_eq!(Carrier::Field.find(&envelope), Ok(Some("field")));
    let twice =
        PresentedCredentials { authorization: &["Bearer a", "Bearer b"], cookies: &["a", "a"], field: None };
    assert_eq!(Carrier::Bearer.find(&twice), Err(AmbiguousCredential));
    assert_eq!(Carrier::Cookie.find(&twice), Err(AmbiguousCredential));
    for other in ["Basic abc", "Bearer", "Bearer ", "abc", ""] {
        assert_eq!(
            Carrier::Bearer
                .find(&PresentedCredentials { authorization: &[other], ..PresentedCredentials::default() }),
            Ok(None)
        );
    }
}
