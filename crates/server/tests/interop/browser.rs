//! A browser that a person might use, told what to do over its `DevTools` protocol.
//!
//! The protocol goes through a pipe: the browser reads messages from descriptor 3 and writes to 4, each ends in a zero
//! byte. No port is opened, and nothing but JSON is needed to speak it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::program::soon;

/// Hands our two pipes on under the numbers that the browser wants.
const WITH_PIPES: &str = r#"exec chromium "$@" 3<&0 4>&1 1>&2 0</dev/null"#;

const OPTIONS: [&str; 10] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-pipe",
];

/// A browser with one tab.
pub(crate) struct Browser {
    process: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    tab: Value,
    asked: u64,
    _profile: TempDir,
}

impl Browser {
    /// Starts one that has never been anywhere.
    pub(crate) fn start() -> Self {
        let profile = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", WITH_PIPES, "sh"]).args(OPTIONS);
        command.arg(format!("--user-data-dir={}", profile.path().display()));
        let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = pipes.spawn().unwrap();
        let orders = process.stdin.take();
        let answers = BufReader::new(process.stdout.take().unwrap());
        let mut browser = Self { process, orders, answers, tab: Value::Null, asked: 0, _profile: profile };
        let target = browser.order("Target.createTarget", &json!({"url": "about:blank"}));
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        browser.tab = browser.order("Target.attachToTarget", &attach)["sessionId"].take();
        browser
    }

    /// Goes to a page, as somebody does who follows a link in a letter.
    pub(crate) fn visit(&mut self, url: &str) {
        let gone = self.order("Page.navigate", &json!({"url": url}));
        assert!(gone.get("errorText").is_none(), "{url}: {gone}");
        self.arrive("");
    }

    /// What the page is headed.
    pub(crate) fn heading(&mut self) -> String {
        let heading = self.see("document.querySelector('h1')?.textContent ?? ''");
        heading.as_str().unwrap().to_owned()
    }

    /// All that can be read on the page.
    pub(crate) fn text(&mut self) -> String {
        self.see("document.body.innerText").as_str().unwrap().to_owned()
    }

    /// Types into the field that has the focus, key by key.
    pub(crate) fn types(&mut self, text: &str) {
        for key in text.chars() {
            let key = key.to_string();
            self.order("Input.dispatchKeyEvent", &json!({"type": "keyDown", "key": key, "text": key}));
            self.order("Input.dispatchKeyEvent", &json!({"type": "keyUp", "key": key}));
        }
    }

    /// Clicks with the mouse on the button, and waits for the page it leads to.
    pub(crate) fn clicks(&mut self, button: &str) {
        let before = self.heading();
        let place = self.see(&format!(
            "(() => {{ const all = [...document.querySelectorAll('button')]; \
             const box = all.find((one) => one.textContent === {}).getBoundingClientRect(); \
             return [box.x + box.width / 2, box.y + box.height / 2]; }})()",
            json!(button)
        ));
        for kind in ["mousePressed", "mouseReleased"] {
            let click =
                json!({"type": kind, "x": place[0], "y": place[1], "button": "left", "clickCount": 1});
            self.order("Input.dispatchMouseEvent", &click);
        }
        self.arrive(&before);
    }

    /// The value of an expression on the page.
    pub(crate) fn see(&mut self, expression: &str) -> Value {
        let asked = json!({"expression": expression, "returnByValue": true});
        self.order("Runtime.evaluate", &asked)["result"]["value"].take()
    }

    /// Waits for a page that is whole and headed otherwise.
    fn arrive(&mut self, before: &str) {
        let whole = soon(|| self.see("document.readyState") == "complete" && self.heading() != before);
        assert!(whole, "still at {before:?}");
    }

    fn order(&mut self, method: &str, parameters: &Value) -> Value {
        self.asked += 1;
        let mut order = json!({"id": self.asked, "method": method, "params": parameters});
        if !self.tab.is_null() {
            order["sessionId"] = self.tab.clone();
        }
        write!(self.orders.as_mut().unwrap(), "{order}\0").unwrap();
        loop {
            let mut message = Vec::new();
            self.answers.read_until(0, &mut message).unwrap();
            message.pop();
            let mut answer: Value = serde_json::from_slice(&message).expect("the browser has gone");
            if answer["id"] == self.asked {
                assert!(answer.get("error").is_none(), "{method}: {answer}");
                return answer["result"].take();
            }
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The end of its orders is its own end.
        drop(self.orders.take());
        let _ = self.process.wait();
    }
}
