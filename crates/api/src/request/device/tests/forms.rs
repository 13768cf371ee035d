//! Forms, payloads that are no object, and secrets.

use super::*;

#[test]
fn a_form_says_what_a_body_does() {
    let reset = ResetPasswordBody::read(&Body::of_form(b"token=a%2Bb&newPassword=vexed+quilt%21")).unwrap();
    assert_eq!(reset.token.reveal(), "a+b");
    assert_eq!(reset.new.characters(), 12);
    assert_eq!(faults(UnlockBody::read(&query("token=a&token=b"))), ["token must be a string"]);
    assert_eq!(faults(UnlockBody::read(&query("token[]=a&token[$ne]=b"))), ["token should not be empty"]);
    assert_eq!(faults(UnlockBody::read(&query("token="))), ["token should not be empty"]);
}

#[test]
fn of_a_payload_that_is_no_object_every_member_is_missing() {
    for payload in [json!(null), json!("token"), json!(["token"]), json!(7)] {
        assert_eq!(faults(UnlockBody::read(&Body::from(payload))), ["token should not be empty"]);
    }
}

#[test]
fn secrets_do_not_show_themselves() {
    let login = json!({"usernameOrEmailOrMobile": "ann", "password": "vexed quilt", "deviceSecret": "vexed"});
    let verify = json!({"loginId": ID, "otp": "123456"});
    let reset = json!({"token": "vexed", "newPassword": "vexed quilt"});
    let shown = format!(
        "{:?} {:?} {:?}",
        DeviceLoginBody::read(&Body::from(login)).unwrap(),
        VerifyLoginBody::read(&Body::from(verify)).unwrap(),
        ResetPasswordBody::read(&Body::from(reset)).unwrap(),
    );
    assert!(!shown.contains("vexed") && !shown.contains("123456"), "{shown}");
}

proptest! {
    #[test]
    fn any_form_is_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let body = Body::of_form(&bytes);
        let _ = (UnlockBody::read(&body), ListUsersQuery::read(&body), sign_up(&body), DeviceLoginBody::read(&body));
    }
}
