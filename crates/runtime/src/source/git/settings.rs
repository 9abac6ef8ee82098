//! What to follow in which repository, as whom, and what is accepted.
//!
//! Filled by `axon-cli`, checked by the settings of the source, read by everything beside this file. Plain data.

use std::path::PathBuf;
use std::str::FromStr;

use gix::ObjectId;

use super::address::{GitAddress, InsecureTransports, Transport};
use super::reach;
use super::secret::Secret;

/// The most bytes that one look fetches, unless somebody says otherwise.
const USUAL_FETCH: u64 = 256 * 1024 * 1024;

/// A repository as a source.
#[derive(Clone, Debug)]
pub struct GitSettings {
    /// Where it is.
    pub address: GitAddress,
    /// Whether `http` and `file` addresses are taken.
    pub insecure: InsecureTransports,
    /// Whether addresses that are not public are connected to.
    pub private_addresses: PrivateAddresses,
    /// What of it is followed.
    pub reference: Reference,
    /// The folder that is read, from the root of the tree; empty for all of it. A single file may be named, too.
    pub path: String,
    /// As whom.
    pub auth: Auth,
    /// What happens when history was rewritten.
    pub force_push: ForcePush,
    /// Files of SSH public keys of which one must have signed the commit; empty asks for no signature. Each line is a
    /// public key (`ssh-ed25519 AAAA… comment`) or one of an `allowed_signers` file without options.
    pub signers: Vec<PathBuf>,
    /// Certificates (PEM) that `https` trusts instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// The most bytes that one look fetches.
    pub max_fetch_bytes: u64,
    /// The program for `ssh` addresses.
    pub ssh: SshProgram,
}

impl GitSettings {
    /// Everything below the root of a branch, tag or commit, without logging in.
    pub fn new(address: GitAddress, reference: Reference) -> Self {
        Self {
            address,
            insecure: InsecureTransports::Refuse,
            private_addresses: PrivateAddresses::Refuse,
            reference,
            path: String::new(),
            auth: Auth::Nobody,
            force_push: ForcePush::Refuse,
            signers: Vec::new(),
            ca_file: None,
            max_fetch_bytes: USUAL_FETCH,
            ssh: SshProgram::default(),
        }
    }

    /// Whether these settings can work; what is wrong if not.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.address.is_insecure() && self.insecure == InsecureTransports::Refuse {
            return Err("http:// and file:// urls are taken only with allowInsecure; use https:// or ssh://".to_owned());
        }
        match (self.address.transport(), &self.auth) {
            (Transport::Https, Auth::Nobody | Auth::Token { .. })
            | (Transport::Ssh, Auth::Key { .. })
            | (Transport::Http | Transport::File, Auth::Nobody) => {}
            (Transport::Ssh, _) => return Err("an ssh url needs auth with a key and known hosts".to_owned()),
            (_, Auth::Key { .. }) => return Err("a key is for ssh urls; an https url takes a token".to_owned()),
            (_, Auth::Token { .. }) => return Err("a token is sent over https only".to_owned()),
        }
        if !self.address.is_local() {
            reach::literal(self.address.host(), self.private_addresses).map_err(|refused| refused.message)?;
        }
        let odd = |part: &str| part.is_empty() || part == "." || part == "..";
        if !self.path.is_empty() && self.path.trim_matches('/').split('/').any(odd) {
            return Err(format!("path {:?} must be plain folders from the root of the repository", self.path));
        }
        if self.max_fetch_bytes == 0 {
            return Err("maxFetchBytes must be more than nothing".to_owned());
        }
        Ok(())
    }
}

/// What of a repository is followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    /// The newest commit of a branch.
    Branch(ObjectName),
    /// The commit of a tag.
    Tag(ObjectName),
    /// One commit for ever.
    Commit(ObjectId),
}

impl Reference {
    /// A branch.
    pub fn branch(name: &str) -> Result<Self, String> {
        name.parse().map(Self::Branch)
    }

    /// A tag.
    pub fn tag(name: &str) -> Result<Self, String> {
        name.parse().map(Self::Tag)
    }

