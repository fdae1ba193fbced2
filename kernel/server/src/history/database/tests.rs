use super::*;

const NO_LIMIT: u64 = u64::MAX;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("data").join("history.sqlite")
    }

    fn open(&self) -> Database {
        Database::new(self.file(), NO_LIMIT)
    }

    fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path().join("data")).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

/// A database with these cells in one new session.
fn session(folder: &Folder, sources: &[&str]) -> Database {
    let mut database = folder.open();
    for (index, source) in sources.iter().enumerate() {
        database.insert(index + 1, source);
    }
    database
}

fn ask(database: &mut Database, query: Query) -> Vec<(i64, i64, String)> {
    database.query(&query).into_iter().map(|entry| (entry.session, entry.line, entry.source)).collect()
}

fn tail(database: &mut Database, n: i64) -> Vec<String> {
    ask(database, Query::Tail { n }).into_iter().map(|(.., source)| source).collect()
}

fn found(database: &mut Database, pattern: &str, n: Option<i64>, unique: bool) -> Vec<String> {
    let query = Query::Search { pattern: pattern.to_owned(), n, unique };
    ask(database, query).into_iter().map(|(.., source)| source).collect()
}

fn lines(database: &mut Database, session: i64, start: i64, stop: Option<i64>) -> Vec<(i64, i64)> {
    let range = Query::Range { session, start, stop };
    ask(database, range).into_iter().map(|(session, line, _)| (session, line)).collect()
}

#[test]
fn two_kernels_share_a_history() {
    let folder = Folder::new();
    let mut first = session(&folder, &["a1"]);
    let mut second = session(&folder, &["b1"]);
    first.insert(2, "a2");
    second.insert(2, "b2");
    for database in [&mut first, &mut second] {
        assert_eq!(tail(database, 10), ["a1", "a2", "b1", "b2"]);
        assert_eq!(tail(database, 1), ["b2"]);
        assert_eq!(tail(database, 0), [""; 0]);
    }
    let third = &mut folder.open();
    assert_eq!(tail(third, 3), ["a2", "b1", "b2"]);
}

#[test]
fn all_that_kernels_write_at_once_is_kept() {
    let folder = Folder::new();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut database = folder.open();
                for line in 1..=50 {
                    database.insert(line, "x");
                    database.set_result(line, "y");
                }
                assert!(!database.told);
            });
        }
    });
    let entries = folder.open().query(&Query::Tail { n: -1 });
    assert_eq!(entries.len(), 200);
    assert!(entries.iter().all(|entry| entry.result.as_deref() == Some("y")));
}

#[test]
fn sessions_are_counted_back_from_the_present_one() {
    let folder = Folder::new();
    let cells = ["one", "two", "three"];
    drop(session(&folder, &cells[..1]));
    drop(session(&folder, &cells));
    // One that has run nothing yet comes behind them.
    let empty = &mut folder.open();
    assert_eq!(lines(empty, 0, 0, None), []);
    assert_eq!(lines(empty, -1, 0, None), [(2, 1), (2, 2), (2, 3)]);
    let present = &mut session(&folder, &cells[..2]);
    assert_eq!(lines(present, 0, 0, None), [(3, 1), (3, 2)]);
    assert_eq!(lines(present, 3, 1, Some(2)), [(3, 1)]);
    assert_eq!(lines(present, -1, 2, None), [(2, 2), (2, 3)]);
    assert_eq!(lines(present, -2, 0, Some(0)), [(1, 1)]);
    assert_eq!(lines(present, 2, -2, None), [(2, 2), (2, 3)]);
    assert_eq!(lines(present, 2, 0, Some(-1)), [(2, 1), (2, 2)]);
    assert_eq!(lines(present, -7, 0, None), []);
    assert_eq!(lines(present, i64::MIN, i64::MIN, Some(i64::MIN)), []);
}

#[test]
fn globs_find_whole_cells() {
    let folder = Folder::new();
    let database = &mut session(&folder, &["let a = 1;", "a", "let b = 2;", "a", "let\nc = '%';"]);
    assert_eq!(found(database, "let*", None, false), ["let a = 1;", "let b = 2;", "let\nc = '%';"]);
    assert_eq!(found(database, "let", None, false), [""; 0]);
    assert_eq!(found(database, "let [a-b] = ?;", Some(1), false), ["let b = 2;"]);
    assert_eq!(found(database, "a", None, false), ["a", "a"]);
    assert_eq!(found(database, "*", None, true), ["let a = 1;", "let b = 2;", "a", "let\nc = '%';"]);
    assert_eq!(found(database, "*", Some(2), true), ["a", "let\nc = '%';"]);
    assert_eq!(found(database, "*%*", None, false), ["let\nc = '%';"]);
}

#[test]
fn results_belong_to_their_cells() {
    let folder = Folder::new();
    let mut database = session(&folder, &["1 + 1", "let a = 1;"]);
    database.set_result(1, "2");
    database.set_result(7, "nobody's");
    let results: Vec<_> = database.query(&Query::Tail { n: 9 }).into_iter().map(|entry| entry.result).collect();
    assert_eq!(results, [Some("2".to_owned()), None]);
}

