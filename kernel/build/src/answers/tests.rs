use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};

use super::*;

fn key(number: u64) -> AnswerKey {
    let mut maker = KeyMaker::default();
    maker.add(&number.to_le_bytes());
    maker.finish()
}

fn answer(number: u64) -> Answer {
    let library = vec![u8::try_from(number % 251).unwrap(); 40_000];
    Answer {
        success: true,
        said: format!("{{\"n\":{number}}}").into_bytes(),
        library: Some(library),
        ..Answer::default()
    }
}

fn answers_in(folders: &[&Path]) -> Answers {
    let folders: Vec<PathBuf> = folders.iter().map(|folder| folder.to_path_buf()).collect();
    Answers {
        own: folders.last().cloned(),
        folders,
        is_on: AtomicBool::new(true),
        hits: AtomicU64::new(0),
        misses: AtomicU64::new(0),
        ahead: AtomicU64::new(0),
        written: AtomicU64::new(0),
        refused: Mutex::default(),
        writing: Writing::default(),
        _used: None,
    }
}

fn none(_: &str) -> Option<String> {
    None
}

#[test]
fn what_is_remembered_is_recalled_and_what_is_cleared_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let answers = answers_in(&[folder.path()]);
    let failed = Answer { said: b"error".to_vec(), ..Answer::default() };
    answers.remember(key(1), &answer(1));
    answers.remember(key(2), &failed);
    assert_eq!(answers.recall(key(1), &none), Some(answer(1)));
    assert_eq!(answers.recall(key(2), &none), Some(failed));
    assert_eq!(answers.recall(key(3), &none), None);
    answers.found();
    answers.missed(false);
    answers.missed(true);
    answers.missed(true);
    let now = answers.statistics();
    assert_eq!((now.hits, now.misses, now.ahead, now.answers), (1, 1, 2, 2));
    answers.switch(false);
    assert_eq!(answers.recall(key(1), &none), None);
    answers.remember(key(4), &answer(4));
    answers.switch(true);
    assert_eq!(answers.recall(key(4), &none), None, "nothing is remembered while it is off");
    answers.forget(key(1));
    assert_eq!(answers.recall(key(1), &none), None);
    assert!(answers.clear() > 0);
    assert_eq!(answers.statistics().answers, 0);
}

#[test]
fn what_is_not_whole_or_not_the_keys_is_thrown_away() {
    let folder = tempfile::tempdir().unwrap();
    let answers = answers_in(&[folder.path()]);
    answers.remember(key(1), &answer(1));
    let path = place(folder.path(), key(1));
    let whole = std::fs::read(&path).unwrap();
    let damage = |bytes: &[u8], what: &str| {
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(answers.recall(key(1), &none), None, "{what}");
        assert!(!path.exists(), "{what} is thrown away");
    };
    for length in [0, 1, 15, 16, 40, 100, whole.len() / 2, whole.len() - 1] {
        damage(&whole[..length], "a truncated answer");
    }
    for place in [0, 20, 34, 60, 20_000, whole.len() - 1] {
        let mut bytes = whole.clone();
        bytes[place] ^= 1;
        damage(&bytes, "a damaged answer");
    }
    damage(&[whole.as_slice(), b"more"].concat(), "an answer with something behind it");
    // Another's answer under this name.
    damage(&entry::write(key(2), &answer(2)), "another answer");
    answers.remember(key(1), &answer(1));
    std::fs::set_permissions(&path, Permissions::from_mode(0o622)).unwrap();
    assert_eq!(answers.recall(key(1), &none), None, "one that others can write to");
    std::os::unix::fs::symlink("/etc/passwd", &path).unwrap();
    assert_eq!(answers.recall(key(1), &none), None, "a link");
}

#[test]
fn an_answer_holds_while_what_was_read_is_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let answers = answers_in(&[folder.path()]);
    let (file, gone) = (folder.path().join("a file"), folder.path().join("gone"));
    std::fs::write(&file, "1").unwrap();
    let info = format!(
        "out: given.rs {0}\n\ngiven.rs:\n{0}:\n{1}:\n\n# env-dep:HERE=a\\nb\n# env-dep:MISSING\n",
        file.to_string_lossy().replace(' ', "\\ "),
        gone.display()
    );
    let is_given = |file: &Path| file == Path::new("given.rs");
    let read = |since| Inputs::from_dep_info(&info, folder.path(), since, &is_given);
    assert_eq!(read(SystemTime::UNIX_EPOCH), None, "a file that was written since");
    let inputs = read(SystemTime::now() + Duration::from_secs(1)).unwrap();
    assert_eq!(inputs.files().collect::<Vec<_>>(), [file.as_path(), gone.as_path()]);
    answers.remember(key(1), &Answer { inputs, ..answer(1) });
    let env = |name: &str| (name == "HERE").then(|| "a\nb".to_owned());
    assert!(answers.recall(key(1), &env).is_some());
    assert!(answers.recall(key(1), &none).is_none(), "a variable that is gone");
    assert!(answers.recall(key(1), &|_| Some("a\nb".to_owned())).is_none(), "a variable that is new");
    std::fs::write(&file, "2").unwrap();
    assert!(answers.recall(key(1), &env).is_none(), "a file that changed");
    std::fs::write(&file, "1").unwrap();
    std::fs::write(&gone, "").unwrap();
    assert!(answers.recall(key(1), &env).is_none(), "a file that is new");
    std::fs::remove_file(&gone).unwrap();
    assert!(answers.recall(key(1), &env).is_some());
    std::fs::remove_file(&file).unwrap();
    assert!(Command::new("mkfifo").arg(&file).status().unwrap().success());
    assert!(answers.recall(key(1), &env).is_none(), "a pipe, for whose writer nobody waits");
    assert_eq!(read(SystemTime::now() + Duration::from_secs(1)), None, "a pipe gives what it has once");
}

