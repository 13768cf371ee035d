//! The pages that are shipped: what an operator reads, linked as they are in the repository.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::VerbFailure;
use crate::workspace;

/// All but the decisions, in words of git: what was left lying in a checkout is not shipped.
const PAGES: [&str; 3] = [":(glob)docs/*.md", "docs/gateway", "docs/revocation-feed"];

/// Their paths from the root.
pub(super) fn shipped(root: &Path) -> Result<Vec<PathBuf>, VerbFailure> {
    let mut list = Command::new("git");
    list.args(["ls-files", "-z", "--"]).args(PAGES).current_dir(root);
    let list = workspace::output(&mut list)?;
    Ok(list.split_terminator('\0').map(PathBuf::from).collect())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::workspace::Workspace;

    /// What an installed system has no use for: sources, and what the image's cluster is made of.
    const LEFT: [&str; 3] = ["CONTRIBUTING.md", "compose.yaml", "crates/"];

    /// From the root of the repository.
    fn linked(page: &str, text: &str) -> Vec<String> {
        let folder = Path::new(page).parent().unwrap();
        let targets = text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next());
        let targets = targets.filter(|target| !target.is_empty() && !target.contains(':'));
        let paths = targets.map(|target| match target.strip_prefix("../") {
            Some(target) => folder.parent().unwrap().join(target),
            None => folder.join(target),
        });
        paths.map(|path| path.to_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn the_pages_on_installing_and_upgrading_name_no_page_that_is_not_there() {
        let root = Workspace::load().unwrap().root;
        let shipped = shipped(&root).unwrap();
        assert!(shipped.contains(&PathBuf::from("docs/gateway/nginx.md")), "{shipped:?}");
        assert!(!shipped.iter().any(|path| path.starts_with("docs/adr")), "{shipped:?}");
        for page in ["docs/install.md", "UPGRADING.md"] {
            let links = linked(page, &fs::read_to_string(root.join(page)).unwrap());
            assert!(links.len() > 5, "{links:?}");
            for link in links.iter().filter(|link| !LEFT.iter().any(|left| link.starts_with(left))) {
                let is_beside = ["UPGRADING.md", "CHANGELOG.md", "README.md"].contains(&link.as_str());
                assert!(is_beside || shipped.contains(&PathBuf::from(link)), "{page}: {link}");
            }
        }
    }
}
