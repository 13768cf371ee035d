//! Links in mails: made from the configuration, and from nothing that a request claimed.

use portcullis_core::secret::PlainSecret;
use tracing::warn;
use url::Url;

/// Makes links that lead to this server or to a page of the tenant.
#[derive(Clone, Debug)]
pub(super) struct MailLinks {
    base: Url,
}

impl MailLinks {
    /// Links to the server that users reach at `base`.
    pub(super) fn new(base: &str) -> Result<Self, url::ParseError> {
        Ok(Self { base: Url::parse(base)? })
    }

    /// A link that unlocks an account.
    pub(super) fn unlock(&self, token: &PlainSecret) -> String {
        self.ours("/auth/unlock", token)
    }

    /// A link to the page for a new password: the tenant's own, otherwise the one of this server.
    pub(super) fn password(&self, page: Option<&str>, token: &PlainSecret) -> String {
        let Some(page) = page else { return self.ours("/auth/password/reset", token) };
        if let Some(url) = web_page(page) {
            return with_token(url, token);
        }
        warn!(
            page,
            "reset_url of the tenant is not a web address; the link leads to the page of this server"
        );
        self.ours("/auth/password/reset", token)
    }

    fn ours(&self, path: &str, token: &PlainSecret) -> String {
        let mut url = self.base.clone();
        url.set_path(path);
        url.set_query(None);
        url.set_fragment(None);
        with_token(url, token)
    }
}

fn web_page(text: &str) -> Option<Url> {
    Url::parse(text).ok().filter(|url| matches!(url.scheme(), "https" | "http") && url.has_host())
}

fn with_token(mut url: Url, token: &PlainSecret) -> String {
    url.query_pairs_mut().append_pair("token", token.reveal());
    url.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links() -> MailLinks {
        MailLinks::new("https://auth.example.com").unwrap()
    }

    fn token() -> PlainSecret {
        PlainSecret::presented("a-b_c.d&e=f#g")
    }

    const WRITTEN: &str = "token=a-b_c.d%26e%3Df%23g";

    #[test]
    fn a_link_is_made_from_the_configured_url_alone() {
        assert_eq!(links().unlock(&token()), format!("https://auth.example.com/auth/unlock?{WRITTEN}"));
        let reset = format!("https://auth.example.com/auth/password/reset?{WRITTEN}");
        assert_eq!(links().password(None, &token()), reset);
        let local = MailLinks::new("http://[::1]:3000/?x#y").unwrap();
        assert_eq!(local.unlock(&token()), format!("http://[::1]:3000/auth/unlock?{WRITTEN}"));
    }

    #[test]
    fn a_tenants_page_keeps_its_own_query_and_fragment() {
        for (page, link) in [
            ("https://app.example/reset", format!("https://app.example/reset?{WRITTEN}")),
            ("https://app.example/?a=b%20c", format!("https://app.example/?a=b%20c&{WRITTEN}")),
            ("https://app.example/x?a#/r", format!("https://app.example/x?a&{WRITTEN}#/r")),
        ] {
            assert_eq!(links().password(Some(page), &token()), link);
        }
    }

    #[test]
    fn a_page_that_is_not_on_the_web_is_replaced_by_that_of_the_server() {
        for page in ["", "/reset", "javascript:alert(1)//", "data:text/html,x", "app:reset"] {
            let link = links().password(Some(page), &token());
            assert!(link.starts_with("https://auth.example.com/auth/password/reset?"), "{page}: {link}");
        }
    }
}
