//! A real browser, driven over its `DevTools` protocol.
//!
//! The protocol goes through a pipe: the browser reads messages from descriptor 3 and writes to 4, each ends in a zero
//! byte. No port is opened. A page counts as loaded when the browser reports the `load` event of its document: between
//! two pages there is an empty document, which is complete as well.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

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
    commands: Option<ChildStdin>,
    messages: BufReader<ChildStdout>,
    session: Value,
    /// Number of the last command.
    sent: u64,
    /// Id of the tab's main frame.
    frame: Value,
    /// Loader ids of its documents whose `load` event has come.
    loaded: Vec<Value>,
    /// Loader id of the document that is shown.
    document: Value,
    _profile: TempDir,
}

impl Browser {
    /// Starts one with an empty profile.
    pub(crate) fn start() -> Self {
        let profile = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", WITH_PIPES, "sh"]).args(OPTIONS);
        command.arg(format!("--user-data-dir={}", profile.path().display()));
        let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = pipes.spawn().unwrap();
        let commands = process.stdin.take();
        let messages = BufReader::new(process.stdout.take().unwrap());
        let mut browser = Self {
            process,
            commands,
            messages,
            session: Value::Null,
            sent: 0,
            frame: Value::Null,
            loaded: Vec::new(),
            document: Value::Null,
            _profile: profile,
        };
        browser.open_tab();
        browser
    }

    /// Attaches to a tab, and lets it report the life of each document.
    fn open_tab(&mut self) {
        let target = self.command("Target.createTarget", &json!({"url": "about:blank"}));
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        self.session = self.command("Target.attachToTarget", &attach)["sessionId"].take();
        self.command("Page.enable", &json!({}));
        let mut tree = self.command("Page.getFrameTree", &json!({}));
        let frame = &mut tree["frameTree"]["frame"];
        (self.frame, self.document) = (frame["id"].take(), frame["loaderId"].take());
        self.command("Page.setLifecycleEventsEnabled", &json!({"enabled": true}));
    }

    /// Goes to a page, as a user does who follows a link in a mail.
    pub(crate) fn visit(&mut self, url: &str) {
        let navigation = self.command("Page.navigate", &json!({"url": url}));
        assert!(navigation.get("errorText").is_none(), "{url}: {navigation}");
        let wanted = navigation["loaderId"].clone();
        self.wait_for_load(|document| *document == wanted);
    }

    /// The text of the page's heading, empty if it has none.
    pub(crate) fn heading(&mut self) -> String {
        let heading = self.evaluate("document.querySelector('h1')?.textContent ?? ''");
        heading.as_str().unwrap().to_owned()
    }

    /// All text that the page shows.
    pub(crate) fn text(&mut self) -> String {
        self.evaluate("document.body.innerText").as_str().unwrap().to_owned()
    }

    /// Types into the field that has the focus, key by key.
    pub(crate) fn types(&mut self, text: &str) {
        for key in text.chars() {
            let key = key.to_string();
            self.command("Input.dispatchKeyEvent", &json!({"type": "keyDown", "key": key, "text": key}));
            self.command("Input.dispatchKeyEvent", &json!({"type": "keyUp", "key": key}));
        }
    }

    /// Clicks with the mouse on the button, and waits for the page it leads to.
    pub(crate) fn clicks(&mut self, button: &str) {
        let place = self.evaluate(&format!(
            "(() => {{ const all = [...document.querySelectorAll('button')]; \
             const box = all.find((one) => one.textContent === {}).getBoundingClientRect(); \
             return [box.x + box.width / 2, box.y + box.height / 2]; }})()",
            json!(button)
        ));
        for kind in ["mousePressed", "mouseReleased"] {
            let click =
                json!({"type": kind, "x": place[0], "y": place[1], "button": "left", "clickCount": 1});
            self.command("Input.dispatchMouseEvent", &click);
        }
        let left = self.document.clone();
        self.wait_for_load(|document| *document != left);
    }

    /// The value of an expression on the page; a promise is awaited.
    pub(crate) fn evaluate(&mut self, expression: &str) -> Value {
        let parameters = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        self.command("Runtime.evaluate", &parameters)["result"]["value"].take()
    }

    /// Waits for the `load` event of such a document, and for its first frame: what is typed before that, the browser
    /// drops.
    fn wait_for_load(&mut self, is_wanted: impl Fn(&Value) -> bool) {
        self.document = loop {
            if let Some(document) = self.loaded.drain(..).find(&is_wanted) {
                break document;
            }
            self.receive();
        };
        self.evaluate("new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))");
    }

    /// Sends a command and waits for its result.
    fn command(&mut self, method: &str, parameters: &Value) -> Value {
        self.sent += 1;
        let mut command = json!({"id": self.sent, "method": method, "params": parameters});
        if !self.session.is_null() {
            command["sessionId"] = self.session.clone();
        }
        write!(self.commands.as_mut().unwrap(), "{command}\0").unwrap();
        loop {
            let mut message = self.receive();
            if message["id"] == self.sent {
                assert!(message.get("error").is_none(), "{method}: {message}");
                return message["result"].take();
            }
        }
    }

    /// The next message. Notes the document whose `load` event it is.
    fn receive(&mut self) -> Value {
        let mut message = Vec::new();
        self.messages.read_until(0, &mut message).unwrap();
        message.pop();
        let message: Value = serde_json::from_slice(&message).expect("the browser has gone");
        let event = &message["params"];
        let is_load = message["method"] == "Page.lifecycleEvent" && event["name"] == "load";
        if is_load && event["frameId"] == self.frame {
            self.loaded.push(event["loaderId"].clone());
        }
        message
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The browser ends when its commands do.
        drop(self.commands.take());
        let _ = self.process.wait();
    }
}
