//! Git objects of a hostile repository → the files that a source would take from the commit.
//!
//! The input is a sequence of objects: a byte for the kind, two for the length, the content; in it, `\xff` followed by a
//! byte n stands for the id of the n-th object before (20 bytes in trees, 40 hexadecimal digits elsewhere), so that trees
//! that lead somewhere are found. The last object is read as the commit. Whatever they are: no panic, every file below the
//! limits and with a plain path, and no failure that cannot be shown.

use axon_core::parse::MAX_FILE_BYTES;
use axon_runtime::source::{GitSettings, MAX_FILES, MAX_TOTAL_BYTES, Reference, files_of_commit};
use gix::objs::{Kind, Write as _};
use gix::{ObjectId, Repository};

thread_local! {
    static PLACE: (std::path::PathBuf, GitSettings) = place();
}

fn place() -> (std::path::PathBuf, GitSettings) {
    let folder = std::env::temp_dir().join(format!("axon-git-trees-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    gix::init_bare(&folder).expect("a repository");
    let settings = GitSettings::new(
        "https://git.example.com/fleet".parse().expect("an address"),
        Reference::branch("main").expect("a branch"),
    );
    (folder, settings)
}

/// Fails by panic.
pub(crate) fn check(data: &[u8]) {
    let [choice, data @ ..] = data else { return };
    PLACE.with(|(folder, settings)| {
        let mut settings = settings.clone();
        settings.path = String::from(["", "prod", "prod/a.yaml"][usize::from(choice % 3)]);
        if choice & 128 != 0 {
            settings.signers = vec![folder.join("signers")];
            let signers = folder.join("signers");
            if !signers.exists() {
                let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGUuPZr2oDGfJsFKcRpAnRJt3DEOpSu+S0wF5vMJLvtn";
                std::fs::write(signers, key).expect("the signers");
            }
        }
        // Objects are kept in memory and forgotten after each input.
        REPOSITORY.with(|repository| {
            let repository = repository.clone().with_object_memory();
            if let Some(commit) = write(&repository, data) {
                judge(&repository, commit, &settings);
            }
        });
    });
}

thread_local! {
    static REPOSITORY: Repository =
        PLACE.with(|(folder, _)| gix::open_opts(folder, gix::open::Options::isolated()).expect("the repository"));
}

fn write(repository: &Repository, mut data: &[u8]) -> Option<ObjectId> {
    let mut ids: Vec<ObjectId> = Vec::new();
    while let [kind, high, low, rest @ ..] = data {
        let kind = [Kind::Blob, Kind::Tree, Kind::Commit, Kind::Tag][usize::from(kind & 3)];
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(rest.len());
        let (content, further) = rest.split_at(length);
        data = further;
        ids.push(repository.objects.write_buf(kind, &filled(kind, content, &ids)).ok()?);
        if ids.len() >= 64 {
            break;
        }
    }
    ids.last().copied()
}

fn filled(kind: Kind, content: &[u8], ids: &[ObjectId]) -> Vec<u8> {
    let mut filled = Vec::with_capacity(content.len());
    let mut bytes = content.iter();
    while let Some(byte) = bytes.next() {
        let id = (*byte == 0xff && kind != Kind::Blob).then(|| bytes.next()).flatten();
        match id.and_then(|back| ids.len().checked_sub(1 + usize::from(*back))).and_then(|at| ids.get(at)) {
            Some(id) if kind == Kind::Tree => filled.extend(id.as_bytes()),
            Some(id) => filled.extend(id.to_string().into_bytes()),
            None => filled.push(*byte),
        }
    }
    filled
}

fn judge(repository: &Repository, commit: ObjectId, settings: &GitSettings) {
    match files_of_commit(repository, commit, settings) {
        Err(why) => {
            assert!(!why.chars().any(char::is_control), "a failure holds a control character: {why:?}");
            assert!(why.chars().count() <= 600, "a failure is longer than anybody reads");
        }
        Ok(files) => {
            assert!(settings.signers.is_empty(), "nobody could sign");
            assert!(!files.is_empty() && files.len() <= MAX_FILES);
            assert!(files.iter().map(|file| file.text.len()).sum::<usize>() <= MAX_TOTAL_BYTES);
            assert!(files.is_sorted_by(|one, other| one.path <= other.path));
            for file in &files {
                assert!(file.text.len() <= MAX_FILE_BYTES);
                assert!(file.path.starts_with(&settings.path), "{:?} lies elsewhere", file.path);
                assert!(["yaml", "yml"].contains(&file.path.rsplit('.').next().unwrap_or_default()), "{:?}", file.path);
                assert!(!file.path.chars().any(char::is_control), "a path holds a control character: {:?}", file.path);
                let plain = |part: &str| !part.is_empty() && !part.starts_with('.');
                assert!(file.path.split('/').all(plain), "{:?} is no plain path", file.path);
            }
        }
    }
}
