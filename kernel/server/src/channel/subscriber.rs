//! The subscribers of iopub: who has connected and what they want to hear, and how long each is waited for. What is
//! published is not known here, nor what they are told when they subscribe.
//!
//! Each is written to by itself and all at once, so that one that stopped reading is in nobody's way:
//!
//! * all wait for the slowest: a flood is slowed down to what it reads, and nothing is lost. What a subscriber has not read
//!   lies in the system's socket buffers, and its own library reads ahead of its program, some 1,000 messages in libzmq;
//! * one that takes nothing for [`PATIENCE`] is given up: nobody waits for it any more. What it has not taken is kept, up to
//!   [`MOST_KEPT`], and is written as soon as it reads again. From there on it misses messages, as ZeroMQ's PUB would have
//!   it, but never a part of one.

use std::{collections::VecDeque, io, time::Duration};

use futures::{
    FutureExt,
    future::{join_all, select_all},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, UnixListener},
    sync::mpsc,
    task::unconstrained,
    time::timeout,
};
use tokio_util::bytes::Bytes;
use zeromq::{Endpoint, ZmqError, ZmqMessage};

use super::zmtp::{self, Said};

/// How long a subscriber may take nothing before it is given up.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// How many bytes are kept for one that was given up.
const MOST_KEPT: usize = 16 * 1024 * 1024;
/// How long whoever connects may take to say that it is a subscriber.
const HANDSHAKE: Duration = Duration::from_secs(60);
/// How long nobody is accepted where the system could not: it has no file descriptor left, for one.
const PAUSE: Duration = Duration::from_millis(100);
/// How many topics one may subscribe. Frontends have one, which is all.
const MOST_TOPICS: usize = 1000;

type Reader = Box<dyn AsyncRead + Send + Unpin>;
type Writer = Box<dyn AsyncWrite + Send + Unpin>;

/// The place where subscribers connect.
pub(crate) enum Door {
    Tcp(TcpListener),
    Ipc(UnixListener),
}

/// Something that a subscriber, known by a number, has done.
pub(super) enum Heard {
    Came { subscriber: u64, writer: Writer },
    Said { subscriber: u64, said: Said },
    Left { subscriber: u64 },
}

/// All who listen now.
pub(super) struct Subscribers {
    all: Vec<Subscriber>,
    patience: Duration,
}

struct Subscriber {
    id: u64,
    writer: Writer,
    topics: Vec<Bytes>,
    /// Messages that it has not taken; of the first a part may be written.
    left: VecDeque<Bytes>,
    is_given_up: bool,
    is_gone: bool,
}

impl Door {
    /// Listens at a URL in ZeroMQ's form.
    pub(crate) async fn open(url: &str) -> Result<Self, ZmqError> {
        Ok(match url.parse()? {
            Endpoint::Tcp(host, port) => Self::Tcp(TcpListener::bind((host.to_string().as_str(), port)).await?),
            Endpoint::Ipc(path) => Self::Ipc(UnixListener::bind(path.unwrap_or_default())?),
            _ => return Err(ZmqError::Other("neither TCP nor a socket of the file system")),
        })
    }

    /// Lets subscribers in, from now on and until nobody hears of them any more.
    pub(super) fn let_in(self) -> mpsc::Receiver<Heard> {
        let (heard, receiver) = mpsc::channel(64);
        tokio::spawn(async move {
            for subscriber in 0.. {
                let (reader, writer) = tokio::select! {
                    both = self.accept() => both,
                    () = heard.closed() => return,
                };
                tokio::spawn(listen(subscriber, reader, writer, heard.clone()));
            }
        });
        receiver
    }

    async fn accept(&self) -> (Reader, Writer) {
        loop {
            match self.try_accept().await {
                Ok(both) => return both,
                Err(error) => {
                    tracing::warn!("a subscriber could not be accepted: {error}");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    async fn try_accept(&self) -> io::Result<(Reader, Writer)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                let (reader, writer) = stream.into_split();
                Ok((Box::new(reader), Box::new(writer)))
            }
            Self::Ipc(listener) => {
                let (reader, writer) = listener.accept().await?.0.into_split();
                Ok((Box::new(reader), Box::new(writer)))
            }
        }
    }
}

impl Subscribers {
    /// Nobody yet. Each that comes is waited for so long.
    pub(super) fn new(patience: Duration) -> Self {
        Self { all: Vec::new(), patience }
    }

