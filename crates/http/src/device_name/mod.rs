//! The name of a device that a user recognises in a list: "Firefox on Linux", "Safari on iPhone".
//!
//! It comes from the `User-Agent` of a browser. Another program keeps its own text, such as `curl/8.7.1`. The name
//! proves nothing, because the client writes the `User-Agent`. An iPad in desktop mode says that it is a Mac, and is
//! called one.
//!
//! The parser is that of the ua-parser project, whose patterns (`agents.json`) all its implementations share. They run
//! on an engine whose time is linear in the text, and the text is cut before.
//!
//! ```
//! use portcullis_http::device_name::from_user_agent;
//!
//! let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";
//! assert_eq!(from_user_agent(firefox), "Firefox on Linux");
//! assert_eq!(from_user_agent("curl/8.7.1"), "curl/8.7.1");
//! assert_eq!(from_user_agent(""), "Unknown device");
//! ```

mod patterns;

use std::sync::{Arc, LazyLock};

use patterns::PATTERNS;
use portcullis_core::invisible::is_invisible;
use quick_cache::sync::Cache;

/// The most characters of a `User-Agent` that are read.
const LONGEST_AGENT: usize = 512;

/// The most characters of a name.
const LONGEST_NAME: usize = 100;

/// What the patterns found in the agents that were met last: every write asks, and they take as long as a signature.
static MET: LazyLock<Cache<String, Option<Arc<str>>>> = LazyLock::new(|| Cache::new(1000));

/// The name of a device that sends this `User-Agent`.
#[must_use]
pub fn from_user_agent(user_agent: &str) -> String {
    let agent: String = user_agent.chars().filter(|c| !is_invisible(*c)).take(LONGEST_AGENT).collect();
    let agent = agent.trim();
    if agent.is_empty() {
        return "Unknown device".to_owned();
    }
    let name = browser(agent).unwrap_or_else(|| agent.into());
    name.chars().take(LONGEST_NAME).collect()
}

/// The family of the program that sends this `User-Agent`, out of a list: it holds nothing that a stranger typed.
/// `other` for every other one.
#[must_use]
pub fn family(user_agent: &str) -> String {
    let agent = user_agent.get(..user_agent.floor_char_boundary(LONGEST_AGENT)).unwrap_or_default();
    let named = browser(agent).and_then(|name| {
        let (browser, system) = name.split_once(" on ").unwrap_or((&name, ""));
        let browser = BROWSERS.into_iter().find(|known| *known == browser)?;
        let system = SYSTEMS.into_iter().find(|known| *known == system);
        Some(system.map_or_else(|| browser.to_owned(), |system| format!("{browser} on {system}")))
    });
    let program = || {
        let name = agent.split('/').next()?;
        PROGRAMS.into_iter().find(|known| *known == name).map(str::to_owned)
    };
    named.or_else(program).unwrap_or_else(|| "other".to_owned())
}

const BROWSERS: [&str; 20] = [
    "Amazon Silk",
    "An app",
    "Brave",
    "Chrome",
    "Chromium",
    "DuckDuckGo",
    "Edge",
    "Electron",
    "Facebook",
    "Firefox",
    "Google app",
    "Headless Chrome",
    "Huawei Browser",
    "Instagram",
    "Internet Explorer",
    "Mi Browser",
    "Opera",
    "Safari",
    "Samsung Internet",
    "Vivaldi",
];

const SYSTEMS: [&str; 14] = [
    "Android", "ChromeOS", "Fedora", "FreeBSD", "KaiOS", "Linux", "Tizen", "Ubuntu", "Windows", "iOS",
    "iPad", "iPhone", "macOS", "webOS",
];

const PROGRAMS: [&str; 12] = [
    "Go-http-client",
    "PostmanRuntime",
    "Wget",
    "axios",
    "curl",
    "insomnia",
    "node",
    "okhttp",
    "python-httpx",
    "python-requests",
    "tcp-client",
    "undici",
];

/// Compiles the patterns, so that the first sign-in does not wait for it.
pub fn prepare() {
    let _ = &*PATTERNS;
}

/// The browser and its system; `None` if the agent is not a browser.
fn browser(agent: &str) -> Option<Arc<str>> {
    if let Some(met) = MET.get(agent) {
        return met;
    }
    let found = find_browser(agent).map(Arc::from);
    MET.insert(agent.to_owned(), found.clone());
    found
}

fn find_browser(agent: &str) -> Option<String> {
    // Every browser says that it is Mozilla; an honest robot names its page.
    let is_browser = agent.starts_with("Mozilla/") || agent.starts_with("Opera/");
    if !is_browser || agent.contains("+http") {
        return None;
    }
    let patterns = PATTERNS.as_ref()?;
    let browser = patterns.browser(agent)?;
    let browser = plain_browser(&browser);
    Some(match patterns.system(agent) {
        Some(system) => format!("{browser} on {}", plain_system(&system, agent)),
        None => browser.to_owned(),
    })
}

/// The common name of a browser.
fn plain_browser(family: &str) -> &str {
    match family {
        "IE" | "IE Mobile" => "Internet Explorer",
        "HeadlessChrome" => "Headless Chrome",
        "Google" => "Google app",
        "MiuiBrowser" => "Mi Browser",
        // A web view inside an app.
        "Chrome Mobile WebView" | "Mobile Safari UI/WKWebView" | "Android" => "An app",
        _ => {
            let family = family.strip_suffix(" iOS").unwrap_or(family);
            let family = family.strip_suffix(" Mobile").unwrap_or(family);
            family.strip_prefix("Mobile ").unwrap_or(family)
        }
    }
}

/// The common name of a system; for Apple's mobile systems, the device.
fn plain_system<'a>(family: &'a str, agent: &str) -> &'a str {
    match family {
        "Mac OS X" => "macOS",
        "Chrome OS" => "ChromeOS",
        "Web0S" => "webOS",
        "iOS" => ["iPhone", "iPad", "iPod"].into_iter().find(|thing| agent.contains(thing)).unwrap_or("iOS"),
        other => other,
    }
}

#[cfg(test)]
mod tests;
