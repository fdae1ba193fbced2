//! What the lessons of `notebooks/` use and do not teach: claims about time, a diary that tasks write into, bars, the
//! figures of the process, and as much of HTTP as a coffee house needs.
//!
//! It answers for no lesson's sentences and knows nothing of the notebook that it is used in. All of it is compiled
//! here and next to nothing in cells; futures are boxed for the same reason. An exported program gets this very file as
//! a module of its own, so it names the rest of the library by `super` alone.

use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::futures::future::BoxFuture;
use super::tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use super::tokio::net::TcpStream;
use super::{Display, MimeBundle, println, tokio};

/// A claim about time: `took` is nearer to `about` than to `not`, both in seconds. It says so, or panics.
///
/// ```
/// use std::time::Duration;
/// kissaten::lesson::claim(Duration::from_millis(2040), 2.0, 3.0); // ✅ 2.0s: that is about 2 s, not 3 s
/// ```
#[track_caller]
pub fn claim(took: Duration, about: f64, not: f64) {
    let seconds = took.as_secs_f64();
    let holds = (seconds - about).abs() < (seconds - not).abs();
    assert!(holds, "❌ {took:.1?} is nearer to {not} s than to {about} s");
    println!("✅ {took:.1?}: that is about {about} s, not {not} s");
}

/// A random number, from `least` to `most`.
#[must_use]
pub fn roll(least: u64, most: u64) -> u64 {
    let numbers = most.saturating_sub(least).saturating_add(1);
    least + RandomState::new().hash_one(0_u8) % numbers
}

/// A diary that several tasks write into. It prints each line, and remembers who wrote it, so that a check can ask.
#[derive(Clone, Debug, Default)]
pub struct Diary(Arc<Mutex<Vec<DiaryEntry>>>);

/// A line of a [`Diary`].
#[derive(Clone, Debug)]
pub struct DiaryEntry {
    pub line: String,
    pub printed: bool,
    pub in_a_task: bool,
    /// Tasks are numbered as they are started: the writer's number, or the one that the next task would get.
    pub number: u64,
}

impl Diary {
    /// Prints a line and remembers it.
    pub fn write(&self, line: impl Into<String>) {
        let line = line.into();
        println!("{line}");
        self.enter(line, true);
    }

    /// Remembers something and does not print it.
    pub fn remember(&self, line: impl Into<String>) {
        self.enter(line.into(), false);
    }

    fn enter(&self, line: String, printed: bool) {
        let task = tokio::task::try_id();
        let id = task.unwrap_or_else(|| tokio::spawn(async {}).id());
        let number = id.to_string().parse().unwrap_or_default();
        let entry = DiaryEntry { line, printed, in_a_task: task.is_some(), number };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
    }

    /// The lines that were printed.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.entries().into_iter().filter(|entry| entry.printed).map(|entry| entry.line).collect()
    }

    /// All that was written and remembered.
    #[must_use]
    pub fn entries(&self) -> Vec<DiaryEntry> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A stopwatch that also counts the seconds of work that processors did.
#[derive(Clone, Copy, Debug)]
pub struct Meter(Instant, Duration);

impl Meter {
    #[must_use]
    pub fn start() -> Self {
        Self(Instant::now(), work())
    }

    /// The time since the start, and the [`work`] since then.
    #[must_use]
    pub fn read(&self) -> (Duration, Duration) {
        let work = work().saturating_sub(self.1);
        (self.0.elapsed(), work)
    }
}

/// The seconds that processors have worked for this process and for the children that it has waited for. Nothing where
/// the system does not say it.
#[must_use]
pub fn work() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    // Hundredths of a second: of the process and of its children, in programs and in the system.
    let times = fields.split_whitespace().skip(11).take(4);
    let ticks: u64 = times.filter_map(|time| time.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

/// How many threads this process has at the moment.
#[must_use]
pub fn threads() -> usize {
    status("Threads:")
}

/// The memory of this process at the moment, in megabytes.
#[must_use]
pub fn memory() -> f64 {
    // A process has less memory than a float has digits for.
    status("VmRSS:") as f64 / 1024.0
}

fn status(name: &str) -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    first_number(status.lines().find_map(|line| line.strip_prefix(name))).unwrap_or(0)
}

/// How many connections this process may have at the same time where both ends are its own: at most a thousand, and as
/// many as its open files allow.
#[must_use]
pub fn seats() -> usize {
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let files = first_number(limits.lines().find_map(|line| line.strip_prefix("Max open files"))).unwrap_or(1024);
    (files.saturating_sub(100) / 2).clamp(10, 1000)
}

fn first_number(text: Option<&str>) -> Option<usize> {
    text?.split_whitespace().next()?.parse().ok()
}

/// A chart of bars with their names and values: a picture, and the same in letters.
#[derive(Clone, Debug)]
pub struct Bars {
    title: String,
    unit: String,
    rows: Vec<(String, f64)>,
}

/// A chart of bars: for each row its name and its value.
///
/// ```
/// let rows = [("one".to_owned(), 3.0), ("another".to_owned(), 4.5)];
/// kissaten::display(&kissaten::lesson::bars("Cups", "a day", &rows));
/// ```
#[must_use]
pub fn bars(title: &str, unit: &str, rows: &[(String, f64)]) -> Bars {
    Bars { title: title.to_owned(), unit: unit.to_owned(), rows: rows.to_vec() }
}