    /// Takes in what was heard. The topic, if somebody has subscribed to one.
    pub(super) fn take_in(&mut self, heard: Heard) -> Option<(u64, Bytes)> {
        match heard {
            Heard::Came { subscriber: id, writer } => self.all.push(Subscriber::new(id, writer)),
            Heard::Left { subscriber } => self.all.retain(|one| one.id != subscriber),
            Heard::Said { subscriber, said } => {
                let one = self.all.iter_mut().find(|one| one.id == subscriber)?;
                match said {
                    Said::Subscribe(topic) if one.topics.len() < MOST_TOPICS => {
                        one.topics.push(topic.clone());
                        return Some((subscriber, topic));
                    }
                    Said::Subscribe(_) => tracing::warn!("a subscriber has more than {MOST_TOPICS} topics"),
                    // Each subscription is cancelled by itself, also of the same topic.
                    Said::Cancel(topic) => {
                        let place = one.topics.iter().position(|other| *other == topic);
                        place.map(|place| one.topics.remove(place));
                    }
                }
            }
        }
        None
    }

    /// Sends a message to all who want its topic, or to one alone, and waits until they have taken it or are given up.
    pub(super) async fn send(&mut self, message: &ZmqMessage, only: Option<u64>) {
        let Some(topic) = message.get(0) else { return };
        let bytes = zmtp::message(message.iter());
        let wants = |one: &&mut Subscriber| only.is_none_or(|id| one.id == id) && one.wants(topic);
        join_all(self.all.iter_mut().filter(wants).map(|one| one.send(bytes.clone(), self.patience))).await;
        self.all.retain(|one| !one.is_gone);
    }

    /// Writes what is left to one that was given up and reads again.
    ///
    /// # Cancel safety
    /// Nothing is lost when it is dropped.
    pub(super) async fn catch_up(&mut self) {
        let behind = self.all.iter_mut().filter(|one| one.is_given_up);
        let writing: Vec<_> = behind.map(|one| Box::pin(one.catch_up())).collect();
        if writing.is_empty() {
            return std::future::pending().await;
        }
        select_all(writing).await;
        self.all.retain(|one| !one.is_gone);
    }
}

impl Subscriber {
    fn new(id: u64, writer: Writer) -> Self {
        Self { id, writer, topics: Vec::new(), left: VecDeque::new(), is_given_up: false, is_gone: false }
    }

    fn wants(&self, topic: &[u8]) -> bool {
        self.topics.iter().any(|start| topic.starts_with(start))
    }

    async fn send(&mut self, message: Bytes, patience: Duration) {
        if self.is_given_up {
            if self.left.iter().map(Bytes::len).sum::<usize>() + message.len() <= MOST_KEPT {
                self.left.push_back(message);
            }
            unconstrained(self.catch_up()).now_or_never();
            return;
        }
        self.left.push_back(message);
        if timeout(patience, self.catch_up()).await.is_err() {
            self.is_given_up = true;
            tracing::warn!("a subscriber of iopub has stopped reading: it may miss messages");
        }
    }

    /// Writes what is left, and waits until it is taken.
    ///
    /// # Cancel safety
    /// What was not written is still left.
    async fn catch_up(&mut self) {
        while let Some(first) = self.left.front_mut() {
            if let Err(error) = self.writer.write_all_buf(first).await {
                tracing::info!("a subscriber is gone: {error}");
                self.is_gone = true;
                return;
            }
            self.left.pop_front();
        }
        self.is_given_up = false;
    }
}

/// Hears one that has connected, to its end.
async fn listen(subscriber: u64, mut reader: Reader, mut writer: Writer, heard: mpsc::Sender<Heard>) {
    match timeout(HANDSHAKE, zmtp::shake_hands(&mut reader, &mut writer)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => return tracing::info!("whoever connected to iopub is no subscriber: {error}"),
        Err(_) => return tracing::info!("whoever connected to iopub did not say what it is"),
    }
    // A publisher that is gone hears nothing.
    let _ = heard.send(Heard::Came { subscriber, writer }).await;
    let error = loop {
        match zmtp::hear(&mut reader).await {
            Ok(said) => drop(heard.send(Heard::Said { subscriber, said }).await),
            Err(error) => break error,
        }
    };
    tracing::info!("a subscriber is gone: {error}");
    let _ = heard.send(Heard::Left { subscriber }).await;
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, DuplexStream, duplex};

    use super::*;

    /// The flag of a frame with a length of eight bytes.
    const LONG: u8 = 2;

    /// Subscribers of everything, each with so much room, and what they read from.
    fn subscribers(rooms: &[usize]) -> (Subscribers, Vec<DuplexStream>) {
        let (mut subscribers, mut clients) = (Subscribers::new(Duration::from_millis(1)), Vec::new());
        for (id, room) in (0..).zip(rooms) {
            let (client, writer) = duplex(*room);
            let came = Heard::Came { subscriber: id, writer: Box::new(writer) };
            assert_eq!(subscribers.take_in(came), None);
            let said = Heard::Said { subscriber: id, said: Said::Subscribe(Bytes::new()) };
            assert_eq!(subscribers.take_in(said), Some((id, Bytes::new())));
            clients.push(client);
        }
        (subscribers, clients)
    }

