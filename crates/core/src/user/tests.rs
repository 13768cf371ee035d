use super::*;
use crate::id::{TenantId, UserId};
use crate::machine::SystemRandom;
use crate::password::{Argon2Cost, Hasher, Password};
use crate::session::{EndReason, Epochs, Session};
use crate::store::conformance::records::bare_session;

const NOW: Timestamp = Timestamp::from_millis(1_769_638_376_311);
const LATER: Timestamp = Timestamp::from_millis(1_769_638_400_000);

fn jo() -> User {
    let key = UserKey { tenant: TenantId::default_tenant(), id: UserId::generate(NOW, &SystemRandom) };
    let name = PersonName::new("Jo Bloggs").unwrap();
    User::new(key, Email::parse("jo@example.com").unwrap(), Some(name), Role::User, NOW)
}

fn hash(number: u8) -> PasswordHash {
    Hasher::new(Argon2Cost::MINIMUM).hash(&Password::new("vexed quilt").unwrap(), [number; 16]).unwrap()
}

#[test]
fn the_last_five_passwords_are_remembered_newest_first() {
    let user = (1..=7).fold(jo(), |user, number| user.with_password(hash(number), LATER));
    assert_eq!(user.password, Some(hash(7)));
    assert_eq!(user.former_passwords, [6, 5, 4, 3].map(hash));
    assert!(user.remembered_passwords().eq(&[7, 6, 5, 4, 3].map(hash)));
    assert_eq!((user.created, user.updated, user.version), (NOW, LATER, 7));
}

#[test]
fn a_first_password_leaves_nothing_to_remember() {
    let user = jo().with_password(hash(1), LATER);
    assert!(user.former_passwords.is_empty());
    assert!(user.remembered_passwords().eq(&[hash(1)]));
}

// ASVS-map: PW8
#[test]
fn a_new_password_ends_what_was_made_with_the_former_one_but_for_the_session_that_it_keeps() {
    let before = jo().with_password(hash(1), NOW);
    let mut session = bare_session(&before.key);
    let reason = |user: &User, session: &Session| {
        user.state_of(session, NOW, Epochs::default()).ending().map(|ending| ending.reason)
    };
    assert_eq!((before.password_epoch, reason(&before, &session)), (0, None));
    let kept = before.clone().with_new_password(hash(2), Some(session.key.id), LATER);
    assert_eq!((kept.password_epoch, reason(&kept, &session)), (1, None));
    let other = bare_session(&before.key);
    assert_eq!(reason(&kept, &other), Some(EndReason::PasswordChange));
    let again = kept.with_new_password(hash(3), Some(other.key.id), LATER);
    assert_eq!(reason(&again, &session), Some(EndReason::PasswordChange), "it was kept once, and not now");
    session.password_epoch = again.password_epoch;
    assert_eq!(reason(&again, &session), None, "signed in with the new password");
    assert_eq!(reason(&again.rehashed(hash(4)), &session), None);
}

#[test]
fn a_new_hash_of_the_same_password_is_not_a_change_of_password() {
    let before = jo().with_password(hash(1), NOW).with_password(hash(2), NOW);
    let after = before.clone().rehashed(hash(3));
    assert_eq!(after, User { password: Some(hash(3)), version: before.version + 1, ..before });
}

#[test]
fn a_user_is_disabled_once_and_enabled_again() {
    let disabled = jo().disabled(NOW);
    assert_eq!((disabled.disabled, disabled.version), (Some(NOW), 1));
    assert_eq!(disabled.clone().disabled(LATER), disabled);
    let enabled = disabled.enabled(LATER);
    assert_eq!((enabled.disabled, enabled.updated, enabled.version), (None, LATER, 2));
    assert_eq!(enabled.clone().enabled(LATER), enabled);
}

#[test]
fn the_last_twenty_devices_are_known_for_four_hundred_days() {
    let device = |number: u8| SecretHash::from_bytes([number; 32]);
    let day = |number: u64| NOW.plus(Duration::from_hours(24 * number));
    let known = |number, used| KnownDevice { hash: device(number), used, name: String::new(), session: None };
    let user = (1..=21).fold(jo(), |user, number| user.with_known_device(known(number, day(number.into()))));
    assert_eq!((user.devices.len(), user.updated), (KNOWN_DEVICES, NOW));
    assert!(!user.knows_device(&device(1), day(21)) && user.knows_device(&device(2), day(21)));
    assert!(user.knows_device(&device(21), day(420)) && !user.knows_device(&device(21), day(421)));
    assert_eq!(user.clone().with_known_device(known(21, day(21))), user);
    let forgetful = user.with_known_device(known(9, day(421)));
    assert_eq!(forgetful.devices, [known(9, day(421))]);
}

#[test]
fn giving_a_user_the_role_they_have_changes_nothing() {
    let manager = jo().with_role(Role::Manager, LATER);
    assert_eq!((manager.role, manager.updated, manager.version), (Role::Manager, LATER, 1));
    assert_eq!(manager.clone().with_role(Role::Manager, NOW), manager);
}

#[test]
fn a_role_is_read_as_it_is_written() {
    for role in Role::ALL {
        assert_eq!(role.to_string().parse(), Ok(role));
    }
    for text in ["", "Admin", "root", " user"] {
        assert_eq!(text.parse::<Role>(), Err(UnknownRole), "{text:?}");
    }
}

#[test]
fn a_name_without_parts_is_its_own_first_name() {
    let whole = PersonName::new("Jo Bloggs").unwrap();
    assert_eq!((whole.full(), whole.first(), whole.last()), ("Jo Bloggs", "Jo Bloggs", None));
    let parts = PersonName::from_parts("Jo", "Bloggs").unwrap();
    assert_eq!((parts.full(), parts.first(), parts.last()), ("Jo Bloggs", "Jo", Some("Bloggs")));
}

#[test]
fn a_name_is_neither_empty_nor_endless_and_has_no_line_breaks() {
    assert_eq!(PersonName::new(" "), Err(InvalidPersonName::Empty));
    assert!(PersonName::new(&"é".repeat(200)).is_ok());
    assert_eq!(PersonName::new(&"é".repeat(201)), Err(InvalidPersonName::TooLong));
    assert_eq!(PersonName::new("Jo\nBcc: all"), Err(InvalidPersonName::ControlCharacter));
    assert_eq!(PersonName::from_parts("Jo", ""), Err(InvalidPersonName::Empty));
}

// ASVS-map: OP6
#[test]
fn a_user_shows_no_hash() {
    let user = jo().with_password(hash(1), NOW);
    assert!(!format!("{user:?}").contains("argon2"));
}