#[test]
fn a_broken_file_is_moved_aside() {
    let torn = [&b"SQLite format 3\0"[..], &[0; 5000]].concat();
    for content in [&b"this is no database, whatever it is called, and it is long enough"[..], &torn] {
        let folder = Folder::new();
        fs::create_dir_all(folder.file().parent().unwrap()).unwrap();
        fs::write(folder.file(), content).unwrap();
        let mut database = session(&folder, &["a"]);
        assert_eq!(tail(&mut database, 9), ["a"]);
        drop(database);
        assert_eq!(tail(&mut folder.open(), 9), ["a"]);
        let files = folder.files();
        assert_eq!(files.len(), 2, "{files:?}");
        let aside = files.iter().find(|name| name.starts_with("history.broken-")).unwrap();
        assert_eq!(fs::read(folder.file().with_file_name(aside)).unwrap(), content);
    }
}

#[test]
fn a_full_disk_makes_a_gap_and_no_more() {
    let folder = Folder::new();
    let mut database = session(&folder, &["before"]);
    database.connection().unwrap().execute_batch("PRAGMA max_page_count = 8").unwrap();
    database.insert(2, &"x".repeat(100_000));
    assert!(database.told);
    assert_eq!(tail(&mut database, 9), ["before"]);
    database.connection().unwrap().execute_batch("PRAGMA max_page_count = 10000").unwrap();
    database.insert(3, "after");
    assert_eq!(tail(&mut database, 9), ["before", "after"]);
}

#[test]
fn what_cannot_be_written_is_read() {
    let folder = Folder::new();
    drop(session(&folder, &["before"]));
    let mut database = folder.open();
    database.connection().unwrap().execute_batch("PRAGMA query_only = 1").unwrap();
    database.insert(1, "lost");
    database.set_result(1, "lost");
    assert_eq!(tail(&mut database, 9), ["before"]);
}

#[test]
fn where_no_file_can_be_the_history_is_in_memory() {
    let folder = Folder::new();
    // A file stands where the folder should be.
    fs::write(folder.0.path().join("data"), "").unwrap();
    let mut database = session(&folder, &["a", "b"]);
    database.set_result(2, "c");
    assert_eq!(tail(&mut database, 9), ["a", "b"]);
    assert_eq!(tail(&mut folder.open(), 9), [""; 0]);
}

#[test]
fn a_newer_file_is_left_alone() {
    let folder = Folder::new();
    let mut database = session(&folder, &["a"]);
    database.connection().unwrap().execute_batch("PRAGMA user_version = 2").unwrap();
    drop(database);
    let mut older = session(&folder, &["b"]);
    assert_eq!(tail(&mut older, 9), ["b"]);
    assert_eq!(folder.files(), ["history.sqlite"]);
    let rest = Connection::open(folder.file()).unwrap();
    let sources: String = rest.query_row("SELECT group_concat(source) FROM cells", [], |row| row.get(0)).unwrap();
    assert_eq!(sources, "a");
}

#[test]
fn the_oldest_go_when_it_grows_too_large() {
    let folder = Folder::new();
    let limit = 256 << 10;
    drop(session(&folder, &["oldest"]));
    let mut database = Database::new(folder.file(), limit);
    let long = "x".repeat(4000);
    for line in 1..=300 {
        database.insert(line, &format!("{line} {long}"));
    }
    let lines: Vec<i64> = database.query(&Query::Tail { n: -1 }).into_iter().map(|entry| entry.line).collect();
    assert_eq!(lines.last(), Some(&300));
    assert!(lines.len() > 30 && lines.len() < 75, "{lines:?}");
    assert!(found(&mut database, "oldest", None, false).is_empty());
    drop(database);
    let size = fs::metadata(folder.file()).unwrap().len();
    assert!(size < limit + limit / 4, "{size}");
}

#[test]
fn nobody_else_can_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let _database = session(&folder, &["password"]);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&folder.file()), mode(folder.file().parent().unwrap())), (0o600, 0o700));
}

#[test]
fn where_memory_cannot_be_shared_there_is_no_log_beside_the_file() {
    let mode = |file: &Path| {
        let connection = Connection::open(file).unwrap();
        connection.query_row("PRAGMA journal_mode", [], |row| row.get::<_, String>(0)).unwrap()
    };
    let folder = Folder::new();
    drop(session(&folder, &["1"]));
    assert_eq!(mode(&folder.file()), "wal");
    assert!(!is_on_network(&folder.file()));
    // The numbers of NFS and, as some systems give it, of SMB 2; then ext4, tmpfs and overlayfs.
    assert!([0x6969, 0xffff_ffff_fe53_4d42].into_iter().all(is_of_network));
    assert!(![0xef53, 0x0102_1994, 0x794c_7630].into_iter().any(is_of_network));
}
