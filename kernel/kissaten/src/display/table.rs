use super::MimeBundle;
use std::time::Duration;
pub(crate) struct TaskRow {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) place: String,
    pub(crate) parent: Option<u64>,
    pub(crate) age: Duration,
    pub(crate) running: bool,
    pub(crate) polls: u64,
    pub(crate) busy: Duration,
}
pub(crate) fn tasks_table(rows: &[TaskRow]) -> MimeBundle {
    let mut text = String::from("id name place parent age running polls busy\n");
    for r in rows {
        text.push_str(&format!(
            "{} {} | {} {:?} {:?} {} {} {:?}\n",
            r.id, r.name, r.place, r.parent, r.age, r.running, r.polls, r.busy
        ));
    }
    MimeBundle::new().with("text/plain", text)
}
