//! The hosts of a URL, written as libpq reads them: `h1:5432,h2:5433`, or `host=h1,h2&port=5432,5433`.

use crate::DatabaseUrlError;

/// A URL with one host or several, taken apart. Its parts stay in percent-encoding.
pub(super) struct HostList {
    scheme: String,
    /// The path with its `/`, or nothing.
    database: String,
    /// Empty where the URL says nothing.
    hosts: Vec<String>,
    ports: Vec<String>,
    /// All other parameters, with user and password.
    parameters: Vec<(String, String)>,
}

impl HostList {
    /// Takes a URL apart whose parameters are known ones.
    pub(super) fn parse(text: &str) -> Result<Self, DatabaseUrlError> {
        let (scheme, rest) = text.split_once("://").ok_or(DatabaseUrlError::NotPostgres)?;
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, database) = place.split_at(place.find('/').unwrap_or(place.len()));
        let (login, places) = authority.rsplit_once('@').unwrap_or(("", authority));
        if places.contains(['&', '+']) {
            return Err(DatabaseUrlError::NotPostgres);
        }
        let (hosts, ports) = places.split(',').map(host_and_port).unzip();
        let (scheme, database) = (scheme.to_owned(), database.to_owned());
        let mut list = Self { scheme, database, hosts, ports, parameters: credentials(login) };
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            list.take(pair)?;
        }
        if list.ports.len() != 1 && list.ports.len() != list.hosts.len() {
            return Err(DatabaseUrlError::HostsAndPorts);
        }
        Ok(list)
    }

    fn take(&mut self, pair: &str) -> Result<(), DatabaseUrlError> {
        match pair.split_once('=').unwrap_or((pair, "")) {
            ("host", hosts) => self.hosts = members(hosts),
            ("port", ports) => self.ports = members(ports),
            // What is always demanded.
            ("target_session_attrs", "read-write" | "primary") => {}
            ("target_session_attrs", _) => return Err(DatabaseUrlError::NotThePrimary),
            (key, value) => self.parameters.push((key.to_owned(), value.to_owned())),
        }
        Ok(())
    }

    /// Whether the URL names this parameter, other than host and port.
    pub(super) fn has(&self, parameter: &str) -> bool {
        self.parameters.iter().any(|(key, _)| key == parameter)
    }

    /// Whether the URL names a database.
    pub(super) fn has_database(&self) -> bool {
        !self.database.trim_matches('/').is_empty() || self.has("dbname")
    }

    /// For each host, a URL that has it alone, with `presets` for what the whole URL does not say.
    pub(super) fn singles(&self, presets: &[(&str, &str)]) -> Vec<String> {
        let ports = self.ports.iter().cycle();
        self.hosts.iter().zip(ports).map(|(host, port)| self.single(host, port, presets)).collect()
    }

    fn single(&self, host: &str, port: &str, presets: &[(&str, &str)]) -> String {
        let place = [("host", host), ("port", port)].into_iter().filter(|(_, value)| !value.is_empty());
        let others = self.parameters.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        // Of two values of a parameter, the later one counts.
        let pairs = presets.iter().copied().chain(place).chain(others);
        let query: Vec<String> = pairs.map(|(key, value)| format!("{key}={value}")).collect();
        format!("{}://{}?{}", self.scheme, self.database, query.join("&"))
    }
}

/// User and password of a login as parameters.
fn credentials(login: &str) -> Vec<(String, String)> {
    let (user, password) = login.split_once(':').unwrap_or((login, ""));
    let said = [("user", user), ("password", password)].into_iter().filter(|(_, value)| !value.is_empty());
    said.map(|(key, value)| (key.to_owned(), value.replace('&', "%26").replace('+', "%2B"))).collect()
}

/// In brackets there is an address with colons.
fn host_and_port(place: &str) -> (String, String) {
    let in_brackets = place.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    let (host, port) = match in_brackets {
        Some((address, rest)) => (address, rest.trim_start_matches(':')),
        None => place.rsplit_once(':').unwrap_or((place, "")),
    };
    (host.to_owned(), port.to_owned())
}

/// The members of a list, whose commas may be written in percent-encoding.
fn members(list: &str) -> Vec<String> {
    list.replace("%2C", ",").replace("%2c", ",").split(',').map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn singles(url: &str) -> Vec<String> {
        HostList::parse(url).unwrap().singles(&[])
    }

    #[test]
    fn each_host_is_a_url_of_its_own() {
        for (url, hosts) in [
            ("postgres://u:p+%2F@h1:5433,h2/d?sslmode=require", ["host=h1&port=5433", "host=h2"]),
            (
                "postgres://u:p+%2F@/d?host=h1,h2&port=1,2&sslmode=require",
                ["host=h1&port=1", "host=h2&port=2"],
            ),
            (
                "postgres://u:p+%2F@h/d?port=7&host=h1%2C%2Frun&sslmode=require",
                ["host=h1&port=7", "host=%2Frun&port=7"],
            ),
            (
                "postgres://u:p+%2F@[::1]:1,[fe80::1]:2/d?sslmode=require&target_session_attrs=primary",
                ["host=::1&port=1", "host=fe80::1&port=2"],
            ),
        ] {
            let expected =
                hosts.map(|host| format!("postgres:///d?{host}&user=u&password=p%2B%2F&sslmode=require"));
            assert_eq!(singles(url), expected, "{url}");
        }
        assert_eq!(singles("postgres:///d"), ["postgres:///d?"]);
    }

    #[test]
    fn a_list_that_does_not_say_which_port_is_whose_or_is_content_with_a_standby_is_refused() {
        for (url, said) in [
            ("postgres:///d?host=a,b,c&port=1,2", "one for each host"),
            ("postgres://a,b/d?target_session_attrs=any", "content with a standby"),
            ("postgres://a,b/d?target_session_attrs=prefer-standby", "content with a standby"),
            ("postgres://a&sslmode=disable/d", "postgres://USER"),
        ] {
            let fault = HostList::parse(url).err().unwrap().to_string();
            assert!(fault.contains(said), "{url}: {fault}");
        }
    }
}
