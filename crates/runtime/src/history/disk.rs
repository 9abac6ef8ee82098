//! Records in one file of `redb`. The only file that names that crate.
//!
//! `history` opens it once and writes batches. A file that cannot be read is put aside under another name, and one that
//! another process holds is left alone; neither keeps the operator from starting.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use redb::{Database, DatabaseError, ReadableDatabase as _, ReadableTable as _, TableDefinition, TableError};
use tracing::{debug, warn};

use super::{Batch, Record, Store};

const FILE: &str = "history.redb";
/// What a file becomes that cannot be read. One is kept; the next one takes its place.
const ASIDE: &str = "history.redb.unreadable";
/// Records in JSON by the hash that they are the same by.
const RECORDS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("records-v1");

/// An open file.
pub(super) struct Disk {
    path: PathBuf,
    database: Database,
}

/// Why a file is not used.
enum Unusable {
    /// Another process has it.
    Held,
    /// Whatever is in it is nothing that can be read.
    Broken(String),
}

/// Opens the file in this folder and reads it, or says in the log why there is none.
pub(super) fn open(folder: &Path) -> Option<(Disk, Vec<Record>)> {
    let path = folder.join(FILE);
    if let Err(error) = fs::create_dir_all(folder) {
        warn!(%error, folder = %folder.display(), "the folder cannot be used; events are kept in memory only");
        return None;
    }
    let why = match attempt(&path) {
        Ok(opened) => return Some(opened),
        Err(Unusable::Held) => {
            warn!(path = %path.display(), "another process keeps its events in this file; those of this one stay in memory");
            return None;
        }
        Err(Unusable::Broken(why)) => why,
    };
    warn!(error = why, path = %path.display(), "the history cannot be read and begins anew; the old file is put aside");
    if let Err(error) = fs::rename(&path, folder.join(ASIDE)) {
        debug!(%error, "the old file cannot be put aside");
    }
    match attempt(&path) {
        Ok(opened) => Some(opened),
        Err(Unusable::Held) => None,
        Err(Unusable::Broken(why)) => {
            warn!(error = why, path = %path.display(), "no file can be made here; events are kept in memory only");
            None
        }
    }
}

/// A damaged file must not end the process, not even by a panic in the library.
fn attempt(path: &Path) -> Result<(Disk, Vec<Record>), Unusable> {
    let opened = catch_unwind(AssertUnwindSafe(|| {
        let database = Database::create(path).map_err(|error| match error {
            DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch => Unusable::Held,
            broken => Unusable::Broken(broken.to_string()),
        })?;
        let records = read(&database).map_err(|error| Unusable::Broken(error.to_string()))?;
        Ok((Disk { path: path.to_owned(), database }, records))
    }));
    opened.unwrap_or_else(|_| Err(Unusable::Broken("reading it failed badly".to_owned())))
}

fn read(database: &Database) -> Result<Vec<Record>, redb::Error> {
    let transaction = database.begin_read()?;
    let table = match transaction.open_table(RECORDS) {
        Ok(table) => table,
        Err(TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let mut records = Vec::new();
    for row in table.iter()? {
        let (_, value) = row?;
        match serde_json::from_slice(value.value()) {
            Ok(record) => records.push(record),
            // Written by another version, which knows a word that this one does not.
            Err(error) => debug!(%error, "an event from before is not understood"),
        }
    }
    Ok(records)
}

impl Disk {
    fn commit(&self, batch: &Batch) -> Result<(), redb::Error> {
        let transaction = self.database.begin_write()?;
        {
            let mut table = transaction.open_table(RECORDS)?;
            for key in &batch.remove {
                table.remove(key.as_bytes())?;
            }
            for record in &batch.put {
                let json = serde_json::to_vec(record).map_err(std::io::Error::other)?;
                table.insert(record.key().as_bytes(), json.as_slice())?;
            }
        }
        transaction.commit()?;
        Ok(())
    }
}

impl Store for Disk {
    fn write(&mut self, batch: &Batch) -> Result<(), String> {
        // Somebody has deleted the file, which is allowed; what is written now goes into a new one.
        if !self.path.exists() {
            self.database = Database::create(&self.path).map_err(|error| error.to_string())?;
        }
        self.commit(batch).map_err(|error| error.to_string())
    }
}
