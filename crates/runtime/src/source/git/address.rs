//! Where a repository is: which addresses are taken, and how they are shown.
//!
//! `settings` holds one, `http` and `ssh` connect to it. An address never holds a secret: one with a password is refused,
//! so that whatever shows it needs no care.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use gix::url::Scheme;

/// Whether addresses are taken over which anybody on the way can read and change what is sent (`http`), or that name
/// repositories on this machine's disk (`file`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InsecureTransports {
    /// Only `https` and `ssh`.
    #[default]
    Refuse,
    /// Also `http` and `file`.
    Allow,
}

/// The address of a repository: `https://…`, `ssh://git@…`, `git@host:path`, `file:///…` or `http://…`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitAddress {
    transport: Transport,
    user: Option<String>,
    host: String,
    port: Option<u16>,
    path: String,
}

/// How a repository is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    Https,
    Http,
    Ssh,
    File,
}

/// Why an address is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadAddress(String);

impl FromStr for GitAddress {
    type Err = BadAddress;

    /// Never repeats the text in its error: it may hold a password.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = |why: &str| BadAddress(format!("the url {why}"));
        if text.chars().any(|letter| letter.is_control() || letter.is_whitespace()) {
            return Err(bad("has blanks or control characters"));
        }
        let url =
            gix::url::parse(text).map_err(|_| bad("cannot be read; write https://host/path or ssh://git@host/path"))?;
        let transport = match url.scheme {
            Scheme::Https => Transport::Https,
            Scheme::Http => Transport::Http,
            Scheme::Ssh => Transport::Ssh,
            Scheme::File if text.starts_with("file://") => Transport::File,
            _ => return Err(bad("must begin with https:// or ssh://")),
        };
        if url.password.is_some() || (url.user.is_some() && transport != Transport::Ssh) {
            return Err(bad("holds a user or a password; take it out and name the token under auth"));
        }
        let path = String::from_utf8(url.path.to_vec()).map_err(|_| bad("has a path that is not UTF-8"))?;
        let address = Self {
            transport,
            user: url.user.clone(),
            host: url.host.clone().unwrap_or_default(),
            port: url.port,
            path,
        };
        address.check().map_err(bad)?;
        Ok(address)
    }
}

impl GitAddress {
    fn check(&self) -> Result<(), &'static str> {
        if self.path.trim_matches('/').is_empty() {
            return Err("names no repository");
        }
        let plain = |text: &str, more: &str| {
            text.chars().all(|letter| letter.is_ascii_alphanumeric() || more.contains(letter)) && !text.starts_with('-')
        };
        match self.transport {
            Transport::File if !self.host.is_empty() => Err("names a host; a file:// url has none"),
            Transport::Https | Transport::Http | Transport::Ssh
                if self.host.is_empty() || !plain(&self.host, "-._:[]") =>
            {
                Err("has no host, or one with odd letters")
            }
            Transport::Https | Transport::Http if self.path.contains(['?', '#']) => Err("has a query or a fragment"),
            Transport::Ssh if self.user.as_deref().is_some_and(|user| !plain(user, "-._")) => Err("has an odd user"),
            // What follows goes through a shell over there.
            Transport::Ssh if !plain(&self.path, "-._/~+@") => Err("has a path with odd letters"),
            Transport::File | Transport::Https | Transport::Http | Transport::Ssh => Ok(()),
        }
    }

    pub(crate) const fn transport(&self) -> Transport {
        self.transport
    }

    /// Whether it names a repository on this machine's disk.
    pub(crate) fn is_local(&self) -> bool {
        self.transport == Transport::File
    }

    /// Whether anybody on the way can read and change what is sent, or it is a path of this machine.
    pub(crate) fn is_insecure(&self) -> bool {
        matches!(self.transport, Transport::Http | Transport::File)
    }

    /// Who logs in over `ssh`.
    pub(crate) fn user(&self) -> &str {
        self.user.as_deref().unwrap_or("git")
    }

    /// The server; empty for a path of this machine.
    pub fn host(&self) -> &str {
        &self.host
    }

    pub(crate) const fn port(&self) -> Option<u16> {
        self.port
    }

    /// The path on the server.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// The path on this machine.
    pub(crate) fn local(&self) -> PathBuf {
        Path::new(&self.path).to_owned()
    }
}

impl fmt::Display for GitAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.transport {
            Transport::Https => "https",
            Transport::Http => "http",
            Transport::Ssh => "ssh",
            Transport::File => "file",
        };
        write!(f, "{scheme}://{}", self.host)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        write!(f, "{}{}", if self.path.starts_with('/') { "" } else { "/" }, self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Result<String, String> {
        text.parse::<GitAddress>().map(|address| address.to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn addresses_are_shown_without_whoever_logs_in() {
        for (given, expected) in [
            ("https://git.example.com/team/fleet.git", "https://git.example.com/team/fleet.git"),
            ("https://git.example.com:8443/fleet", "https://git.example.com:8443/fleet"),
            ("ssh://git@git.example.com:2222/team/fleet", "ssh://git.example.com:2222/team/fleet"),
            ("git@git.example.com:team/fleet.git", "ssh://git.example.com/team/fleet.git"),
            ("file:///srv/fleet.git", "file:///srv/fleet.git"),
        ] {
            assert_eq!(shown(given).as_deref(), Ok(expected));
        }
        assert_eq!("ssh://deploy@h/x".parse::<GitAddress>().unwrap().user(), "deploy");
        assert_eq!("ssh://h/x".parse::<GitAddress>().unwrap().user(), "git");
    }

    #[test]
    fn a_password_is_refused_and_not_repeated() {
        for text in ["https://me:hunter2@git.example.com/x", "https://hunter2@git.example.com/x", "ssh://a:hunter2@h/x"]
        {
            let error = shown(text).unwrap_err();
            assert!(error.contains("auth") && !error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn addresses_that_could_do_something_else_are_refused() {
        for text in [
            "git://git.example.com/x",
            "ext::sh -c whoami",
            "/srv/fleet.git",
            "fleet",
            "https://",
            "https://git.example.com/",
            "https://git.example.com/x?y=z",
            "ssh://-oProxyCommand=x/y",
            "ssh://git@-host/y",
            "ssh://-user@host/y",
            "ssh://git@host/a;b",
            "ssh://git@host/a'b",
            "ssh://git@host/a$b",
            "file://host/srv",
            "https://git.example.com/a b",
            "https://git.example.com/a\nb",
        ] {
            assert!(shown(text).is_err(), "{text} is taken as {:?}", shown(text));
        }
    }
}
