//! The query of forward-auth. A proxy's configuration states it, so what cannot be meant is refused, not ignored.

use std::borrow::Cow;

use portcullis_core::user::Role;

use super::RequestFaults;

/// What a proxy requires of a request.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct VerifyQuery {
    /// The roles of which the user must have one; empty if every user may pass.
    pub roles: Vec<Role>,
    /// Where a browser is sent whose user is not signed in, as it was written.
    pub login: Option<String>,
}

impl VerifyQuery {
    /// Reads the parameters.
    ///
    /// # Errors
    /// The [`RequestFaults`]: a parameter that does not exist, is there twice, or names no role.
    pub fn read(query: &str) -> Result<Self, RequestFaults> {
        let (mut role, mut login) = (None, None);
        let mut faults = RequestFaults::default();
        for (name, text) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "role" => once("role", &mut role, text, &mut faults),
                "login" => once("login", &mut login, text, &mut faults),
                _ => faults.0.push(format!("property {name} should not exist")),
            }
        }
        let roles = role.map(|text| roles(&text, &mut faults)).unwrap_or_default();
        let login = login.map(Cow::into_owned);
        if faults.messages().is_empty() { Ok(Self { roles, login }) } else { Err(faults) }
    }
}

fn once<'q>(name: &str, stated: &mut Option<Cow<'q, str>>, text: Cow<'q, str>, faults: &mut RequestFaults) {
    if stated.replace(text).is_some() {
        faults.add::<()>(name, "must be given once");
    }
}

fn roles(text: &str, faults: &mut RequestFaults) -> Vec<Role> {
    let named: Result<Vec<Role>, _> = text.split(',').map(str::parse).collect();
    let fault = "must be one or several of the following values, separated by commas: user, manager, admin";
    named.unwrap_or_else(|_| faults.add("role", fault).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_and_the_address_of_a_sign_in_are_read() {
        let read = |query| VerifyQuery::read(query).unwrap();
        assert_eq!(read(""), VerifyQuery::default());
        let asked = read("login=https%3A%2F%2Fauth.example.com%2Flogin%3Fa%3Db&role=manager,admin");
        assert_eq!(asked.roles, [Role::Manager, Role::Admin]);
        assert_eq!(asked.login.as_deref(), Some("https://auth.example.com/login?a=b"));
        assert_eq!(read("role=manager%2Cadmin").roles, [Role::Manager, Role::Admin]);
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_a_message_for_each_fault() {
        let faults = |query: &str| VerifyQuery::read(query).unwrap_err().into_messages();
        let no_role =
            "role must be one or several of the following values, separated by commas: user, manager, admin";
        for query in
            ["role=", "role=boss", "role=admin,", "role=admin,,user", "role=Admin", "role=%ff", "role"]
        {
            assert_eq!(faults(query), [no_role], "{query}");
        }
        assert_eq!(faults("role=user&role=user"), ["role must be given once"]);
        assert_eq!(faults("login=a&login=a"), ["login must be given once"]);
        assert_eq!(
            faults("roles=admin&Login=x&rd=/&role=x"),
            [
                "property roles should not exist",
                "property Login should not exist",
                "property rd should not exist",
                no_role
            ]
        );
    }
}
