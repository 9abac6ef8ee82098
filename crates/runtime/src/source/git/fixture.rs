//! Repositories for tests, written object by object: no program but Rust is needed, and nothing is too odd to be written.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;

use gix::actor::Signature;
use gix::date::Time;
use gix::objs::tree::{Entry, EntryKind};
use gix::objs::{Commit, Tag, Tree, Write as _, WriteTo};
use gix::{ObjectId, Repository};
use ssh_key::private::Ed25519Keypair;
use ssh_key::{HashAlg, LineEnding, PrivateKey};
use tempfile::TempDir;

use super::address::InsecureTransports;
use super::cancel::Cancel;
use super::settings::{GitSettings, Reference};
use super::{Failure, GitSource, Means, Polled};

/// Something in a tree.
#[derive(Clone, Copy)]
pub(crate) enum Thing<'a> {
    Text(&'a str),
    Bytes(&'a [u8]),
    Link(&'a str),
    Submodule,
}

/// A bare repository that others read.
/// Signs a text.
pub(crate) type Sign<'a> = &'a dyn Fn(&[u8]) -> String;

pub(crate) struct Upstream {
    pub(crate) folder: TempDir,
    pub(crate) repository: Repository,
    pub(crate) objects: Mutex<Vec<ObjectId>>,
    clock: Mutex<i64>,
}

pub(crate) fn key(seed: u8) -> PrivateKey {
    PrivateKey::from(Ed25519Keypair::from_seed(&[seed; 32]))
}

/// A signature as git makes it, or something that is none.
pub(crate) fn signature(key: &PrivateKey, content: &[u8]) -> String {
    key.sign("git", HashAlg::Sha512, content).unwrap().to_pem(LineEnding::LF).unwrap()
}

impl Upstream {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let repository = gix::init_bare(folder.path()).unwrap();
        Self { folder, repository, objects: Mutex::default(), clock: Mutex::new(1_700_000_000) }
    }

    fn write(&self, object: impl WriteTo) -> ObjectId {
        let id = self.repository.write_object(object).unwrap().detach();
        self.objects.lock().unwrap().push(id);
        id
    }

    fn blob(&self, bytes: &[u8]) -> ObjectId {
        let id = self.repository.write_blob(bytes).unwrap().detach();
        self.objects.lock().unwrap().push(id);
        id
    }

    pub(crate) fn tree(&self, things: &[(&str, Thing<'_>)]) -> ObjectId {
        let mut here: BTreeMap<&str, (EntryKind, ObjectId)> = BTreeMap::new();
        let mut below: BTreeMap<&str, Vec<(&str, Thing<'_>)>> = BTreeMap::new();
        for &(path, thing) in things {
            if let Some((folder, rest)) = path.split_once('/') {
                below.entry(folder).or_default().push((rest, thing));
                continue;
            }
            let entry = match thing {
                Thing::Text(text) => (EntryKind::Blob, self.blob(text.as_bytes())),
                Thing::Bytes(bytes) => (EntryKind::BlobExecutable, self.blob(bytes)),
                Thing::Link(target) => (EntryKind::Link, self.blob(target.as_bytes())),
                Thing::Submodule => (EntryKind::Commit, ObjectId::from_hex(&[b'7'; 40]).unwrap()),
            };
            here.insert(path, entry);
        }
        for (folder, things) in below {
            here.insert(folder, (EntryKind::Tree, self.tree(&things)));
        }
        let entry = |(name, (kind, oid)): (&str, (EntryKind, ObjectId))| Entry {
            mode: kind.into(),
            filename: name.into(),
            oid,
        };
        let mut entries: Vec<Entry> = here.into_iter().map(entry).collect();
        entries.sort();
        self.write(Tree { entries })
    }

    fn draft(&self, tree: ObjectId, parents: &[ObjectId]) -> Commit {
        let mut clock = self.clock.lock().unwrap();
        *clock += 60;
        let who =
            Signature { name: "A".into(), email: "a@example.com".into(), time: Time { seconds: *clock, offset: 0 } };
        Commit {
            tree,
            parents: parents.iter().copied().collect(),
            author: who.clone(),
            committer: who,
            encoding: None,
            message: "a change\n".into(),
            extra_headers: Vec::new(),
        }
    }

    pub(crate) fn commit(&self, parents: &[ObjectId], things: &[(&str, Thing<'_>)]) -> ObjectId {
        self.write(self.draft(self.tree(things), parents))
    }

    /// A commit with whatever `sign` makes of its content as its signature.
    pub(crate) fn signed(&self, text: &str, sign: impl Fn(&[u8]) -> String) -> ObjectId {
        let mut commit = self.draft(self.tree(&[("a.yaml", Thing::Text(text))]), &[]);
        let mut content = Vec::new();
        commit.write_to(&mut content).unwrap();
        commit.extra_headers.push(("gpgsig".into(), sign(&content).into()));
        self.write(commit)
    }

    pub(crate) fn tag(&self, target: ObjectId, sign: Option<Sign<'_>>) -> ObjectId {
        let plain = Tag {
            target,
            target_kind: gix::objs::Kind::Commit,
            name: "v1".into(),
            tagger: None,
            message: "v1\n".into(),
            signature: None,
        };
        let mut content = Vec::new();
        plain.write_to(&mut content).unwrap();
        let tag = match sign {
            None => return self.write(plain),
            Some(sign) => [content.clone(), sign(&content).into_bytes()].concat(),
        };
        let id = self.repository.objects.write_buf(gix::objs::Kind::Tag, &tag).unwrap();
        self.objects.lock().unwrap().push(id);
        id
    }

    pub(crate) fn point(&self, reference: &str, target: ObjectId) {
        let path = self.folder.path().join(reference);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, format!("{target}\n")).unwrap();
    }

    /// A commit on `main` with one file, after what is there.
    pub(crate) fn main(&self, parents: &[ObjectId], text: &str) -> ObjectId {
        let commit = self.commit(parents, &[("a.yaml", Thing::Text(text))]);
        self.point("refs/heads/main", commit);
        commit
    }

    pub(crate) fn lose(&self, object: ObjectId) {
        let hex = object.to_string();
        let (folder, file) = hex.split_at(2);
        let path = self.folder.path().join("objects").join(folder).join(file);
        fs::remove_file(path).unwrap();
    }

    pub(crate) fn settings(&self, reference: Reference) -> GitSettings {
        let url = format!("file://{}", self.folder.path().display());
        let settings = GitSettings::new(url.parse().unwrap(), reference);
        GitSettings { insecure: InsecureTransports::Allow, ..settings }
    }
}

pub(crate) fn main_branch() -> Reference {
    Reference::branch("main").unwrap()
}

/// A source that reads, and where it keeps its objects.
pub(crate) struct Reader {
    pub(crate) source: GitSource,
    pub(crate) folder: TempDir,
}

impl Reader {
    pub(crate) fn new(settings: GitSettings) -> Self {
        settings.check().unwrap();
        Self::unchecked(settings)
    }

    /// For settings that would not be taken, such as a token over plain HTTP to a test's server.
    pub(crate) fn unchecked(settings: GitSettings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { source: GitSource::new(settings, &folder.path().join("store")), folder }
    }

    /// Looks on a thread where waiting is allowed.
    pub(crate) async fn look_with(&mut self, cancel: Cancel) -> Result<Polled, Failure> {
        let runtime = tokio::runtime::Handle::current();
        let means = Means { cancel, folder: PathBuf::from(self.folder.path()), runtime };
        let mut source = self.source.clone();
        let (source, polled) = tokio::task::spawn_blocking(move || {
            let polled = source.poll(&means);
            (source, polled)
        })
        .await
        .unwrap();
        self.source = source;
        polled
    }

    pub(crate) async fn look(&mut self) -> Result<Polled, Failure> {
        self.look_with(Cancel::new()).await
    }

    /// Revision and files of something new.
    pub(crate) async fn new_files(&mut self) -> (String, Vec<(String, String)>) {
        match self.look().await.unwrap() {
            Polled::New { revision, files } => {
                (revision, files.into_iter().map(|file| (file.path, file.text)).collect())
            }
            Polled::Unchanged => panic!("nothing new"),
        }
    }

    pub(crate) async fn failure(&mut self) -> Failure {
        self.look().await.unwrap_err()
    }
}
