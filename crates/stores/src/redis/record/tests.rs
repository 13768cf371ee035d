use portcullis_core::store::conformance::records::{bare_session, new_user_key, session, tenant};

use super::*;

#[test]
fn a_session_is_read_as_it_was_written() {
    let jo = new_user_key(&tenant("acme"));
    for mut known in [session(&jo), bare_session(&jo)] {
        for name in ["a phone", known.device.user_agent.clone().as_str()] {
            name.clone_into(&mut known.device.name);
            assert_eq!(SessionRecords::of(&known).session(&known.key).unwrap(), known);
        }
    }
}

#[test]
fn a_session_of_a_user_who_never_replaced_the_password_is_written_as_before_there_was_a_password_epoch() {
    let first = bare_session(&new_user_key(&tenant("acme")));
    let later = Session { password_epoch: 1, ..first.clone() };
    let [first, later] = [&first, &later].map(|session| SessionRecords::of(session).checked);
    assert_eq!(first[ID_LENGTH], FORM);
    assert_eq!(later[ID_LENGTH..ID_LENGTH + 2], [PASSWORD_EPOCH, 1]);
    assert_eq!(later[ID_LENGTH + 2..], first[ID_LENGTH..]);
}

#[test]
fn a_record_that_cannot_be_read_is_named() {
    let known = Session { password_epoch: 0, ..session(&new_user_key(&tenant("acme"))) };
    let good = SessionRecords::of(&known);
    let spoiled = |change: fn(&mut SessionRecords)| {
        let mut records = good.clone();
        change(&mut records);
        records
    };
    let spoiled = [
        (spoiled(|records| records.checked.clear()), "user"),
        (spoiled(|records| records.checked[0] = b'%'), "user"),
        (spoiled(|records| records.checked.push(0)), "sign-in"),
        (spoiled(|records| records.checked[ID_LENGTH] = b'z'), "sign-in"),
        (spoiled(|records| records.checked[ID_LENGTH] = PASSWORD_EPOCH), "sign-in"),
        (spoiled(|records| records.checked[ID_LENGTH + 2] = b'x'), "strategy"),
        (spoiled(|records| records.used.truncate(9)), "use"),
        (spoiled(|records| records.used.insert(0, b'-')), "use"),
        (spoiled(|records| records.used = [&b"9".repeat(30), &records.used[1..]].concat()), "version"),
    ];
    for (records, part) in spoiled {
        let fault = records.session(&known.key).unwrap_err().to_string();
        assert!(fault.contains(part) && fault.contains(&known.key.id.to_string()), "{fault}");
    }
}
