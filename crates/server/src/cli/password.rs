//! An operator's input of a password: typed without echo, or from standard input. It is never an argument, because
//! every process of the machine can read those.

use std::io::{self, IsTerminal, Read};

use clap::Args;
use portcullis_core::password::Password;
use zeroize::Zeroizing;

use super::failure::Failure;

/// The source of a password.
#[derive(Args, Debug)]
pub(super) struct PasswordSource {
    /// Read the password from standard input; the default is to ask for it on the terminal
    #[arg(long)]
    password_stdin: bool,
}

impl PasswordSource {
    /// Fails if a password can be read from neither, before anything is changed.
    pub(super) fn check(&self) -> Result<(), Failure> {
        if self.password_stdin || io::stdin().is_terminal() {
            return Ok(());
        }
        Err(Failure::usage(
            "there is no terminal to ask for the password on; pipe it in with --password-stdin",
        ))
    }

    /// Reads the password. This blocks while the operator types.
    pub(super) fn read(&self) -> Result<Password, Failure> {
        let text = if self.password_stdin { piped(&mut io::stdin().lock())? } else { typed()? };
        Password::new(&text).map_err(Failure::other)
    }
}

fn typed() -> Result<Zeroizing<String>, Failure> {
    let ask = |prompt| rpassword::prompt_password(prompt).map(Zeroizing::new);
    let password = ask("Password: ")?;
    if *ask("Repeat the password: ")? == *password {
        Ok(password)
    } else {
        Err(Failure::other("the two passwords differ; nothing was changed"))
    }
}

/// Reads all input, without the line end that `echo` and editors append.
fn piped(input: &mut dyn Read) -> Result<Zeroizing<String>, Failure> {
    // One byte and a line end more than the longest password, so that a longer one is noticed.
    let most = Password::MAX_LENGTH + 3;
    let mut text = Zeroizing::new(String::with_capacity(most));
    input.take(most as u64).read_to_string(&mut text).map_err(|fault| {
        Failure::other(format_args!("no password can be read from standard input: {fault}"))
    })?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.contains('\n') {
        return Err(Failure::usage("standard input has more than one line; a password has one"));
    }
    Ok(Zeroizing::new(line.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(mut bytes: &[u8]) -> Option<String> {
        piped(&mut bytes).ok().map(|text| text.as_str().to_owned())
    }

    // ASVS-map: PW2
    #[test]
    fn one_line_end_is_taken_off_and_nothing_else() {
        for (bytes, text) in [
            ("correct horse", "correct horse"),
            ("correct horse\n", "correct horse"),
            ("correct horse\r\n", "correct horse"),
            (" correct\thorse \n", " correct\thorse "),
            ("correct horse\r\r\n", "correct horse\r"),
            ("", ""),
        ] {
            assert_eq!(read(bytes.as_bytes()).as_deref(), Some(text), "{bytes:?}");
        }
        assert_eq!(read(b"two\nlines\n"), None);
        assert_eq!(read(b"not \xff text\n"), None);
    }

    // ASVS-map: PW7
    #[test]
    fn no_more_is_read_than_shows_that_it_is_too_long() {
        let longest = "x".repeat(Password::MAX_LENGTH);
        assert_eq!(read(format!("{longest}\n").as_bytes()), Some(longest));
        let text = read(&vec![b'x'; 1 << 20]).unwrap();
        assert_eq!(text.len(), Password::MAX_LENGTH + 3);
        assert!(Password::new(&text).is_err());
    }
}
