//! What is wrong with a command, in words for users.

use crate::hint;

/// An error of a command: why it cannot be done. The texts are for users.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CommandError {
    #[error("there is no command `:{name}`{}", nearest.map_or_else(
        || "; `:help` lists them".to_owned(),
        |nearest| format!("; did you mean `:{nearest}`?"),
    ))]
    Unknown { name: String, nearest: Option<&'static str> },
    #[error("`:{0}` takes no argument")]
    Argument(&'static str),
    #[error("`:opt` takes a level from 0 to 3, not `{0}`")]
    Level(String),
    #[error("`:tasks` takes `live`, `abort 12`, `abort cell 3`, `abort all` or nothing, not `{0}`")]
    Tasks(String),
    #[error("`:timeline` takes `export`, `export some/file.json` or nothing, not `{0}`")]
    Timeline(String),
    #[error("{0}")]
    Dependency(String),
    #[error("`:offline` takes `on`, `off` or nothing, not `{0}`")]
    Offline(String),
    #[error("`:cache` takes `clear`, `on`, `off` or nothing, not `{0}`")]
    Cache(String),
    #[error("`:fmt` takes `fit`, `{{:?}}`, `{{:#?}}` or nothing, not `{0}`")]
    Layout(String),
    #[error("`:hints` takes `on`, `off`, `off blocking` or nothing, not `{0}`")]
    Hints(String),
    #[error("there is no kind of hints `{0}`; there are {names}", names = hint::names())]
    Kind(String),
    #[error("`:type` takes an expression, as `:type 1 + 1`")]
    Type,
    #[error("`:doc` takes a name, as `:doc Vec::push`")]
    Doc,
    #[error("`:env` takes a name and a value, as `:env NAME=value`")]
    Env,
    #[error("`:rust` takes `install`")]
    Rust,
    #[error("`:export` takes the path of a folder, or `--script` and that of a file")]
    Export,
    #[error("`:sh` takes the words of a program, as `:sh ls -l`")]
    Shell,
    #[error("`:{0}` is for a whole cell: write `%%{0}` above what it is about")]
    ForOneCell(&'static str),
    #[error("the table that begins here has no end: a line `---` ends it")]
    OpenTable,
    #[error("`:load` takes the path of a file")]
    Load,
    #[error("a table of dependencies is no Rust code")]
    Table,
    #[error("`%%{0}` takes no argument")]
    OnceArgument(&'static str),
    #[error("`%%{0}` would be for one cell; write `:{0}`")]
    NotForOneCell(&'static str),
    #[error("`%time` takes no code; `%%timing` above a cell tells how long that took")]
    Time,
    #[error("`%%{name}` is none of Kissaten's, whose cells are Rust: {instead}")]
    OtherCode { name: String, instead: &'static str },
}

/// An argument that must be there.
pub(super) fn some(argument: &str, missing: CommandError) -> Result<String, CommandError> {
    if argument.is_empty() { Err(missing) } else { Ok(argument.to_owned()) }
}
