//! How a [`UserStore`](crate::store::UserStore) must look users up by their names, and search them.

use super::super::records::{at, bare_user, email, mobile, new_mobile, tenant, user, username};
use super::{Answered, each};
use crate::id::{TenantId, UserId, UserKey};
use crate::store::{Inserted, Page, Stores, Updated, UserHandle};
use crate::user::{PersonName, Role, User};

pub(super) async fn all(make: &impl AsyncFn() -> Stores) {
    each!(make;
        a_user_is_found_by_every_name,
        a_user_name_is_unique_however_it_is_spelt,
        a_mobile_number_is_unique_however_it_is_spelt,
        any_number_of_users_have_no_names,
        an_update_takes_no_name_from_another,
        a_search_finds_what_has_the_text_in_it,
        a_search_follows_an_update,
        a_search_stays_in_its_tenant,
        pages_of_a_search_show_who_stays_once_while_others_come_and_go,
    );
}

async fn stored(stores: &Stores, handle: &UserHandle) -> Option<User> {
    stores.users.find(handle).await.answered()
}

async fn inserted(stores: &Stores, user: &User) -> Inserted {
    stores.users.insert(user).await.answered()
}

/// `find` by user name and by mobile number returns what `find` by id does.
pub async fn a_user_is_found_by_every_name(stores: &Stores) {
    let acme = tenant("acme");
    let jo = user(&acme, "jo@example.com");
    inserted(stores, &jo).await;
    inserted(stores, &user(&acme, "ann@example.com")).await;
    let by_name = UserHandle::Username(acme.clone(), username("JO.Example.com"));
    assert_eq!(stored(stores, &by_name).await.as_ref(), Some(&jo));
    let by_number = UserHandle::Mobile(acme.clone(), jo.mobile.clone().unwrap_or_else(new_mobile));
    assert_eq!(stored(stores, &by_number).await.as_ref(), Some(&jo));
    for nobodys in
        [UserHandle::Username(acme.clone(), username("jo")), UserHandle::Mobile(acme, mobile("+491701"))]
    {
        assert_eq!(stored(stores, &nobodys).await, None, "{nobodys:?}");
    }
}

fn named(tenant: &TenantId, address: &str, name: &str) -> User {
    User { username: Some(username(name)), ..bare_user(tenant, address) }
}

fn called(tenant: &TenantId, address: &str, number: &str) -> User {
    User { mobile: Some(mobile(number)), ..bare_user(tenant, address) }
}

/// User names are compared in their canonical form, by `insert` and by `find`.
// ASVS-map: AU6
pub async fn a_user_name_is_unique_however_it_is_spelt(stores: &Stores) {
    let acme = tenant("acme");
    let first = named(&acme, "jo@example.com", "Jo\u{308}");
    assert_eq!(inserted(stores, &first).await, Inserted::Done);
    for respelt in ["Jo\u{308}", "jö", "JÖ", "ｊö"] {
        let second = named(&acme, "other@example.com", respelt);
        assert_eq!(inserted(stores, &second).await, Inserted::Clash, "{respelt}");
        let handle = UserHandle::Username(acme.clone(), username(respelt));
        assert_eq!(stored(stores, &handle).await.as_ref(), Some(&first), "{respelt}");
    }
    assert_eq!(inserted(stores, &named(&acme, "other@example.com", "jo")).await, Inserted::Done);
    assert_eq!(inserted(stores, &named(&tenant("globex"), "jo@example.com", "jö")).await, Inserted::Done);
}

/// Mobile numbers are compared by their digits alone.
// ASVS-map: AU6
pub async fn a_mobile_number_is_unique_however_it_is_spelt(stores: &Stores) {
    let acme = tenant("acme");
    assert_eq!(inserted(stores, &called(&acme, "jo@example.com", "+49 170 1234567")).await, Inserted::Done);
    let respelt = called(&acme, "other@example.com", "+49 (170) 123-4567");
    assert_eq!(inserted(stores, &respelt).await, Inserted::Clash);
    assert_eq!(stored(stores, &UserHandle::Id(respelt.key.clone())).await, None);
    let elsewhere = UserKey { tenant: tenant("globex"), id: respelt.key.id };
    assert_eq!(inserted(stores, &User { key: elsewhere, ..respelt }).await, Inserted::Done);
}

/// Two users without a user name, or without a number, do not clash.
pub async fn any_number_of_users_have_no_names(stores: &Stores) {
    for address in ["a@example.com", "b@example.com", "c@example.com"] {
        assert_eq!(inserted(stores, &bare_user(&tenant("acme"), address)).await, Inserted::Done);
    }
}

/// `update` to a name that another user has writes nothing. A user may keep its name or take a free one.
// ASVS-map: AU6
pub async fn an_update_takes_no_name_from_another(stores: &Stores) {
    let acme = tenant("acme");
    let (jo, ann) = (user(&acme, "jo@example.com"), user(&acme, "ann@example.com"));
    for user in [&jo, &ann] {
        inserted(stores, user).await;
    }
    let next = jo.clone().with_role(Role::Admin, at(9));
    for taken in [
        User { email: email("ANN@example.com"), ..next.clone() },
        User { username: Some(username("Ann.Example.com")), ..next.clone() },
        User { mobile: ann.mobile.clone(), ..next.clone() },
    ] {
        assert_eq!(stores.users.update(&taken).await.answered(), Updated::Stale);
    }
    assert_eq!(stored(stores, &UserHandle::Id(jo.key.clone())).await, Some(jo.clone()));
    let renamed = User { username: Some(username("jo")), mobile: None, ..next };
    assert_eq!(stores.users.update(&renamed).await.answered(), Updated::Done);
    let before = UserHandle::Username(acme.clone(), username("jo.example.com"));
    assert_eq!(stored(stores, &before).await, None);
    assert_eq!(stored(stores, &UserHandle::Username(acme.clone(), username("JO"))).await, Some(renamed));
    let freed = User { mobile: jo.mobile, ..bare_user(&acme, "third@example.com") };
    assert_eq!(inserted(stores, &freed).await, Inserted::Done);
}