    /// A commit by its whole id.
    pub fn commit(id: &str) -> Result<Self, String> {
        let id = ObjectId::from_hex(id.as_bytes());
        id.map(Self::Commit).map_err(|_| "a commit is named by all 40 digits of its id".to_owned())
    }

    /// How it is called in revisions.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Branch(name) | Self::Tag(name) => &name.0,
            Self::Commit(_) => "commit",
        }
    }

    /// Its whole name on the server.
    pub(crate) fn full_name(&self) -> String {
        match self {
            Self::Branch(name) => format!("refs/heads/{}", name.0),
            Self::Tag(name) => format!("refs/tags/{}", name.0),
            Self::Commit(id) => id.to_string(),
        }
    }

    /// For people.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Branch(name) => format!("branch {}", name.0),
            Self::Tag(name) => format!("tag {}", name.0),
            Self::Commit(id) => format!("commit {id}"),
        }
    }
}

/// The name of a branch or tag, without `refs/…`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectName(String);

impl FromStr for ObjectName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let full = format!("refs/heads/{text}");
        let valid = gix::validate::reference::name(full.as_str().into()).is_ok() && !text.contains('*');
        if valid { Ok(Self(text.to_owned())) } else { Err(format!("{text:?} is no name of a branch or tag")) }
    }
}

/// As whom a repository is read.
#[derive(Clone, Debug)]
pub enum Auth {
    /// As anybody.
    Nobody,
    /// With a token over `https`.
    Token {
        /// The name that goes with it; most servers take any.
        user: String,
        /// The token or password.
        token: Secret,
    },
    /// With a private key over `ssh`.
    Key {
        /// The key, without a passphrase.
        key: Secret,
        /// A `known_hosts` file with the server's key: no other server is talked to.
        known_hosts: PathBuf,
    },
}

/// Whether a source may lead to addresses that are not public: this machine, a private network. Link-local addresses,
/// instance metadata among them, are never connected to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PrivateAddresses {
    /// Only public ones.
    #[default]
    Refuse,
    /// Also private ones.
    Allow,
}

/// What happens when the newest commit does not follow from the one in force.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ForcePush {
    /// The one in force stays until a person decides.
    #[default]
    Refuse,
    /// The newest commit counts.
    Accept,
}

/// The program for `ssh` addresses: OpenSSH, or something that takes its options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshProgram(pub PathBuf);

impl Default for SshProgram {
    fn default() -> Self {
        Self("ssh".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(url: &str) -> GitSettings {
        GitSettings::new(url.parse().unwrap(), Reference::branch("main").unwrap())
    }

    #[test]
    fn insecure_addresses_need_a_word_and_secrets_never_go_over_them() {
        for url in ["http://h/x", "file:///x"] {
            let refused = settings(url);
            assert!(refused.check().unwrap_err().contains("allowInsecure"));
            let allowed = GitSettings { insecure: InsecureTransports::Allow, ..refused };
            assert_eq!(allowed.check(), Ok(()));
            let token = Auth::Token { user: "x".to_owned(), token: Secret::Text("t".to_owned()) };
            assert!(GitSettings { auth: token, ..allowed }.check().is_err());
        }
    }

    #[test]
    fn each_transport_takes_its_own_secrets() {
        let key = Auth::Key { key: Secret::Text("k".to_owned()), known_hosts: "known".into() };
        assert_eq!(settings("https://h/x").check(), Ok(()));
        assert!(settings("ssh://h/x").check().is_err());
        assert_eq!(GitSettings { auth: key.clone(), ..settings("ssh://h/x") }.check(), Ok(()));
        assert!(GitSettings { auth: key, ..settings("https://h/x") }.check().is_err());
    }

    #[test]
    fn names_and_paths_that_could_mean_something_else_are_refused() {
        for name in ["", "a b", "-", "a..b", "*", "a:b", "a\nb", "+a", "a~1"] {
            let read = Reference::branch(name);
            assert!(read.is_err() || ["-", "+a"].contains(&name), "{name:?}");
        }
        assert!(Reference::commit("abc").is_err());
        for path in ["..", "a/../b", "a//b", "./a"] {
            let settings = GitSettings { path: path.to_owned(), ..settings("https://h/x") };
            assert!(settings.check().is_err(), "{path}");
        }
    }
}