    fn message(text: &'static str) -> ZmqMessage {
        ZmqMessage::from(Bytes::from_static(text.as_bytes()))
    }

    async fn read(client: &mut DuplexStream, size: usize) -> String {
        let mut bytes = vec![0; size];
        client.read_exact(&mut bytes).await.unwrap();
        String::from_utf8(bytes).unwrap().replace(['\0', '\u{4}'], "|")
    }

    #[tokio::test]
    async fn one_that_stopped_reading_is_in_nobodys_way() {
        // Whichever of them comes first.
        for deaf in 0..3 {
            let mut rooms = [1000; 3];
            rooms[deaf] = 9;
            let (mut subscribers, mut clients) = subscribers(&rooms);
            for text in ["one.", "two.", "thr.", "four", "five"] {
                subscribers.send(&message(text), None).await;
            }
            for (n, client) in clients.iter_mut().enumerate() {
                if n != deaf {
                    assert_eq!(read(client, 30).await, "||one.||two.||thr.||four||five");
                }
            }
            // It reads again, and nothing more is published.
            let reads = read(&mut clients[deaf], 30);
            assert_eq!(tokio::join!(subscribers.catch_up(), reads).1, "||one.||two.||thr.||four||five");
            assert!(!subscribers.all[deaf].is_given_up);
        }
    }

    #[tokio::test]
    async fn what_is_kept_has_a_limit_and_is_whole() {
        let (mut subscribers, mut clients) = subscribers(&[100_000]);
        let size = MOST_KEPT / 4 - 9;
        for n in 0..8 {
            subscribers.send(&ZmqMessage::from(Bytes::from(vec![n; size])), None).await;
        }
        let mut heard = vec![0; 4 * (size + 9)];
        let reads = async { clients[0].read_exact(&mut heard).await.map(drop) };
        tokio::join!(subscribers.catch_up(), reads).1.unwrap();
        let whole = |n: u8| [&[LONG], (size as u64).to_be_bytes().as_slice(), &vec![n; size]].concat();
        assert!(heard == (0..4).flat_map(whole).collect::<Vec<_>>());
        subscribers.send(&message("next"), None).await;
        assert_eq!(read(&mut clients[0], 6).await, "||next");
    }

    #[tokio::test]
    async fn each_hears_its_topics() {
        let (mut subscribers, mut clients) = subscribers(&[100, 100]);
        let say = |subscribers: &mut Subscribers, said| {
            subscribers.take_in(Heard::Said { subscriber: 1, said });
        };
        say(&mut subscribers, Said::Subscribe(Bytes::from_static(b"st")));
        say(&mut subscribers, Said::Subscribe(Bytes::from_static(b"st")));
        say(&mut subscribers, Said::Cancel(Bytes::new()));
        say(&mut subscribers, Said::Cancel(Bytes::from_static(b"st")));
        for text in ["abcd", "stat"] {
            subscribers.send(&message(text), None).await;
        }
        subscribers.send(&message("stop"), Some(0)).await;
        drop(subscribers);
        let mut heard = [String::new(), String::new()];
        for (client, heard) in clients.iter_mut().zip(&mut heard) {
            client.read_to_string(heard).await.unwrap();
        }
        assert_eq!(heard.map(|text| text.replace(['\0', '\u{4}'], "|")), ["||abcd||stat||stop", "||stat"]);
    }

    #[tokio::test]
    async fn one_that_left_is_forgotten() {
        let (mut subscribers, mut clients) = subscribers(&[100, 100, 100]);
        clients.remove(0);
        subscribers.send(&message("abcd"), None).await;
        subscribers.take_in(Heard::Left { subscriber: 1 });
        assert_eq!(subscribers.all.iter().map(|one| one.id).collect::<Vec<_>>(), [2]);
    }

    #[tokio::test]
    async fn topics_have_a_limit() {
        let (mut subscribers, _clients) = subscribers(&[100]);
        let mut welcomed = 1;
        for _ in 0..2 * MOST_TOPICS {
            let said = Said::Subscribe(Bytes::from_static(b"x"));
            welcomed += usize::from(subscribers.take_in(Heard::Said { subscriber: 0, said }).is_some());
        }
        assert_eq!((welcomed, subscribers.all[0].topics.len()), (MOST_TOPICS, MOST_TOPICS));
    }
}