#[test]
fn the_installation_is_looked_at_first_and_left_as_it_is() {
    let (shared, own) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    answers_in(&[shared.path()]).remember(key(1), &answer(1));
    let answers = answers_in(&[shared.path(), own.path()]);
    assert_eq!(answers.recall(key(1), &none), Some(answer(1)));
    answers.remember(key(2), &answer(2));
    assert!(place(own.path(), key(2)).is_file() && !place(shared.path(), key(2)).exists());
    assert!(answers.clear() > 0);
    assert_eq!(answers.recall(key(1), &none), Some(answer(1)), "what is not the user's own stays");
}

#[test]
fn no_room_costs_the_answer_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let answers = answers_in(&[folder.path()]);
    // The folder of these keys is none.
    let shard = place(folder.path(), key(1)).parent().unwrap().to_owned();
    std::os::unix::fs::symlink("/dev/full", &shard).unwrap();
    answers.remember(key(1), &answer(1));
    assert_eq!(answers.recall(key(1), &none), None);
    std::fs::remove_file(&shard).unwrap();
    answers.remember(key(1), &answer(1));
    assert_eq!(answers.recall(key(1), &none), Some(answer(1)));
}

/// Names the folder for the process that is to be killed.
const VICTIM: &str = "KISSATEN_TEST_VICTIM";

/// Writes answers until it is killed: not a test by itself.
#[test]
fn victim() {
    let Some(folder) = std::env::var_os(VICTIM) else { return };
    let answers = answers_in(&[Path::new(&folder)]);
    println!("writing");
    for number in (0..7).cycle() {
        answers.remember(key(number), &answer(number));
    }
}

#[test]
fn writers_that_are_killed_at_any_moment_leave_nothing_half() {
    let folder = tempfile::tempdir().unwrap();
    let answers = answers_in(&[folder.path()]);
    let mut seen = 0;
    for round in 0..40_u32 {
        // Two write the same at once.
        let mut victims: Vec<_> = (0..2)
            .map(|_| {
                let mut command = Command::new(std::env::current_exe().unwrap());
                command.args(["--exact", "answers::tests::victim", "--nocapture"]).env(VICTIM, folder.path());
                command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
            })
            .collect();
        for victim in &mut victims {
            let (mut said, mut byte) = (String::new(), [0]);
            while !said.ends_with("writing") {
                assert_eq!(victim.stdout.as_mut().unwrap().read(&mut byte).unwrap(), 1, "{said}");
                said.push(char::from(byte[0]));
            }
        }
        // What is there at each moment is whole.
        for _ in 0..round * 7 {
            for number in 0..7 {
                let path = place(folder.path(), key(number));
                if path.exists() {
                    assert_eq!(answers.recall(key(number), &none), Some(answer(number)));
                    seen += 1;
                }
            }
        }
        for victim in &mut victims {
            victim.kill().unwrap();
            assert_eq!(victim.wait().unwrap().signal(), Some(9));
        }
        for number in 0..7 {
            let path = place(folder.path(), key(number));
            assert!(!path.exists() || answers.recall(key(number), &none) == Some(answer(number)));
        }
    }
    assert!(seen > 100);
    // What they left beside is no answer, and goes when nobody can be writing it any more.
    let torn = || {
        let shards = std::fs::read_dir(folder.path()).unwrap().flatten();
        let files = shards.flat_map(|shard| std::fs::read_dir(shard.path()).unwrap().flatten());
        files.filter(|file| file.file_name().to_string_lossy().starts_with(size::TORN)).map(|file| file.path())
    };
    for path in torn() {
        let file = File::options().write(true).open(path).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(7_200)).unwrap();
    }
    remove_torn(folder.path());
    assert_eq!(torn().count(), 0);
    assert_eq!(answers.statistics().answers, 7);
}

#[tokio::test]
async fn what_is_being_written_is_waited_for_by_who_asks() {
    let folder = tempfile::tempdir().unwrap();
    let answers = Arc::new(answers_in(&[folder.path()]));
    let runtime = tokio::runtime::Handle::current();
    for number in 0..100 {
        answers.remember_beside(key(number), answer(number), &runtime);
        assert_eq!(answers.recall(key(number), &none), Some(answer(number)));
    }
    for number in 100..200 {
        answers.remember_beside(key(number), answer(number), &runtime);
    }
    assert_eq!(answers.statistics().answers, 200);
    for number in 0..100 {
        answers.remember_beside(key(number), answer(number), &runtime);
    }
    answers.clear();
    assert_eq!(answers.statistics().answers, 0, "none comes after they are thrown away");
}
