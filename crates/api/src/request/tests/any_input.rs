//! Readers under any input.

use super::*;

const MEMBERS: [&str; 12] = [
    "email",
    "password",
    "name",
    "firstName",
    "lastName",
    "native",
    "refresh_token",
    "refreshToken",
    "token",
    "device_secret",
    "currentPassword",
    "newPassword",
];

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(|flag| json!(flag)),
        any::<i64>().prop_map(|number| json!(number)),
        any::<String>().prop_map(|text| json!(text)),
        Just(json!("ann@example.com")),
        Just(json!("vexed quilt")),
        Just(json!("x".repeat(1025))),
        proptest::collection::vec(any::<bool>(), 0..3).prop_map(|list| json!(list)),
        Just(json!({"email": "ann@example.com"})),
    ]
}

fn any_members() -> impl Strategy<Value = Value> {
    let member = (proptest::sample::select(&MEMBERS[..]), any_value());
    proptest::collection::vec(member, 0..8)
        .prop_map(|members| members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
        .prop_map(Value::Object)
}

/// Every reader, and what it found at fault: nothing where it gives a value.
fn read_by_all(body: &Body) -> [Result<(), RequestFaults>; 5] {
    [
        RegisterBody::read_as(NameForm::Full, body, &DEVELOPMENT).map(drop),
        RegisterBody::read_as(NameForm::Parts, body, &PasswordPolicy::SINGLE_FACTOR).map(drop),
        LoginBody::read(body).map(drop),
        RefreshBody::read(body).map(drop),
        ChangePasswordBody::read(body, &DEVELOPMENT).map(drop),
    ]
}

/// A refusal has something to say, about members that exist, and about each at most once.
fn is_one_message_a_member(faults: &RequestFaults) -> bool {
    let mut named: Vec<&str> = faults
        .messages()
        .iter()
        .filter_map(|message| message.split_once(' ').map(|(name, _)| name))
        .collect();
    let count = named.len();
    named.sort_unstable();
    named.dedup();
    count > 0
        && count == faults.messages().len()
        && named.len() == count
        && named.iter().all(|name| MEMBERS.contains(name))
}

proptest! {
    #[test]
    fn no_bytes_make_a_reader_stumble(bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
        if let Ok(body) = Body::parse(&bytes) {
            for faults in read_by_all(&body).into_iter().filter_map(Result::err) {
                prop_assert!(is_one_message_a_member(&faults), "{:?}", faults);
            }
        }
    }

    #[test]
    fn any_json_gives_a_value_or_one_message_for_each_member_at_fault(members in any_members()) {
        for faults in read_by_all(&body(&members)).into_iter().filter_map(Result::err) {
            prop_assert!(is_one_message_a_member(&faults), "{:?}", faults);
        }
    }
}
