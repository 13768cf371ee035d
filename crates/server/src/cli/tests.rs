//! The help texts, word for word.

use clap::{Command, CommandFactory};

use super::CommandLine;

/// Every command with its path, as in `portcullis user create`.
fn commands() -> Vec<(String, Command)> {
    let mut root = CommandLine::command().term_width(100);
    root.build();
    let mut found = Vec::new();
    collect(root.get_name().to_owned(), &root, &mut found);
    found
}

fn collect(path: String, command: &Command, found: &mut Vec<(String, Command)>) {
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        collect(format!("{path} {}", sub.get_name()), sub, found);
    }
    found.push((path, command.clone().term_width(100)));
}

#[test]
fn help_texts() {
    for (path, mut command) in commands() {
        insta::assert_snapshot!(path.replace(' ', "_"), command.render_long_help());
    }
}

#[test]
fn every_command_and_argument_says_what_it_is_for() {
    for (path, command) in commands() {
        assert!(command.get_about().is_some(), "{path} says nothing");
        for argument in command.get_arguments() {
            assert!(argument.get_help().is_some(), "{path} {} says nothing", argument.get_id());
        }
    }
}

#[test]
fn every_list_can_be_read_by_programs() {
    for (path, command) in commands().into_iter().filter(|(path, _)| path.ends_with(" list")) {
        assert!(command.get_arguments().any(|argument| argument.get_id() == "json"), "{path}");
    }
}

// ASVS-map: OP6
#[test]
fn no_command_takes_a_password_as_an_argument() {
    for (path, command) in commands() {
        for argument in
            command.get_arguments().filter(|argument| argument.get_id().as_str().contains("password"))
        {
            assert!(!argument.get_action().takes_values(), "{path} {}", argument.get_id());
        }
    }
}

#[test]
fn the_command_line_is_free_of_contradictions() {
    CommandLine::command().debug_assert();
}