async fn search(
    stores: &Stores,
    tenant: &TenantId,
    text: &str,
    after: Option<UserId>,
    limit: u32,
) -> Vec<User> {
    let page = stores.users.list(tenant, text, Page { after, limit }).await.answered();
    assert!(page.len() <= limit as usize);
    page
}

fn crew(acme: &TenantId) -> Vec<User> {
    let name = |whole: &str| PersonName::new(whole).ok();
    let parts = |given: &str, family: &str| PersonName::from_parts(given, family).ok();
    let mut crew = vec![
        User { name: name("Ångström 50% off"), ..bare_user(acme, "first_one@example.com") },
        User { name: name("ΟΔΥΣΣΕΥΣ a\\b"), ..named(acme, "second@example.com", "Zoë_Z") },
        User { name: parts("İrem", "O'Neill"), ..called(acme, "third@BÜCHER.example", "+49 170 1234567") },
        User { name: name("漢😀 \"Straße\""), ..bare_user(acme, "fourth@example.com") },
        bare_user(acme, "firstXone@example.org"),
    ];
    crew.sort_by_key(|user| user.key.id);
    crew
}

/// `list` finds the users that [`User::matches_search`] finds, and no others: without regard to case in any script, and
/// with no special meaning in any character.
pub async fn a_search_finds_what_has_the_text_in_it(stores: &Stores) {
    let acme = tenant("acme");
    let crew = crew(&acme);
    for user in &crew {
        inserted(stores, user).await;
    }
    for text in [
        "",
        "example",
        "EXAMPLE.COM",
        "first_one",
        "first%one",
        "%",
        "_",
        "\\",
        "a\\b",
        "50% OFF",
        "*",
        "?",
        "[a-z]",
        "ångström",
        "ÅNGSTRÖM",
        "οδυσσευς",
        "ΟΔΥΣΣΕΥΣ",
        "ZOË_z",
        "zo",
        "i̇REM",
        "irem",
        "+49170",
        "1234567",
        "170 123",
        "xn--bcher-kva",
        "bücher",
        "漢😀",
        "STRASSE",
        "straSSe",
        "STRAßE",
        "o'neill",
        "İREM O'NEILL",
        "'",
        "\"",
        " ",
        "com\nfirst",
        "com\n",
        "\n",
        "\0",
        "example\0",
        "nobody",
        &"long".repeat(20_000),
    ] {
        let found: Vec<User> = search(stores, &acme, text, None, 9).await;
        let having: Vec<User> = crew.iter().filter(|user| user.matches_search(text)).cloned().collect();
        assert_eq!(found, having, "{}", text.chars().take(20).collect::<String>());
    }
}

/// A changed user is found by its new names alone.
pub async fn a_search_follows_an_update(stores: &Stores) {
    let acme = tenant("acme");
    let jo = user(&acme, "jo@example.com");
    inserted(stores, &jo).await;
    let next = User { name: PersonName::new("Überall").ok(), ..jo.enabled(at(9)) };
    assert_eq!(stores.users.update(&next).await.answered(), Updated::Done);
    assert_eq!(search(stores, &acme, "ÜBER", None, 9).await, [next]);
    assert_eq!(search(stores, &acme, "neill", None, 9).await, []);
}

/// No user of another tenant is found.
// ASVS-map: TN1
pub async fn a_search_stays_in_its_tenant(stores: &Stores) {
    let (acme, globex) = (tenant("acme"), tenant("globex"));
    inserted(stores, &user(&globex, "jo@example.com")).await;
    assert_eq!(search(stores, &acme, "jo", None, 9).await, []);
    assert_eq!(search(stores, &globex, "jo", None, 9).await.len(), 1);
}

/// Inserts a user that a search for `even` or `odd` finds.
async fn make(stores: &Stores, tenant: &TenantId, number: u32) -> User {
    let kind = if number.is_multiple_of(2) { "even" } else { "odd" };
    let person = bare_user(tenant, &format!("{kind}{number}@example.com"));
    inserted(stores, &person).await;
    person
}

/// A user that matches from the first page to the last is shown once, even if others arrive and others stop matching.
pub async fn pages_of_a_search_show_who_stays_once_while_others_come_and_go(stores: &Stores) {
    let acme = tenant("acme");
    let mut staying = Vec::new();
    let mut leaving = Vec::new();
    for number in 0..20 {
        let person = make(stores, &acme, number).await;
        match number % 4 {
            0 => staying.push(person.key.id),
            2 => leaving.push(person),
            _ => (),
        }
    }
    let mut seen: Vec<UserId> = Vec::new();
    for turn in 20_u32.. {
        let page = search(stores, &acme, "EVEN", seen.last().copied(), 2).await;
        if page.is_empty() {
            break;
        }
        assert!(page.iter().all(|user| user.matches_search("even")));
        seen.extend(page.into_iter().map(|user| user.key.id));
        make(stores, &acme, turn).await;
        if let Some(person) = leaving.pop() {
            let gone = User { email: email(&format!("gone{turn}@example.com")), ..person };
            let gone = gone.with_role(Role::Manager, at(1));
            assert_eq!(stores.users.update(&gone).await.answered(), Updated::Done);
        }
    }
    assert!(seen.is_sorted_by(|one, next| one < next));
    assert!(staying.iter().all(|id| seen.contains(id)));
}
