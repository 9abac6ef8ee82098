//! Fetching over HTTP from a server that is a thread of the test: what is sent, what is kept, and what goes wrong.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use gix::objs::Kind;

use super::fixture::{Reader, Upstream, main_branch};
use super::*;
use crate::source::status::SourceReason;

/// What a server says.
#[derive(Clone)]
enum Mood {
    /// What it has.
    Helpful,
    /// This status line, with these headers.
    Says(&'static str),
    /// A pack of nonsense.
    Garbage,
    /// Nothing at all; the look is ended from outside once the server was asked.
    Silent(Cancel),
}

struct Server {
    url: String,
    upstream: Arc<Mutex<Upstream>>,
    mood: Arc<Mutex<Mood>>,
    /// Request lines, and what logged in.
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/team/fleet", listener.local_addr().unwrap());
        let upstream = Arc::new(Mutex::new(Upstream::new()));
        let (mood, asked) = (Arc::new(Mutex::new(Mood::Helpful)), Arc::<Mutex<Vec<String>>>::default());
        let server = Self { url, upstream, mood, asked };
        let (upstream, mood, asked) =
            (Arc::clone(&server.upstream), Arc::clone(&server.mood), Arc::clone(&server.asked));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (upstream, mood, asked) = (Arc::clone(&upstream), Arc::clone(&mood), Arc::clone(&asked));
                thread::spawn(move || serve(stream.unwrap(), &upstream, &mood, &asked));
            }
        });
        server
    }

    fn main(&self, parents: &[ObjectId], text: &str) -> ObjectId {
        self.upstream.lock().unwrap().main(parents, text)
    }

    fn mood(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    fn reader(&self) -> Reader {
        Reader::new(self.settings())
    }

    fn settings(&self) -> GitSettings {
        let settings = GitSettings::new(self.url.parse().unwrap(), main_branch());
        GitSettings { insecure: InsecureTransports::Allow, private_addresses: PrivateAddresses::Allow, ..settings }
    }
}

/// Answers requests of one connection until it ends.
fn serve(stream: TcpStream, upstream: &Mutex<Upstream>, mood: &Mutex<Mood>, asked: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut writer = stream;
    loop {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            if line.trim().is_empty() {
                break;
            }
            lines.push(line.trim().to_owned());
        }
        let header = |name: &str| {
            let found = lines.iter().find(|line| line.to_lowercase().starts_with(name));
            found.map(|line| line.split_once(':').unwrap().1.trim().to_owned())
        };
        let length = header("content-length:").map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        asked.lock().unwrap().push(format!("{} {}", lines[0], header("authorization:").unwrap_or_default()));
        let mood = mood.lock().unwrap().clone();
        let (service, content) = match mood {
            Mood::Says(head) => {
                let _ = write!(writer, "HTTP/1.1 {head}\r\ncontent-length: 0\r\n\r\n");
                continue;
            }
            Mood::Silent(cancel) => {
                cancel.cancel();
                let _ = reader.read_line(&mut String::new());
                return;
            }
            mood => answer(&lines[0], &body, &upstream.lock().unwrap(), &mood),
        };
        let _ = write!(writer, "HTTP/1.1 200 OK\r\ncontent-type: application/x-git-upload-pack-{service}\r\n");
        let _ = write!(writer, "content-length: {}\r\n\r\n", content.len());
        let _ = writer.write_all(&content);
    }
}

fn answer(line: &str, body: &[u8], upstream: &Upstream, mood: &Mood) -> (&'static str, Vec<u8>) {
    if line.starts_with("GET") {
        let main = fs::read_to_string(upstream.folder.path().join("refs/heads/main")).unwrap();
        let abilities = "multi_ack_detailed side-band-64k ofs-delta agent=test";
        let mut content = packet(b"# service=git-upload-pack\n");
        content.extend(b"0000");
        content.extend(packet(format!("{} refs/heads/main\0{abilities}\n", main.trim()).as_bytes()));
        content.extend(b"0000");
        return ("advertisement", content);
    }
    let mut content = packet(b"NAK\n");
    if body.windows(4).any(|part| part == b"done") {
        let pack = if matches!(mood, Mood::Garbage) { b"PACKnonsense".to_vec() } else { pack(upstream) };
        for piece in pack.chunks(60_000) {
            content.extend(packet(&[&b"\x01"[..], piece].concat()));
        }
        content.extend(b"0000");
    }
    ("result", content)
}

