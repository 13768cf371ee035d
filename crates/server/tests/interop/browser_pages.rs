//! The pages behind the links in mails, used with a real browser.

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::outbox::link;
use crate::server_process::{ServerDirectory, ServerProcess};

const EMAIL: &str = "ann@example.com";
const PASSWORD: &str = "a lighthouse in the fog of 1911";
const OTHER: &str = "the lamp & 7 \"keepers\" <asleep>";

fn with_ann() -> (ServerDirectory, ServerProcess) {
    let home = ServerDirectory::new();
    let server = home.serve();
    server.register();
    (home, server)
}

/// The code of the answer to a sign-in.
fn login(server: &ServerProcess, password: &str) -> String {
    let body = json!({"usernameOrEmailOrMobile": EMAIL, "password": password});
    server.send("POST /auth/login", &[], &body).code().to_owned()
}

fn is_locked(server: &ServerProcess) -> bool {
    login(server, PASSWORD) == "ACCOUNT_LOCKED"
}

// ASVS-map: RC1, RC2
#[test]
fn a_user_chooses_a_new_password_on_the_page() {
    let (home, server) = with_ann();
    let asked = server.send("POST /auth/password/forgot", &[], &json!({"email": EMAIL}));
    assert_eq!(asked.status, 201, "{asked:?}");
    let link = link(&home.mail("Choose a new password for Portcullis", 1));

    let mut browser = Browser::start();
    browser.visit(&link);
    assert_eq!(browser.heading(), "Choose a new password");
    assert_eq!(browser.evaluate("document.referrer"), "");
    let color = "getComputedStyle(document.querySelector('button')).backgroundColor";
    assert_eq!(browser.evaluate(color), "rgb(29, 78, 216)", "the browser has blocked the style");
    // The field has the focus from the start. A short password is rejected, and the link still works.
    browser.types("short");
    browser.clicks("Change my password");
    assert_eq!(browser.heading(), "The password was not changed");
    assert!(browser.text().contains("8 characters"), "{}", browser.text());

    browser.visit(&link);
    browser.types(OTHER);
    browser.clicks("Change my password");
    assert_eq!(browser.heading(), "Password changed", "{}", browser.text());
    assert_eq!(browser.evaluate("location.search"), "", "the token stays in the address");
    assert_eq!(login(&server, PASSWORD), "INVALID_CREDENTIALS");
    assert_eq!(login(&server, OTHER), "OTP_SENT");
    home.mail("Your password for Portcullis was changed", 1);

    browser.visit(&link);
    browser.types("a third one, for another user");
    browser.clicks("Change my password");
    assert_eq!(browser.heading(), "The password was not changed");
    assert!(browser.text().contains("The password reset link is invalid or has expired."));
    assert_eq!(login(&server, OTHER), "OTP_SENT");
}

// ASVS-map: RC1
#[test]
fn a_click_unlocks_an_account_and_fetching_the_page_does_not() {
    let (home, server) = with_ann();
    for _ in 0..5 {
        assert_eq!(login(&server, "wrong"), "INVALID_CREDENTIALS");
    }
    assert!(is_locked(&server));
    let link = link(&home.mail("Your account at Portcullis is locked", 1));

    let mut browser = Browser::start();
    browser.visit(&link);
    assert_eq!(browser.heading(), "Unlock your account");
    let (_, path) = link.split_once(&format!(":{}", server.address().port())).unwrap();
    server.send(&format!("HEAD {path}"), &[("Accept", "*/*")], &Value::Null);
    assert!(is_locked(&server), "fetching the page has unlocked it");
    browser.clicks("Unlock my account");
    assert_eq!(browser.heading(), "Account unlocked", "{}", browser.text());
    assert_eq!(login(&server, PASSWORD), "OTP_SENT");

    browser.visit(&link);
    browser.clicks("Unlock my account");
    assert_eq!(browser.heading(), "The account was not unlocked");
}
