//! The history as a SQLite database, which several kernels may use at once.
//!
//! Nothing here fails for whoever calls it: what cannot be kept is told in the log, once. A file that is no database is
//! moved aside and a new one begun; where none can be had, the history is kept in memory for as long as the kernel
//! lives.

use std::{
    fs::{self, DirBuilder, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use build::umask;
use nix::sys::statfs::statfs;
use rusqlite::{Connection, ErrorCode, Row, named_params, params};

use super::entry::{Entry, Query};

/// How long another kernel may hold the file.
const PATIENCE: Duration = Duration::from_secs(10);
/// The version of the tables below, in the file's `user_version`.
const VERSION: i64 = 1;
const TABLES: &str = "
    CREATE TABLE sessions (id INTEGER PRIMARY KEY AUTOINCREMENT, started INTEGER NOT NULL);
    CREATE TABLE cells (
        id INTEGER PRIMARY KEY,
        session INTEGER NOT NULL,
        line INTEGER NOT NULL,
        source TEXT NOT NULL,
        result TEXT,
        UNIQUE (session, line)
    );
    PRAGMA user_version = 1;";

/// An error of the history's database.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("{0}")]
    Sqlite(#[from] rusqlite::Error),
    #[error("{0}")]
    File(#[from] io::Error),
    #[error("it was made by a newer Kissaten")]
    Newer,
}

impl Trouble {
    /// Whether the file is broken, and not the world around it.
    fn is_corruption(&self) -> bool {
        let Self::Sqlite(error) = self else { return false };
        matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
    }
}

/// The history of all sessions, and which is this one.
pub(super) struct Database {
    file: PathBuf,
    limit: u64,
    connection: Option<Connection>,
    /// Device and number of the file that is open.
    identity: Option<(u64, u64)>,
    /// From the first cell on.
    session: Option<i64>,
    /// Bytes that came since the size was looked at; `None`: it never was.
    unmeasured: Option<u64>,
    /// Whether trouble was told.
    told: bool,
}

impl Database {
    /// Nothing is opened before it is needed. `limit`: in bytes.
    pub(super) fn new(file: PathBuf, limit: u64) -> Self {
        Self { file, limit, connection: None, identity: None, session: None, unmeasured: None, told: false }
    }

    /// Keeps the source of a cell of this session.
    pub(super) fn insert(&mut self, line: usize, source: &str) {
        self.attempt(|database| {
            let session = database.begin_session()?;
            let sql = "INSERT OR REPLACE INTO cells (session, line, source) VALUES (?, ?, ?)";
            database.connection()?.prepare_cached(sql)?.execute(params![session, line as i64, source])?;
            Ok(())
        });
        self.measure(source.len());
    }

    /// Keeps the result of a cell of this session.
    pub(super) fn set_result(&mut self, line: usize, text: &str) {
        self.attempt(|database| {
            let session = database.session;
            let sql = "UPDATE cells SET result = ? WHERE session = ? AND line = ?";
            database.connection()?.prepare_cached(sql)?.execute(params![text, session, line as i64])?;
            Ok(())
        });
        self.measure(text.len());
    }

    /// So much came, after which the file may be too large.
    fn measure(&mut self, length: usize) {
        let unmeasured = self.unmeasured.map(|bytes| bytes.saturating_add(length as u64));
        self.unmeasured = unmeasured;
        if unmeasured.is_none_or(|bytes| bytes > self.limit / 8) {
            self.unmeasured = Some(0);
            self.attempt(Self::clean);
        }
    }

    /// The entries, oldest first.
    pub(super) fn query(&mut self, query: &Query) -> Vec<Entry> {
        self.attempt(|database| match query {
            Query::Tail { n } => database.select("1", *n, named_params! {}),
            Query::Search { pattern, n, unique } => {
                let condition = if *unique {
                    "id IN (SELECT max(id) FROM cells WHERE source GLOB :pattern GROUP BY source)"
                } else {
                    "source GLOB :pattern"
                };
                database.select(condition, n.unwrap_or(-1), named_params! {":pattern": pattern})
            }
            Query::Range { session, start, stop } => database.range(*session, *start, *stop),
        })
        .unwrap_or_default()
    }

    fn range(&mut self, session: i64, start: i64, stop: Option<i64>) -> Result<Vec<Entry>, Trouble> {
        let connection = self.connection()?;
        let sql = "SELECT coalesce(max(id), 0) + 1 FROM sessions";
        let next = connection.query_row(sql, [], |row| row.get(0))?;
        let session = if session > 0 { session } else { self.session.unwrap_or(next).saturating_add(session) };
        let sql = "SELECT coalesce(max(line), 0) + 1 FROM cells WHERE session = ?";
        let end: i64 = self.connection()?.query_row(sql, [session], |row| row.get(0))?;
        let from_end = |line: i64| if line < 0 { end.saturating_add(line) } else { line };
        // What other kernels take a 0 for.
        let stop = stop.filter(|stop| *stop != 0).map_or(end, from_end);
        let condition = "session = :session AND line >= :start AND line < :stop";
        let values = named_params! {":session": session, ":start": from_end(start), ":stop": stop};
        self.select(condition, -1, values)
    }

    /// The last `n` entries of which the condition holds; all if that is negative.
    fn select(
        &mut self,
        condition: &str,
        n: i64,
        values: &[(&str, &dyn rusqlite::ToSql)],
    ) -> Result<Vec<Entry>, Trouble> {
        let sql = format!(
            "SELECT session, line, source, result FROM cells WHERE {condition} ORDER BY session DESC, line DESC LIMIT :n"
        );
        let values: Vec<_> = values.iter().copied().chain([(":n", &n as &dyn rusqlite::ToSql)]).collect();
        let mut statement = self.connection()?.prepare_cached(&sql)?;
        let entry = |row: &Row<'_>| {
            Ok(Entry { session: row.get(0)?, line: row.get(1)?, source: row.get(2)?, result: row.get(3)? })
        };
        let mut entries = statement.query_map(values.as_slice(), entry)?.collect::<Result<Vec<_>, _>>()?;
        entries.reverse();
        Ok(entries)
    }

    /// The number of this session, which it has from its first cell on.
    fn begin_session(&mut self) -> Result<i64, Trouble> {
        if let Some(session) = self.session {
            return Ok(session);
        }
        let started = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
        let connection = self.connection()?;
        connection.execute("INSERT INTO sessions (started) VALUES (?)", [started as i64])?;
        let session = connection.last_insert_rowid();
        self.session = Some(session);
        Ok(session)
    }

    /// Where the file has become too large, the oldest go.
    fn clean(&mut self) -> Result<(), Trouble> {
        let limit = self.limit;
        let connection = self.connection()?;
        let size = |connection: &Connection| -> Result<u64, Trouble> {
            let sql = "SELECT (page_count - freelist_count) * page_size FROM pragma_page_count, pragma_freelist_count, pragma_page_size";
            Ok(connection.query_row(sql, [], |row| row.get::<_, i64>(0))?.max(0) as u64)
        };
        if size(connection)? <= limit {
            return Ok(());
        }
        while size(connection)? > limit / 4 * 3 {
            let oldest = "DELETE FROM cells WHERE id IN (SELECT id FROM cells ORDER BY id LIMIT (SELECT count(*) / 8 FROM cells))";
            if connection.execute(oldest, [])? == 0 {
                break;
            }
        }
        connection.execute("DELETE FROM sessions WHERE id < (SELECT min(session) FROM cells)", [])?;
        // It gives back one page at each step.
        let mut vacuum = connection.prepare("PRAGMA incremental_vacuum")?;
        let mut steps = vacuum.query([])?;
        while steps.next()?.is_some() {}
        Ok(())
    }

    /// Does something, once more with a new file if the present one is broken. `None` if it cannot be done.
    fn attempt<T>(&mut self, mut work: impl FnMut(&mut Self) -> Result<T, Trouble>) -> Option<T> {
        match work(self) {
            Ok(done) => return Some(done),
            Err(trouble) if trouble.is_corruption() && self.move_aside() => self.session = None,
            Err(trouble) => {
                self.tell(&trouble);
                return None;
            }
        }
        work(self).map_err(|trouble| self.tell(&trouble)).ok()
    }

    fn tell(&mut self, trouble: &Trouble) {
        if !std::mem::replace(&mut self.told, true) {
            tracing::warn!("the history in {} has gaps now: {trouble}", self.file.display());
        }
    }

    fn connection(&mut self) -> Result<&mut Connection, Trouble> {
        if self.connection.is_none() {
            let connection = match open(&self.file) {
                Ok(connection) => connection,
                Err(trouble) if trouble.is_corruption() => {
                    self.identity = identity(&self.file);
                    return Err(trouble);
                }
                Err(trouble) => {
                    self.told = true;
                    let file = self.file.display();
                    tracing::warn!("the history cannot be kept in {file}, only in memory: {trouble}");
                    in_memory()?
                }
            };
            self.identity = identity(&self.file);
            self.connection = Some(connection);
        }
        Ok(self.connection.as_mut().expect("it was opened above"))
    }

    /// Moves a broken file out of the way, unless another kernel has done that already.
    fn move_aside(&mut self) -> bool {
        self.connection = None;
        if self.identity.is_none() || identity(&self.file) != self.identity {
            return true;
        }
        let time = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
        let aside = self.file.with_extension(format!("broken-{time}"));
        tracing::warn!("the history in {} is broken; it goes to {}", self.file.display(), aside.display());
        for ending in ["-wal", "-shm"] {
            let mut companion = self.file.clone().into_os_string();
            companion.push(ending);
            let _ = fs::remove_file(companion);
        }
        fs::rename(&self.file, aside).is_ok()
    }
}

/// Opens the file and makes the tables, if it has none.
fn open(file: &Path) -> Result<Connection, Trouble> {
    // What somebody typed is nobody else's.
    if let Some(folder) = file.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    OpenOptions::new().append(true).create(true).mode(0o600).open(file)?;
    for ending in ["", "-wal", "-shm"] {
        let mut file = file.as_os_str().to_owned();
        file.push(ending);
        // A link, or missing.
        let _ = umask::close(Path::new(&file));
    }
    let connection = Connection::open(file)?;
    connection.busy_timeout(PATIENCE)?;
    // With WAL readers and one writer do not wait for each other; a power cut costs the last cells and nothing else.
    let mode = if is_on_network(file) { "TRUNCATE" } else { "WAL" };
    connection.execute_batch(&format!(
        "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = {mode}; PRAGMA synchronous = NORMAL"
    ))?;
    prepare(connection)
}

/// Whether a file lies on a file system that other machines write to as well, or may. SQLite's WAL needs memory that all
/// its users share (<https://sqlite.org/wal.html>), so it is not for these.
#[cfg(target_os = "linux")]
fn is_on_network(file: &Path) -> bool {
    statfs(file).is_ok_and(|found| is_of_network(found.filesystem_type().0 as u64))
}

/// As above; of macOS's file systems those that are certainly its own are taken for such.
#[cfg(not(target_os = "linux"))]
fn is_on_network(file: &Path) -> bool {
    !statfs(file).is_ok_and(|found| ["apfs", "hfs"].contains(&found.filesystem_type_name()))
}

/// Whether the number of a file system is that of one which is reached by a network, or by a program that may do so.
#[cfg(target_os = "linux")]
fn is_of_network(number: u64) -> bool {
    const AFS: u64 = 0x5346_414f;
    const CEPH: u64 = 0x00c3_6400;
    const CIFS: u64 = 0xff53_4d42;
    const CODA: u64 = 0x7375_7245;
    const FUSE: u64 = 0x6573_5546;
    const GPFS: u64 = 0x4750_4653;
    const LUSTRE: u64 = 0x0bd0_0bd0;
    const NFS: u64 = 0x6969;
    const PLAN_9: u64 = 0x0102_1997;
    const SMB: u64 = 0x517b;
    const SMB_2: u64 = 0xfe53_4d42;
    // The number is of 32 bits, and some systems give it with its sign.
    [AFS, CEPH, CIFS, CODA, FUSE, GPFS, LUSTRE, NFS, PLAN_9, SMB, SMB_2].contains(&(number & 0xffff_ffff))
}

fn in_memory() -> Result<Connection, Trouble> {
    prepare(Connection::open_in_memory()?)
}

fn prepare(mut connection: Connection) -> Result<Connection, Trouble> {
    let version = |connection: &Connection| connection.query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0));
    if version(&connection)? == 0 {
        // Two kernels may begin at the same time.
        let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        if version(&transaction)? == 0 {
            transaction.execute_batch(TABLES)?;
        }
        transaction.commit()?;
    }
    if version(&connection)? > VERSION { Err(Trouble::Newer) } else { Ok(connection) }
}

fn identity(file: &Path) -> Option<(u64, u64)> {
    fs::metadata(file).ok().map(|metadata| (metadata.dev(), metadata.ino()))
}

#[cfg(test)]
mod tests;