fn packet(content: &[u8]) -> Vec<u8> {
    [format!("{:04x}", content.len() + 4).as_bytes(), content].concat()
}

/// Everything that the repository has, as a pack whose objects are stored without compression.
fn pack(upstream: &Upstream) -> Vec<u8> {
    let mut objects = upstream.objects.lock().unwrap().clone();
    objects.sort();
    objects.dedup();
    let mut pack = b"PACK\0\0\0\x02".to_vec();
    pack.extend(u32::try_from(objects.len()).unwrap().to_be_bytes());
    for id in objects {
        let object = upstream.repository.find_object(id).unwrap();
        let kind: u8 = match object.kind {
            Kind::Commit => 1,
            Kind::Tree => 2,
            Kind::Blob => 3,
            Kind::Tag => 4,
        };
        let mut size = object.data.len();
        let mut byte = (kind << 4) | u8::try_from(size & 15).unwrap();
        size >>= 4;
        while size > 0 {
            pack.push(byte | 128);
            byte = u8::try_from(size & 127).unwrap();
            size >>= 7;
        }
        pack.push(byte);
        pack.extend(stored(&object.data));
    }
    let mut hasher = gix::hash::hasher(gix::hash::Kind::Sha1);
    hasher.update(&pack);
    pack.extend(hasher.try_finalize().unwrap().as_bytes());
    pack
}

/// zlib's format (RFC 1950) with stored blocks.
fn stored(data: &[u8]) -> Vec<u8> {
    let mut out = vec![0x78, 0x01];
    let pieces: Vec<&[u8]> = if data.is_empty() { vec![&[]] } else { data.chunks(65_535).collect() };
    for (number, piece) in pieces.iter().enumerate() {
        let length = u16::try_from(piece.len()).unwrap();
        out.push(u8::from(number + 1 == pieces.len()));
        out.extend(length.to_le_bytes());
        out.extend((!length).to_le_bytes());
        out.extend(*piece);
    }
    let (mut a, mut b) = (1_u32, 0_u32);
    for byte in data {
        a = (a + u32::from(*byte)) % 65_521;
        b = (b + a) % 65_521;
    }
    out.extend(((b << 16) | a).to_be_bytes());
    out
}

