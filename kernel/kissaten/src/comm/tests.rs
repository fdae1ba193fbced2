use std::collections::BTreeMap;

use futures::FutureExt;

use super::*;

fn packet(id: &str, kind: PacketKind, message: Message) -> Packet {
    Packet { id: id.to_owned(), kind, message }
}

fn opens(id: &str, target: &str) {
    receive(packet(id, PacketKind::Open { target: target.to_owned() }, Message::new("hello").unwrap()));
}

#[test]
fn a_frontend_opens_talks_and_closes() {
    let mut target = Target::register("talk");
    opens("t1", "talk");
    let mut comm = target.accept().now_or_never().flatten().unwrap();
    assert_eq!((comm.id(), comm.target(), comm.is_open()), ("t1", "talk", true));
    assert_eq!(comm.opening().data::<String>().unwrap(), "hello");
    assert!(comm.recv().now_or_never().is_none());

    let message =
        Message::new(&BTreeMap::from([("value", 7)])).unwrap().with_metadata(&[1]).unwrap().with_buffer([0, 255]);
    receive(packet("t1", PacketKind::Message, message.clone()));
    receive(packet("t1", PacketKind::Close, Message::new(&"bye").unwrap()));
    receive(packet("t1", PacketKind::Message, message.clone()));
    let got = comm.recv().now_or_never().flatten().unwrap();
    assert_eq!((got.data::<BTreeMap<String, u8>>().unwrap()["value"], got.metadata::<[u8; 1]>().unwrap()), (7, [1]));
    assert_eq!(got.buffers(), [[0, 255]]);
    assert_eq!(got.data::<u8>().unwrap_err().to_string(), "the data of the comm: invalid type: map, expected u8");
    assert_eq!(comm.recv().now_or_never(), Some(None), "what comes behind the end is not received");
    assert_eq!(comm.closing().unwrap().json(), "\"bye\"");
    assert_eq!((comm.is_open(), comm.send(&1)), (false, Err(Error::Closed)));
}

#[test]
fn the_newest_target_of_a_name_takes_all() {
    let mut older = Target::register("twice");
    let mut newer = Target::register("twice");
    assert!(older.accept().now_or_never().flatten().is_none());
    drop(older);
    opens("n1", "twice");
    let comm = newer.accept().now_or_never().flatten().unwrap();
    drop(newer);
    opens("n2", "twice");
    assert!(comm.is_open() && !registry::has("n2"));
    drop(comm);
    assert!(!registry::has("n1"));
}

#[test]
fn what_nobody_takes_is_closed() {
    let target = Target::register("idle");
    for number in 0..1030 {
        opens(&format!("i{number}"), "idle");
    }
    assert!(registry::has("i1023") && !registry::has("i1024"));
    drop(target);
    assert!(!registry::has("i0"));
}

#[test]
fn a_queue_that_nobody_reads_ends_its_comm() {
    let mut comm = Comm::open("flood", &()).unwrap();
    let id = comm.id().to_owned();
    let megabyte = Message::empty().with_buffer(vec![0; 1 << 20]);
    for _ in 0..10 {
        receive(packet(&id, PacketKind::Message, megabyte.clone()));
        comm.recv().now_or_never().flatten().unwrap();
    }
    for _ in 0..64 {
        receive(packet(&id, PacketKind::Message, megabyte.clone()));
    }
    assert!(!comm.is_open());
    let mut read = 0;
    while comm.recv().now_or_never().flatten().is_some() {
        read += 1;
    }
    assert_eq!(read, 63, "what was taken in is not lost");
}

#[test]
fn senders_do_not_keep_a_comm_open() {
    let comm = Comm::open("short", &()).unwrap();
    let sender = comm.sender();
    assert_eq!(sender.send(&1), Ok(()));
    drop(comm);
    assert_eq!(sender.clone().send(&1), Err(Error::Closed));
}