impl Bars {
    fn most(&self) -> f64 {
        self.rows.iter().map(|row| row.1).fold(f64::MIN_POSITIVE, f64::max)
    }

    /// A value as it is read: small ones with two digits behind the point.
    fn value(&self, value: f64) -> String {
        let precision = if value < 10.0 && value.fract() != 0.0 { 2 } else { 0 };
        format!("{value:.precision$} {}", self.unit)
    }

    fn letters(&self) -> String {
        let width = self.rows.iter().map(|row| row.0.chars().count()).max().unwrap_or(0);
        let bar = |value: f64| "█".repeat((value / self.most() * 40.0).round().clamp(0.0, 40.0) as usize);
        let row =
            |(name, value): &(String, f64)| format!("\n{name:>width$}  {:<40}  {}", bar(*value), self.value(*value));
        self.title.clone() + &self.rows.iter().map(row).collect::<String>()
    }

    fn picture(&self) -> String {
        let height = 52 + 28 * self.rows.len();
        // What a screen reader reads: the same figures, in words.
        let told: Vec<_> = self.rows.iter().map(|(name, value)| format!("{name}: {}", self.value(*value))).collect();
        let (title, told) = (escaped(&self.title), escaped(&told.join(", ")));
        let mut svg = format!(
            r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 {height}" width="720" height="{height}" style="max-width: 100%" font-family="system-ui, sans-serif" font-size="13" fill="#1f2328" role="img"><title>{title}: {told}</title><rect width="720" height="{height}" rx="8" fill="#fbf7f0"/><text x="16" y="26" font-size="15" font-weight="600">{title}</text>"##
        );
        for (row, (name, value)) in self.rows.iter().enumerate() {
            let (y, width) = (42 + 28 * row, 1.0 + (value / self.most()).clamp(0.0, 1.0) * 360.0);
            svg += &format!(
                r##"<text x="220" y="{}" text-anchor="end">{}</text><rect x="230" y="{y}" width="{width:.1}" height="20" rx="3" fill="#b5651d"/><text x="{:.1}" y="{}">{}</text>"##,
                y + 15,
                escaped(name),
                238.0 + width,
                y + 15,
                escaped(&self.value(*value))
            );
        }
        svg + "</svg>"
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

impl Display for Bars {
    fn mime_bundle(&self) -> MimeBundle {
        MimeBundle::new().with("image/svg+xml", self.picture()).with("text/plain", self.letters())
    }
}

/// A request that somebody has made of a web server, and the connection on which it is answered.
#[derive(Debug)]
pub struct HttpRequest {
    path: String,
    connection: TcpStream,
}

impl HttpRequest {
    /// Reads a request of HTTP/1.1 and leaves its headers alone.
    #[must_use]
    pub fn read(connection: TcpStream) -> BoxFuture<'static, io::Result<Self>> {
        Box::pin(async {
            let mut connection = BufReader::new(connection);
            let (mut request, mut header) = (String::new(), String::new());
            connection.read_line(&mut request).await?; // GET /coffee/7 HTTP/1.1
            // The empty line ends the headers.
            while connection.read_line(&mut header).await? > 2 {
                header.clear();
            }
            let path = request.split(' ').nth(1).ok_or_else(no_http)?.to_owned();
            Ok(Self { path, connection: connection.into_inner() })
        })
    }

    /// What is asked for, such as `/coffee/7`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Answers, and ends the connection.
    #[must_use]
    pub fn answer(self, status: u16, body: impl Into<String>) -> BoxFuture<'static, io::Result<()>> {
        self.answer_with(status, body.into())
    }

    fn answer_with(mut self, status: u16, body: String) -> BoxFuture<'static, io::Result<()>> {
        Box::pin(async move {
            let words = match status {
                200 => "OK",
                404 => "Not Found",
                500 => "Internal Server Error",
                503 => "Service Unavailable",
                _ => "Unknown",
            };
            let length = body.len();
            let head = format!("HTTP/1.1 {status} {words}\r\nContent-Length: {length}\r\nConnection: close");
            self.connection.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).await?;
            self.connection.shutdown().await
        })
    }
}

/// What a web server has answered, and how long it took from the connection to the last byte.
#[derive(Clone, Debug)]
pub struct HttpReply {
    pub status: u16,
    pub body: String,
    pub latency: Duration,
}

/// Asks a web server for a path, over a connection of its own.
#[must_use]
pub fn get(address: SocketAddr, path: &str) -> BoxFuture<'static, io::Result<HttpReply>> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    Box::pin(async move {
        let start = Instant::now();
        let mut connection = TcpStream::connect(address).await?;
        connection.write_all(request.as_bytes()).await?;
        let mut text = String::new();
        connection.read_to_string(&mut text).await?;
        let (head, body) = text.split_once("\r\n\r\n").ok_or_else(no_http)?;
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(no_http)?;
        Ok(HttpReply { status, body: body.to_owned(), latency: start.elapsed() })
    })
}

fn no_http() -> io::Error {
    io::Error::other("this is not HTTP")
}

#[cfg(test)]
mod tests;