#[tokio::test(flavor = "multi_thread")]
async fn commits_are_fetched_one_after_the_other() {
    let server = Server::start();
    let first = server.main(&[], "1");
    let mut reader = server.reader();
    let (revision, files) = reader.new_files().await;
    assert_eq!((revision, files[0].1.as_str()), (format!("main@sha1:{first}"), "1"));
    assert!(matches!(reader.look().await, Ok(Polled::Unchanged)));
    let second = server.main(&[first], "2");
    assert_eq!(reader.new_files().await.0, format!("main@sha1:{second}"));
    server.main(&[], "rewritten");
    assert_eq!(reader.failure().await.reason, SourceReason::ForcePushRefused);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_may_vanish_and_is_used_again_where_it_is_left() {
    let server = Server::start();
    let first = server.main(&[], "1");
    let mut reader = server.reader();
    reader.new_files().await;
    fs::remove_dir_all(reader.folder.path().join("store")).unwrap();
    let second = server.main(&[first], "2");
    assert_eq!(reader.new_files().await.0, format!("main@sha1:{second}"));
    let posts = || server.asked.lock().unwrap().iter().filter(|line| line.starts_with("POST")).count();
    let before = posts();
    reader.source = GitSource::new(server.settings(), &reader.folder.path().join("store"));
    assert_eq!(reader.new_files().await.0, format!("main@sha1:{second}"));
    assert_eq!(posts(), before, "nothing is fetched that is there");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_logs_in_and_shows_nowhere() {
    let server = Server::start();
    server.main(&[], "1");
    let token = Auth::Token { user: "x".to_owned(), token: Secret::Text("hunter2".to_owned()) };
    let mut reader = Reader::unchecked(GitSettings { auth: token, ..server.settings() });
    reader.new_files().await;
    let asked = server.asked.lock().unwrap().clone();
    assert!(asked.len() >= 2 && asked.iter().all(|line| line.ends_with("Basic eDpodW50ZXIy")), "{asked:?}");
    for (head, reason) in [
        ("401 Unauthorized", SourceReason::AuthenticationFailed),
        ("403 Forbidden", SourceReason::AuthenticationFailed),
        ("404 Not Found", SourceReason::FetchFailed),
        ("500 Internal Server Error", SourceReason::FetchFailed),
    ] {
        server.mood(Mood::Says(head));
        let failure = reader.failure().await;
        assert_eq!(failure.reason, reason, "{failure}");
        assert!(
            failure.message.contains(&head[..3])
                && !format!("{failure:?} {reader:?}", reader = reader.source).contains("hunter2")
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_told_and_not_followed() {
    let (server, other) = (Server::start(), Server::start());
    let head = format!("302 Found\r\nlocation: {}?token=hunter2", other.url);
    server.mood(Mood::Says(Box::leak(head.into_boxed_str())));
    let failure = server.reader().failure().await;
    assert_eq!(failure.reason, SourceReason::FetchFailed);
    assert!(failure.message.contains(&other.url) && !failure.message.contains("hunter2"), "{failure}");
    assert_eq!(other.asked.lock().unwrap().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_sends_too_much_is_cut_off() {
    let server = Server::start();
    server.main(&[], &"x".repeat(200_000));
    let mut reader = Reader::new(GitSettings { max_fetch_bytes: 100_000, ..server.settings() });
    let failure = reader.failure().await;
    assert_eq!(failure.reason, SourceReason::TooLarge);
    assert!(failure.message.contains("maxFetchBytes"), "{failure}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_never_answers_is_left_when_time_is_up() {
    let server = Server::start();
    let cancel = Cancel::new();
    server.mood(Mood::Silent(cancel.clone()));
    let failure = server.reader().look_with(cancel).await.unwrap_err();
    assert_eq!(failure.reason, SourceReason::TimedOut);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_pack_changes_nothing_and_is_fetched_again() {
    let server = Server::start();
    let first = server.main(&[], "1");
    let mut reader = server.reader();
    reader.new_files().await;
    server.main(&[first], "2");
    server.mood(Mood::Garbage);
    assert_eq!(reader.failure().await.reason, SourceReason::FetchFailed);
    server.mood(Mood::Helpful);
    assert_eq!(reader.new_files().await.1[0].1, "2");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_at_the_address_is_a_failed_fetch() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let server = Server::start();
    let settings = GitSettings { address: format!("http://{free}/x").parse().unwrap(), ..server.settings() };
    let failure = Reader::new(settings).failure().await;
    assert_eq!(failure.reason, SourceReason::FetchFailed);
    assert!(failure.message.contains("cannot be reached"), "{failure}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_leads_to_this_machine_is_not_connected_to_without_a_word() {
    let server = Server::start();
    server.main(&[], "1");
    let port = server.url.trim_start_matches("http://127.0.0.1:");
    let address = format!("http://localhost:{port}").parse().unwrap();
    let allowed = GitSettings { address, ..server.settings() };
    let refused = GitSettings { private_addresses: PrivateAddresses::Refuse, ..allowed.clone() };
    let failure = Reader::new(refused).failure().await;
    assert_eq!(failure.reason, SourceReason::AddressRefused);
    assert!(failure.message.contains("localhost leads to") && failure.message.contains("allowPrivateAddresses"));
    assert_eq!(server.asked.lock().unwrap().len(), 0);
    assert_eq!(Reader::new(allowed).new_files().await.1[0].1, "1");
}

#[test]
fn a_host_that_is_written_as_an_address_is_refused_with_the_settings() {
    for url in ["https://127.0.0.1/x", "https://[::1]/x", "https://10.0.0.1/x", "https://169.254.169.254/latest"] {
        let settings = GitSettings::new(url.parse().unwrap(), main_branch());
        let why = settings.check().unwrap_err();
        assert!(why.contains("nothing is sent there"), "{why}");
    }
    let metadata = GitSettings::new("https://169.254.169.254/latest".parse().unwrap(), main_branch());
    assert!(GitSettings { private_addresses: PrivateAddresses::Allow, ..metadata }.check().is_err());
}
